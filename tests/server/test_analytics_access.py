"""Over a socket: a key for analytics sees numbers, and nobody behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine.wire import routes
from pinpoint_kit.server.access.authenticator import Authenticator
from tests.server.signed_server import build
from tests.server.signing import (
    ANALYST,
    APP,
    ENDPOINT,
    OTHER_APP,
    READER,
    SECRETS,
    sign,
    write_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.signed_server import SignedServer

OURS = f"/pinpoint-kit/v1/apps/{APP}"
KPI = f"/v1/apps/{APP}/kpis/daterange/daily-active-endpoints-grouped-by-date"
FUNNEL = {"steps": [{"type": "view"}, {"type": "buy"}], "window_ms": 1000}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedServer]:
    """One server for these tests, which change nothing."""
    folder = tmp_path_factory.mktemp("analyst")
    found = build(folder, Authenticator.load(write_file(folder / "credentials.ini")))
    yield found
    found.server.stop()


def ask(
    signed: SignedServer, method: str, path: str, body: object = None, key: str = ANALYST
) -> int:
    """Send a signed request, and return the status."""
    sent = b"" if body is None else json.dumps(body).encode()
    return signed.send_raw(sign(method, path, sent, key=key)).status


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{OURS}/metrics/active", {"by": "platform", "where": {"country": "PT"}}),
        ("POST", f"{OURS}/metrics/overview", None),
        ("POST", f"{OURS}/metrics/funnel", FUNNEL),
        ("GET", KPI, None),
        ("GET", f"{OURS}/funnels", None),
        ("GET", f"/v1/apps/{APP}", None),
    ],
)
def test_numbers_are_open(signed: SignedServer, method: str, path: str, body: object) -> None:
    """Charts, funnels, AWS's own KPIs and the application's name."""
    assert ask(signed, method, path, body) == 200
    assert ask(signed, method, path.replace(APP, OTHER_APP), body) == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{OURS}/metrics/timeline", {"user_id": "u"}),
        ("POST", f"{OURS}/metrics/timel%69ne", {"user_id": "u"}),
        ("POST", f"{OURS}/metrics/active", {"where": {"user_id": "u"}}),
        ("POST", f"{OURS}/metrics/active", {"where": {"endpoint_id": ["d"]}}),
        ("POST", f"{OURS}/metrics/events", {"where": {"session_id": "s"}}),
        ("POST", f"{OURS}/metrics/active/segments", {"Name": "x"}),
        ("POST", f"{OURS}/events/find", None),
        ("POST", f"{OURS}/endpoints/find", {}),
        ("POST", f"{OURS}/funnels", {"Name": "x", "Arguments": FUNNEL}),
        ("GET", f"{OURS}/endpoints", None),
        ("GET", f"{OURS}/endpoint-ids", None),
        ("GET", ENDPOINT, None),
        ("GET", f"/v1/apps/{APP}/users/u", None),
        ("GET", f"/v1/apps/{APP}/segments", None),
        ("PUT", ENDPOINT, {}),
        ("POST", f"/v1/apps/{APP}/events", {"BatchItem": {}}),
        ("DELETE", f"/v1/apps/{APP}", None),
    ],
)
def test_persons_are_closed(signed: SignedServer, method: str, path: str, body: object) -> None:
    """Look-ups, lists, timelines, numbers about one id, and everything that writes."""
    assert ask(signed, method, path, body) == 403


def test_every_other_operation_is_closed(signed: SignedServer) -> None:
    """Of all 122 operations and the extensions, four need no more than this key."""
    table = routes.load()
    open_to_it = set()
    for route in (*table.all, *table.extensions):
        path = route.template.replace("{application-id}", APP)
        for label in route.labels:
            path = path.replace(f"{{{label}}}", "active" if label == "metric-name" else "x")
        if ask(signed, route.method, path) != 403:
            open_to_it.add(route.operation)
    expected = {"GetApp", "GetApplicationDateRangeKpi", "GetMetric", "ListFunnels"}
    assert open_to_it == expected


def test_a_reader_asks_questions_too(signed: SignedServer) -> None:
    """Reading by POST is reading: numbers, events, endpoints, opt-outs; changing them is not."""
    assert ask(signed, "POST", f"{OURS}/metrics/timeline", {"user_id": "u"}, READER) == 200
    assert ask(signed, "POST", f"{OURS}/events/find", {}, READER) == 200
    assert ask(signed, "POST", f"{OURS}/endpoints/find", {}, READER) == 200
    assert ask(signed, "POST", f"{OURS}/opt-outs/find", {}, READER) == 200
    given = {"Channel": "SMS", "Addresses": ["+12065550100"]}
    for path in ("opt-outs", "opt-outs/remove"):
        assert ask(signed, "POST", f"{OURS}/{path}", given, READER) == 403
    assert ask(signed, "POST", f"{OURS}/metrics/active/segments", {"Name": "x"}, READER) == 403


def test_the_sdk_says_forbidden(signed: SignedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its verbs work up to the timeline, which is a typed error."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ANALYST)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[ANALYST])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with pk.connect(signed.server.url, application_id=APP) as pinpoint:
        assert pinpoint.analytics.active().total == 0
        assert pinpoint.analytics.saved_funnels() == []
        for refused in (
            lambda: pinpoint.analytics.timeline(user_id="u"),
            lambda: pinpoint.events.find(limit=1).to_list(),
            lambda: pinpoint.endpoints.find(address="x"),
        ):
            with pytest.raises(pk.errors.Forbidden):
                refused()
