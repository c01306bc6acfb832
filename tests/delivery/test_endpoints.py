"""Endpoint updates in the background: folded, packed, in order with the endpoint's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.delivery.conftest import Rig


def update(rig: Rig, endpoint_id: str, **members: Any) -> None:
    """Queue one endpoint update."""
    endpoint = pk.Endpoint(**members)
    body = wire.encode(wire.endpoint_request(endpoint))
    rig.delivery.enqueue_endpoint(endpoint_id, wire.with_id(endpoint_id, body))


def test_waiting_updates_of_an_endpoint_go_out_as_one(rig: Rig) -> None:
    """Updates are folded by name; each counts in the ledger."""
    update(rig, "e", attributes={"a": "1", "b": "1"}, metrics={"n": 1}, opt_out="ALL")
    update(rig, "e", attributes={"b": [], "c": "2"}, metrics={"n": 2})
    update(rig, "other", metrics={"n": 3})
    rig.run()
    assert rig.service.updates == [
        [
            {
                "Id": "e",
                "Attributes": {"a": ["1"], "b": [], "c": ["2"]},
                "Metrics": {"n": 2.0},
                "OptOut": "ALL",
            },
            {"Id": "other", "Metrics": {"n": 3.0}},
        ]
    ]
    stats = rig.delivery.stats()
    assert (stats.recorded, stats.accepted, stats.pending, stats.buffered_bytes) == (3, 3, 0, 0)


def test_an_update_of_another_user_is_not_folded(rig: Rig) -> None:
    """User attributes belong to their user, so two users make two requests, in order."""
    update(rig, "e", user=pk.User(id="u1", attributes={"a": "1"}))
    update(rig, "e", user=pk.User(id="u2"))
    rig.run()
    updates = [item["User"]["UserId"] for request in rig.service.updates for item in request]
    assert updates == ["u1", "u2"]
    assert len(rig.service.updates) == 2


def test_an_update_after_an_event_is_not_moved_before_it(rig: Rig) -> None:
    """Folding stops at an event of the endpoint."""
    update(rig, "e", metrics={"n": 1})
    rig.record("1", "e")
    update(rig, "e", metrics={"n": 2})
    rig.run()
    assert [[item["Metrics"]["n"] for item in batch] for batch in rig.service.updates] == [[1], [2]]
    assert rig.service.event_ids == ["1"]
    assert rig.delivery.stats().accepted == 3


def test_a_hundred_endpoints_share_a_request(rig: Rig) -> None:
    """250 endpoints go out in three requests."""
    for number in range(250):
        update(rig, f"e{number}", metrics={"n": number})
    rig.run()
    assert [len(batch) for batch in rig.service.updates] == [100, 100, 50]


def test_enqueue_reaches_the_engine() -> None:
    """The public call delivers, counts what is wrong, and raises only for wrong types."""
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.endpoints.enqueue(pk.Endpoint(id="e", attributes={"plan": "pro"}))
        pinpoint.endpoints.enqueue(pk.Endpoint(id="e", attributes={"plan": "x" * 101}))
        pinpoint.endpoints.enqueue(pk.Endpoint(id="e", address="a@example.com"))
        with pytest.raises(errors.InvalidTypeError):
            pinpoint.endpoints.enqueue("e")  # type: ignore[arg-type]
        with pytest.raises(errors.ValidationError, match="no id"):
            pinpoint.endpoints.enqueue(pk.Endpoint())
        report = pinpoint.flush(10)
        # The engine refuses an address without a channel type, and the fold with it.
        assert (report.recorded, report.accepted, report.rejected) == (3, 0, 3)
        assert report.reasons == {"value_too_long": 1, "BadRequestException": 2}


def test_a_strict_client_raises_at_enqueue() -> None:
    """strict=True raises for content at once."""
    with pk.connect("sqlite://", strict=True) as pinpoint, pytest.raises(errors.ValidationError):
        pinpoint.endpoints.enqueue(pk.Endpoint(id="e", attributes={"plan": "x" * 101}))


def test_endpoint_data_goes_out_with_every_event_that_has_it() -> None:
    """Nothing is left out because it was sent before: others may have changed the endpoint."""
    bodies: list[dict[str, Any]] = []
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.client.meta.events.register_first(
            "before-send.pinpoint.PutEvents",
            lambda request, **_: bodies.append(orjson.loads(request.body)),
        )
        data = pk.Endpoint(user=pk.User(id="u"))
        for _ in range(2):
            pinpoint.auth.sign_in("e", endpoint=data)
            pinpoint.flush(10)
        pinpoint.auth.sign_in("e", endpoint=data)
        pinpoint.auth.sign_in("e", endpoint=pk.Endpoint(user=pk.User(id="v")))
        pinpoint.flush(10)
    sent = [body["BatchItem"]["e"]["Endpoint"] for body in bodies]
    user, other = {"User": {"UserId": "u"}}, {"User": {"UserId": "v"}}
    assert sent == [user, user, user, other]


def test_the_endpoint_that_signed_in_last_has_the_address() -> None:
    """Of two endpoints that share a push token, the one of the last sign-in is ACTIVE."""
    with pk.connect("sqlite://") as pinpoint:
        for who in ("ana", "ben", "ana"):
            data = pk.Endpoint(channel_type="GCM", address="token", user=pk.User(id=who))
            pinpoint.auth.sign_in(f"{who}-tablet", endpoint=data)
            pinpoint.flush(10)
        found = {name: pinpoint.endpoints.get(f"{name}-tablet") for name in ("ana", "ben")}
    assert {name: endpoint.endpoint_status for name, endpoint in found.items()} == {
        "ana": pk.EndpointStatus.ACTIVE,
        "ben": pk.EndpointStatus.INACTIVE,
    }


def test_the_last_sign_in_wins_whichever_client_sent_it(tmp_path: Path) -> None:
    """Two clients sign people in on one device: the device has the user of the last one."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pk.connect(url, application="s") as one, pk.connect(url, application="s") as two:
        for client, who in ((one, "ana"), (two, "ben"), (one, "ana")):
            client.auth.sign_in("tablet", endpoint=pk.Endpoint(user=pk.User(id=who)))
            client.flush(10)
            assert [found.id for found in one.users.endpoints(who)] == ["tablet"]
        two.endpoints.delete("tablet")
        one.auth.sign_in("tablet", endpoint=pk.Endpoint(user=pk.User(id="ana")))
        one.flush(10)
        assert [found.id for found in one.users.endpoints("ana")] == ["tablet"]


