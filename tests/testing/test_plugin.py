"""The pytest plugin, as users' own tests meet it: fixtures, read-back, and life beside moto."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import pytest
from moto import mock_aws

import pinpoint_kit as pk
from pinpoint_kit.testing import RecordedEvent, enable_channels, recorded_events

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    """Run a test file as a user's project would, with warnings as errors."""
    pytester.makepyfile(source)
    return pytester.runpytest("-p", "no:cacheprovider", "-W", "error")


def test_the_fixtures_need_no_setup(pytester: pytest.Pytester) -> None:
    """A project without any conftest has all fixtures."""
    run(
        pytester,
        """
        import pinpoint_kit as pk

        def test_client(pinpoint):
            pinpoint.endpoints.update(pk.Endpoint(id="device-1", user=pk.User(id="user-1")))
            assert len(pinpoint.users.endpoints("user-1")) == 1

        def test_boto3(pinpoint_client, pinpoint_application_id):
            answer = pinpoint_client.get_app(ApplicationId=pinpoint_application_id)
            assert answer["ApplicationResponse"]["Id"] == pinpoint_application_id

        def test_url(pinpoint_url):
            for _ in range(2):
                with pk.connect(pinpoint_url, application="shop") as pinpoint:
                    assert len(pinpoint.applications.list()) == 1
        """,
    ).assert_outcomes(passed=3)


def test_what_is_sent_stays_in_the_outbox(pytester: pytest.Pytester) -> None:
    """With every channel on; the outbox is that of the fixture `pinpoint`."""
    run(
        pytester,
        """
        import pinpoint_kit as pk
        import pytest

        KINDS = ["EMAIL", "SMS", "VOICE", "GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP",
                 "APNS_VOIP_SANDBOX", "ADM", "BAIDU"]

        def test_send(pinpoint, outbox):
            for kind in KINDS:
                address = {"EMAIL": "ann@example.com"}.get(kind, "12065550100")
                [result] = pinpoint.messages.send("Hello", addresses={address: kind})
                assert result.is_sent, result
                assert outbox.wait_for(channel=kind, timeout=0).body == "Hello"
            assert len(outbox.messages()) == len(KINDS)
        """,
    ).assert_outcomes(passed=1)


def test_channels_on_aws_are_left_alone() -> None:
    """The keys are made up, and would break them."""
    with pk.connect("sqlite://") as pinpoint:
        assert pinpoint._door is not None
        pinpoint._door = attrs.evolve(pinpoint._door, kind="aws")
        with pytest.raises(pk.ConfigurationError, match="for tests"):
            enable_channels(pinpoint)


def test_each_test_has_an_engine_of_its_own(pytester: pytest.Pytester) -> None:
    """What one test stores, the next does not see; within a test the fixtures share."""
    run(
        pytester,
        """
        import pinpoint_kit as pk
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_fresh(pinpoint, pinpoint_client, pinpoint_application_id, number):
            with pytest.raises(pk.errors.NotFound):
                pinpoint.endpoints.get("device-1")
            pinpoint_client.update_endpoint(
                ApplicationId=pinpoint_application_id,
                EndpointId="device-1",
                EndpointRequest={"User": {"UserId": "user-1"}},
            )
            assert pinpoint.endpoints.get("device-1").user.id == "user-1"
        """,
    ).assert_outcomes(passed=2)


def test_the_client_is_closed_after_the_test(pytester: pytest.Pytester) -> None:
    """The fixture closes its client also when the test fails, and leaves no warning behind."""
    result = run(
        pytester,
        """
        import gc
        import pinpoint_kit as pk
        import pytest

        kept = []

        def test_fails(pinpoint):
            kept.append(pinpoint)
            pinpoint.events.record("device-1", "level_up")
            assert False

        def test_afterwards():
            with pytest.raises(pk.errors.ClosedError):
                kept.pop().endpoints.get("device-1")
            gc.collect()
        """,
    )
    result.assert_outcomes(passed=1, failed=1)


def test_the_environment_does_not_reach_the_fixtures(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings for production, and settings of AWS that are broken, change nothing in a test."""
    monkeypatch.setenv("PINPOINT_KIT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PINPOINT_KIT_APPLICATION_ID", "production")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT", "http://127.0.0.1:1")
    run(
        pytester,
        """
        def test_it(pinpoint):
            pinpoint.events.record("device-1", "level_up")
            assert pinpoint.flush(10).accepted == 1
            assert pinpoint.application_id != "production"
        """,
    ).assert_outcomes(passed=1)


def test_the_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` shows each fixture with a first line of help."""
    lines = pytester.runpytest("--fixtures", "-p", "no:cacheprovider").stdout.lines
    for name in ("pinpoint", "pinpoint_client", "pinpoint_application_id", "pinpoint_url"):
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} -- "))
        assert lines[at + 1].strip()


