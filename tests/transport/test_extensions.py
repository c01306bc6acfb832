"""Our own operations, which botocore has no model of, over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from pinpoint_kit import errors
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from pinpoint_kit.transport import Transport

MARK = {"x-pinpoint-kit": "1"}


def refusal(kit: Any, status: int, code: str, *, marked: bool) -> Any:
    """Return an answer that refuses."""
    headers = {"x-amzn-ErrorType": code, **(MARK if marked else {})}
    return kit.Reply(status, b'{"Message": "no"}', headers)


def test_a_read_goes_out_encoded_and_signed(server: Any, transport: Transport, kit: Any) -> None:
    """Segments and parameters are percent-encoded, None is left out, and the whole is signed."""
    server.script = [kit.Reply(200, b'{"Item": [1]}', MARK)]
    own = ExtensionCall(
        "ListThings", ("a/b", "ü ?"), {"token": "x=&", "page-size": 2, "version": None}
    )
    assert transport.call_extension("app/1", own) == {"Item": [1]}
    (seen,) = server.seen
    assert seen.method == "GET"
    assert seen.path == (
        "/pinpoint-kit/v1/apps/app%2F1/a%2Fb/%C3%BC%20%3F?token=x%3D%26&page-size=2"
    )
    assert "/mobiletargeting/" in seen.headers["authorization"]


def test_a_body_is_posted_as_json(server: Any, transport: Transport, kit: Any) -> None:
    """With a body it is a POST of JSON."""
    server.script = [kit.Reply(200, b'{"Done": true}', MARK)]
    assert transport.call_extension("app", ExtensionCall("Do", ("x",), body={"A": "é"})) == {
        "Done": True
    }
    (seen,) = server.seen
    assert (seen.method, seen.headers["content-type"]) == ("POST", "application/json")
    assert orjson.loads(seen.body) == {"A": "é"}


@pytest.mark.parametrize("status", [403, 404, 405])
def test_another_server_has_no_such_operation(
    server: Any, transport: Transport, kit: Any, status: int
) -> None:
    """What the hosted service answers to an unknown path is None, not an error."""
    server.script = [refusal(kit, status, "MissingAuthenticationTokenException", marked=False)]
    assert transport.call_extension("app", ExtensionCall("ListThings", ("x",))) is None


def test_an_older_release_has_no_such_operation(
    server: Any, transport: Transport, kit: Any
) -> None:
    """A 501 of our own is None too."""
    server.script = [refusal(kit, 501, "NotImplementedException", marked=True)]
    assert transport.call_extension("app", ExtensionCall("ListThings", ("x",))) is None


def test_a_refusal_of_ours_is_an_error(server: Any, transport: Transport, kit: Any) -> None:
    """A marked 404 means that something is missing; the error names our operation."""
    server.script = [refusal(kit, 404, "NotFoundException", marked=True)]
    with pytest.raises(errors.NotFound) as caught:
        transport.call_extension("app", ExtensionCall("ListThings", ("x",)))
    assert caught.value.operation == "ListThings"


def test_reads_are_tried_again_and_writes_are_not(
    server: Any, transport: Transport, kit: Any
) -> None:
    """A failed read is repeated; a failed write may have been done."""
    server.script = [kit.Reply(500, b"{}", MARK), kit.Reply(200, b"{}", MARK)]
    assert transport.call_extension("app", ExtensionCall("ListThings", ("x",))) == {}
    server.script = [kit.Reply(500, b"{}", MARK)]
    with pytest.raises(errors.InternalServerError):
        transport.call_extension("app", ExtensionCall("Do", ("x",), body={}))


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>"])
def test_garbled_answers(server: Any, transport: Transport, kit: Any, body: bytes) -> None:
    """An answer that is no JSON object is no answer."""
    server.default = lambda _: kit.Reply(200, body, MARK)
    with pytest.raises(errors.TransportError, match="ListThings"):
        transport.call_extension("app", ExtensionCall("ListThings", ("x",)))


def test_the_carrier_itself_is_untouched(server: Any, transport: Transport, kit: Any) -> None:
    """GetApp stays GetApp, before and after."""
    own = ExtensionCall("ListThings", ("x",))
    body = b'{"Arn": "a", "Id": "app", "Name": "n"}'
    server.script = [kit.Reply(200, body), kit.Reply(200, b"{}", MARK), kit.Reply(200, body)]
    for _ in range(2):
        answer = transport.call("GetApp", ApplicationId="app")
        assert answer["ApplicationResponse"]["Name"] == "n"
        if len(server.seen) == 1:
            transport.call_extension("app", own)
    assert [seen.path for seen in server.seen] == [
        "/v1/apps/app", "/pinpoint-kit/v1/apps/app/x", "/v1/apps/app",
    ]  # fmt: skip


def test_reprs_hold_no_ids() -> None:
    """The repr of a call shows numbers only."""
    own = ExtensionCall("Do", ("secret-id",), {"token": "secret"}, body={"UserId": "secret"})
    assert "secret" not in repr(own)