def _import(pinpoint: pk.Pinpoint, folder: Path) -> None:
    (folder / "rows.csv").write_text("Id,ChannelType,Address,User.UserId\nE,SMS,1,imported\n")
    pinpoint.jobs.wait(pinpoint.jobs.import_endpoints(folder / "rows.csv"))


def _load_file(pinpoint: pk.Pinpoint, folder: Path) -> None:
    (folder / "rows.csv").write_text("Id,ChannelType,Address,User.UserId\nE,SMS,1,imported\n")
    assert pinpoint.endpoints.load(folder / "rows.csv").job is not None


def _load_rows(pinpoint: pk.Pinpoint, _: Path) -> None:
    assert pinpoint.endpoints.load([{"Id": "E", "User.UserId": "imported"}]).job is None


@pytest.mark.parametrize("change", [_import, _load_file, _load_rows])
def test_endpoint_data_of_a_later_event_wins_over_an_import(
    change: Callable[[pk.Pinpoint, Path], None], tmp_path: Path
) -> None:
    """What an import or a load wrote is overwritten by the next event that has other data."""
    data = pk.Endpoint(user=pk.User(id="u"))
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.auth.sign_in("e", endpoint=data)
        pinpoint.flush(10)
        change(pinpoint, tmp_path)
        assert [found.id for found in pinpoint.users.endpoints("imported")] == ["e"]
        pinpoint.auth.sign_in("e", endpoint=data)
        pinpoint.flush(10)
        assert [found.id for found in pinpoint.users.endpoints("u")] == ["e"]


def test_endpoint_data_that_was_refused_is_sent_again() -> None:
    """Data that did not arrive does not count as sent."""
    bodies: list[dict[str, Any]] = []
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.client.meta.events.register_first(
            "before-send.pinpoint.PutEvents",
            lambda request, **_: bodies.append(orjson.loads(request.body)),
        )
        for _ in range(2):
            pinpoint.events.record("e", "t", endpoint=pk.Endpoint(address="a@example.com"))
            pinpoint.flush(10)
    assert [bool(body["BatchItem"]["e"]["Endpoint"]) for body in bodies] == [True, True]


names = st.sampled_from(["a", "b"])
lists = st.dictionaries(names, st.lists(st.sampled_from(["x", "y"]), max_size=2), max_size=2)
numbers = st.dictionaries(names, st.integers(0, 3).map(float), max_size=2)
endpoints = st.builds(
    pk.Endpoint,
    attributes=st.none() | lists,
    metrics=st.none() | numbers,
    demographic=st.none() | st.builds(pk.Demographic, make=st.none() | names, model=names),
    location=st.none() | st.builds(pk.Location, city=st.none() | names, country=st.none() | names),
    user=st.none() | st.builds(pk.User, id=st.none() | names, attributes=st.none() | lists),
    opt_out=st.none() | st.sampled_from(pk.OptOut),
    endpoint_status=st.none() | st.sampled_from(pk.EndpointStatus),
    channel_type=st.just(pk.ChannelType.EMAIL),
    address=names,
)


@settings(max_examples=40)  # each one makes two engines
@given(updates=st.lists(endpoints, min_size=2, max_size=4))
def test_folded_updates_have_the_effect_of_their_sequence(updates: list[pk.Endpoint]) -> None:
    """The engine holds the same after one folded update as after all of them in order."""
    with pk.connect("sqlite://", application="one") as pinpoint:
        folded = wire.with_id("folded", wire.encode(wire.endpoint_request(updates[0])))
        pinpoint.endpoints.update(_named("single", updates[0]))
        for update_ in updates[1:]:
            later = wire.with_id("folded", wire.encode(wire.endpoint_request(update_)))
            merged = wire.merged_endpoint(folded, later)
            if merged is None:
                return
            folded = merged
            pinpoint.endpoints.update(_named("single", update_))
        single = pinpoint.endpoints.get("single")
        with pk.connect("sqlite://", application="two") as other:
            other.endpoints.update(wire.from_wire(pk.Endpoint, orjson.loads(folded)))
            both = [_seen(single), _seen(other.endpoints.get("folded"))]
    assert both[0] == both[1]


def _named(endpoint_id: str, endpoint: pk.Endpoint) -> pk.Endpoint:
    return wire.from_wire(pk.Endpoint, {**wire.endpoint_request(endpoint), "Id": endpoint_id})


def _seen(endpoint: pk.Endpoint) -> dict[str, Any]:
    own = {"Id", "ApplicationId", "CohortId", "RequestId", "EffectiveDate", "CreationDate"}
    return {name: value for name, value in wire.to_wire(endpoint).items() if name not in own}