def test_the_plugin_imports_nothing_heavy() -> None:
    """Pytest loads the plugin in every project: it costs no third-party import but pytest's."""
    code = (
        "import pytest, sys; before = set(sys.modules); import pinpoint_kit.testing;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "['pinpoint_kit']"


def test_recorded_events_gives_back_everything(pinpoint: pk.Pinpoint) -> None:
    """An event comes back as it was recorded, with its endpoint and its user."""
    at = dt.datetime(2025, 12, 10, 9, 32, 20, 5000, tzinfo=dt.timezone.utc)
    event = pk.Event(
        type="level_up",
        id="event-1",
        timestamp=at,
        attributes={"mode": "hard"},
        metrics={"n": 7.5},
        session=pk.Session(id="s", start_timestamp=at, stop_timestamp=at, duration_ms=0),
        app_title="Shop",
        app_package_name="com.example.shop",
        app_version_code="3.2.0",
        sdk_name="mine",
        client_sdk_version="1.0",
    )
    pinpoint.events.record("Device-1", event, endpoint=pk.Endpoint(user=pk.User(id="user-1")))

    [recorded] = recorded_events(pinpoint)

    assert event.session is not None
    session = pk.Session(
        id="s", start_timestamp=at, stop_timestamp=at, duration_ms=0, endpoint_id="device-1"
    )
    assert recorded.endpoint_id == "device-1"
    assert recorded.user_id == "user-1"
    assert recorded.event.session == session
    assert recorded == RecordedEvent("device-1", "user-1", recorded.event)
    for name in ("type", "id", "timestamp", "attributes", "metrics", "app_title", "sdk_name"):
        assert getattr(recorded.event, name) == getattr(event, name)
    for name in ("app_package_name", "app_version_code", "client_sdk_version"):
        assert getattr(recorded.event, name) == getattr(event, name)


def test_recorded_events_keeps_the_order_of_arrival(pinpoint: pk.Pinpoint) -> None:
    """Events come in the order in which they arrived, whatever their times; types filter."""
    for number in (3, 1, 2):
        pinpoint.events.put("device-1", "step", timestamp=f"2026-01-0{number}T00:00:00Z")
    pinpoint.events.put("device-1", "other")

    assert [at.event.timestamp for at in recorded_events(pinpoint, "step")] == [
        dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc) for day in (3, 1, 2)
    ]
    assert [at.event.type for at in recorded_events(pinpoint)] == ["step"] * 3 + ["other"]
    assert recorded_events(pinpoint, "nothing") == []


def test_recorded_events_sees_one_application(pinpoint_url: str) -> None:
    """Another application of the same database is another world."""
    with (
        pk.connect(pinpoint_url, application="shop") as shop,
        pk.connect(pinpoint_url, application="game") as game,
    ):
        shop.events.put("device-1", "bought")
        game.events.put("device-1", "won")

        assert [recorded.event.type for recorded in recorded_events(game)] == ["won"]


def test_recorded_events_says_what_it_needs(pinpoint_client: Any) -> None:
    """Without an embedded engine behind the client the error says what to use."""
    with (
        pk.Pinpoint(pinpoint_client, "application-1") as wrapped,
        pytest.raises(pk.errors.ConfigurationError, match="needs an embedded engine"),
    ):
        recorded_events(wrapped)


def test_the_file_of_pinpoint_url_is_in_tmp_path(pinpoint_url: str, tmp_path: Path) -> None:
    """The database lies in the test's own folder, and appears when somebody connects."""
    assert pinpoint_url.startswith("sqlite:///")
    assert list(tmp_path.iterdir()) == []
    pk.connect(pinpoint_url).close()
    assert (tmp_path / "pinpoint.db").exists()


def both_work(pinpoint: pk.Pinpoint) -> None:
    """Use S3 of moto and our engine, one after the other."""
    s3: Any = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="uploads")
    pinpoint.events.record("device-1", "upload")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["uploads"]
    assert [at.event.type for at in recorded_events(pinpoint)] == ["upload"]
    s3.close()


@mock_aws
def test_a_client_made_before_mock_aws(pinpoint: pk.Pinpoint) -> None:
    """Under mock_aws the fixture's client still reaches the engine, and S3 is moto's."""
    both_work(pinpoint)


def test_a_client_made_inside_mock_aws(request: pytest.FixtureRequest) -> None:
    """A client made under mock_aws reaches the engine too, and after mock_aws still does."""
    with mock_aws():
        pinpoint = request.getfixturevalue("pinpoint")
        both_work(pinpoint)
    pinpoint.events.record("device-1", "afterwards")
    assert len(recorded_events(pinpoint)) == 2


@mock_aws
def test_moto_keeps_its_own_pinpoint(pinpoint: pk.Pinpoint) -> None:
    """Moto's Pinpoint and our engine do not see each other's applications."""
    motos: Any = boto3.client("pinpoint", region_name="us-east-1")
    motos.create_app(CreateApplicationRequest={"Name": "moto"})

    ours = [application.name for application in pinpoint.applications.list()]
    theirs = [item["Name"] for item in motos.get_apps()["ApplicationsResponse"]["Item"]]
    motos.close()
    assert ours == ["tests"]
    assert theirs == ["moto"]
