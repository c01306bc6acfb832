"""A pytest plugin: a Pinpoint in memory for the tests of code that uses Pinpoint.

pytest loads this module at every start, in every project that has the package installed. So
nothing but pytest and the standard library may be imported here before a fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.testing.stored import RecordedEvent, stored_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.client import BaseClient

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.engagement.outbox import Outbox
    from pinpoint_kit.testing.faults import CHAOS, Fault
    from pinpoint_kit.testing.faulty import FaultyPinpoint, FaultyRequest

__all__ = [
    "CHAOS",
    "Fault",
    "FaultyPinpoint",
    "FaultyRequest",
    "RecordedEvent",
    "enable_channels",
    "faulty_pinpoint",
    "outbox",
    "pinpoint",
    "pinpoint_application_id",
    "pinpoint_client",
    "pinpoint_url",
    "recorded_events",
]

_APPLICATION = "tests"

_LAZY = {
    "CHAOS": "faults",
    "Fault": "faults",
    "FaultyPinpoint": "faulty",
    "FaultyRequest": "faulty",
}


def __getattr__(name: str) -> object:
    """Return the faulty Pinpoint, imported when somebody asks for it."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 -- see the top of the file

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


@pytest.fixture
def pinpoint() -> Iterator[Pinpoint]:
    """Give a `Pinpoint` with an application, on an engine in memory that this test has to itself.

    It is closed after the test.
    """
    from pinpoint_kit.client import connect  # noqa: PLC0415 -- see the top of the file

    with connect("sqlite://", application=_APPLICATION) as client:
        yield client


@pytest.fixture
def pinpoint_client(pinpoint: Pinpoint) -> BaseClient:
    """Give the botocore client of the test's engine, for code that takes what `boto3.client` makes.

    The same engine as that of the fixture `pinpoint`.
    """
    return pinpoint.client


@pytest.fixture
def pinpoint_application_id(pinpoint: Pinpoint) -> str:
    """Give the id of the application on the test's engine."""
    return pinpoint.application_id


@pytest.fixture
def pinpoint_url(tmp_path: Path) -> str:
    """Give the URL of a database of the test's own, for code that calls `connect` itself.

    It is a file: whoever connects to it, also from another process, meets the same data. It is
    not the engine of the fixture `pinpoint`.
    """
    return f"sqlite:///{tmp_path / 'pinpoint.db'}"


@pytest.fixture
def outbox(pinpoint: Pinpoint) -> Outbox:
    """Give the outbox of the fixture `pinpoint`, with all channels on.

    Whatever the test's code sends stays in it, as its recipients would see it.
    """
    enable_channels(pinpoint)
    return pinpoint.outbox


@pytest.fixture
def faulty_pinpoint() -> Iterator[FaultyPinpoint]:
    """Give a Pinpoint that fails as the test says, on an engine in memory of its own.

    Connect with `faulty_pinpoint.connect()`, or to `faulty_pinpoint.url` over a real socket. It
    is closed after the test.
    """
    from pinpoint_kit.testing.faulty import FaultyPinpoint  # noqa: PLC0415 -- see the top

    with FaultyPinpoint() as faulty:
        yield faulty


def enable_channels(pinpoint: Pinpoint) -> None:
    """Turn all channels of an application on, with keys that open nothing.

    For tests, against the engine or our server: what is sent stays in the outbox. E-mail comes from
    `sender@example.com` unless a message says otherwise.

    Args:
        pinpoint: a client of the application.

    Raises:
        ConfigurationError: the client talks to AWS.

    Examples:
        >>> from pinpoint_kit import connect
        >>> with connect("sqlite://") as pinpoint:
        ...     enable_channels(pinpoint)
        ...     results = pinpoint.messages.send("Hello", addresses={"token-1": "GCM"})
        ...     results[0].is_sent
        True
    """
    from pinpoint_kit.errors import ConfigurationError  # noqa: PLC0415 -- see the top of the file
    from pinpoint_kit.models.wire.channels import CHANNEL_KEYS  # noqa: PLC0415 -- as above

    if pinpoint._door is not None and pinpoint._door.kind == "aws":  # noqa: SLF001 -- of the same package
        raise ConfigurationError("enable_channels is for tests, and would break channels on AWS")
    pinpoint.messages.enable("EMAIL", from_address="sender@example.com")
    pinpoint.messages.enable("SMS")
    pinpoint.messages.enable("VOICE")
    for channel, alternatives in CHANNEL_KEYS.items():
        pinpoint.messages.enable(channel, keys=dict.fromkeys(alternatives[-1], "test"))


def recorded_events(pinpoint: Pinpoint, event_type: str | None = None) -> list[RecordedEvent]:
    """Flush, and read back the events that the engine has stored for the application.

    The API of Pinpoint has no call that reads events. So this asks the engine behind the client,
    and works only where there is one: with the fixture `pinpoint`, or any `sqlite:` URL.

    Args:
        pinpoint: a client of an embedded engine.
        event_type: only events of this type, for example `_userauth.sign_in`.

    Returns:
        The events in the order of their requests. A request groups its events by endpoint.

    Raises:
        ConfigurationError: there is no engine behind this client.

    Examples:
        >>> from pinpoint_kit import connect
        >>> with connect("sqlite://") as pinpoint:
        ...     event_id = pinpoint.events.record("device-1", "level_up", metrics={"n": 7})
        ...     [(at, event.type, event.metrics) for at, _, event in recorded_events(pinpoint)]
        [('device-1', 'level_up', {'n': 7.0})]
    """
    from pinpoint_kit.errors import ConfigurationError  # noqa: PLC0415 -- see the top of the file

    engine = pinpoint._door.engine if pinpoint._door is not None else None  # noqa: SLF001 -- of the same package
    if engine is None:
        raise ConfigurationError(
            "recorded_events needs an embedded engine: use the fixture pinpoint, or connect to a"
            " sqlite: URL"
        )
    pinpoint.flush()
    return stored_events(engine, pinpoint.application_id, event_type)
