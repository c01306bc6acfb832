"""A pytest plugin: a Pinpoint in memory for the tests of code that uses Pinpoint.

pytest loads this module at every start, in every project that has the package installed. So
nothing but pytest and the standard library may be imported here before a fixture is used.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from botocore.client import BaseClient

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.models.event import Event, Session

__all__ = [
    "RecordedEvent",
    "pinpoint",
    "pinpoint_application_id",
    "pinpoint_client",
    "pinpoint_url",
    "recorded_events",
]

_APPLICATION = "tests"


class RecordedEvent(NamedTuple):
    """An event as the engine has stored it.

    Args:
        endpoint_id: the endpoint it happened at, in lower case: endpoint ids are
            case-insensitive.
        user_id: the endpoint's user when the event arrived; None when it had none.
        event: the event, with its id.
    """

    endpoint_id: str
    user_id: str | None
    event: Event


@pytest.fixture
def pinpoint() -> Iterator[Pinpoint]:
    """A `Pinpoint` with an application, on an engine in memory that this test has to itself.

    It is closed after the test.
    """
    from pinpoint_kit.client import connect  # noqa: PLC0415 -- see the top of the file

    with connect("sqlite://", application=_APPLICATION) as client:
        yield client


@pytest.fixture
def pinpoint_client(pinpoint: Pinpoint) -> BaseClient:
    """The botocore client of the test's engine, for code that takes what `boto3.client` makes.

    The same engine as that of the fixture `pinpoint`.
    """
    return pinpoint.client


@pytest.fixture
def pinpoint_application_id(pinpoint: Pinpoint) -> str:
    """The id of the application on the test's engine."""
    return pinpoint.application_id


@pytest.fixture
def pinpoint_url(tmp_path: Path) -> str:
    """The URL of a database of the test's own, for code that calls `connect` itself.

    It is a file: whoever connects to it, also from another process, meets the same data. It is
    not the engine of the fixture `pinpoint`.
    """
    return f"sqlite:///{tmp_path / 'pinpoint.db'}"


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

        >>> from pinpoint_kit import connect
        >>> with connect("sqlite://") as pinpoint:
        ...     event_id = pinpoint.events.record("device-1", "level_up", metrics={"n": 7})
        ...     [(at, event.type, event.metrics) for at, _, event in recorded_events(pinpoint)]
        [('device-1', 'level_up', {'n': 7.0})]
    """
    from pinpoint_kit.engine import schema  # noqa: PLC0415 -- see the top of the file
    from pinpoint_kit.errors import ConfigurationError  # noqa: PLC0415 -- as above

    engine = pinpoint._door.engine if pinpoint._door is not None else None  # noqa: SLF001 -- of the same package
    if engine is None:
        raise ConfigurationError(
            "recorded_events needs an embedded engine: use the fixture pinpoint, or connect to a"
            " sqlite: URL"
        )
    pinpoint.flush()
    events, apps = schema.events, schema.apps
    query = (
        events.join(apps, apps.c.number == events.c.app)
        .select()
        .with_only_columns(*events.c)
        .where(apps.c.id == pinpoint.application_id)
        .order_by(events.c.number)
    )
    if event_type is not None:
        query = query.where(events.c.type == event_type)
    with engine._store.read() as connection:  # noqa: SLF001 -- the engine's API has no such call
        rows = connection.execute(query).mappings().all()
    return [RecordedEvent(row["endpoint"], row["user_id"], _event(row)) for row in rows]


_TEXTS = ("app_package_name", "app_title", "app_version_code", "client_sdk_version", "sdk_name")


def _event(row: Mapping[Any, Any]) -> Event:
    from pinpoint_kit.models.event import Event  # noqa: PLC0415 -- see the top of the file

    return Event(
        type=row["type"],
        id=row["event_id"],
        timestamp=_instant(row["timestamp"]),
        attributes=json.loads(row["attributes"] or "{}"),
        metrics=json.loads(row["metrics"] or "{}"),
        session=_session(row),
        **{name: row[name] for name in _TEXTS},
    )


def _session(row: Mapping[Any, Any]) -> Session | None:
    from pinpoint_kit.models.event import Session  # noqa: PLC0415 -- see the top of the file

    if row["session_id"] is None:
        return None
    return Session(
        id=row["session_id"],
        start_timestamp=_instant(row["session_start"]),
        stop_timestamp=_instant(row["session_stop"]),
        duration_ms=row["session_duration"],
        endpoint_id=row["endpoint"],
    )


def _instant(milliseconds: int | None) -> dt.datetime | None:
    if milliseconds is None:
        return None
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return epoch + dt.timedelta(milliseconds=milliseconds)
