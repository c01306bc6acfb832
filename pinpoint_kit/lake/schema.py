"""The columns of a lake's files, once, in the words of everyone who reads or writes them.

Events have the fields of Pinpoint's event stream where it has them, nested as there, so that what
was written for its records reads a lake. Besides them stands what the stream does not say: the
event's id, the user, the session's duration, and the country and time zone of the endpoint. Folders
`event_date=YYYY-MM-DD` hold the events of a day in UTC. No file is read or written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENDPOINTS",
    "EVENTS",
    "TABLES",
    "USERS",
    "Field",
    "Kind",
    "MapOf",
    "from_text",
    "sql_type",
]


@attrs.frozen
class MapOf:
    """A map from texts.

    Attributes:
        value: `text`, `number` or `texts`.
    """

    value: str


#: `text`, `whole` (64 bits), `number`, `texts` (a list), a map, or a struct of more of these.
Kind: TypeAlias = "str | MapOf | Mapping[str, Kind]"


@attrs.frozen
class Field:
    """A column.

    Attributes:
        name: its name.
        kind: what it holds.
        source: the expression over what an export has read; see writing.py.
        meaning: what it is, for people who query it.
    """

    name: str
    kind: Kind
    source: str = attrs.field(repr=False)
    meaning: str


def from_text(column: str, kind: str) -> str:
    """Return what reads JSON that an export has read as a text, in the words of DuckDB.

    U+0000, which stores of old let in, is read as U+FFFD, as the store's own numbers read it. No
    JSON has U+0001, which stands for an escaped backslash meanwhile: after one, `u0000` is a text.

    Args:
        column: the text.
        kind: its type.
    """
    plain = rf"replace({column}, '\\', chr(1))"
    plain = rf"replace(replace({plain}, '\u0000', '\ufffd'), chr(1), '\\')"
    return f"from_json({plain}, '\"{kind}\"')"


_TEXT_MAP, _NUMBER_MAP, _LIST_MAP = MapOf("text"), MapOf("number"), MapOf("texts")
_LISTS = from_text("a", "MAP(VARCHAR, VARCHAR[])")

EVENTS = (
    Field("event_type", "text", "type", "for example `_session.start`"),
    Field("event_timestamp", "whole", "ms", "when it happened, milliseconds since 1970"),
    Field("arrival_timestamp", "whole", "got", "when it arrived, milliseconds since 1970"),
    Field("event_version", "text", "'3.0'", "the version of the event stream's records"),
    Field(
        "application",
        {
            "app_id": "text",
            "package_name": "text",
            "sdk": {"name": "text", "version": "text"},
            "title": "text",
            "version_name": "text",
            "version_code": "text",
        },
        "{'app_id': $app, 'package_name': app.package,"
        " 'sdk': {'name': app.sdk, 'version': app.release}, 'title': app.title,"
        " 'version_name': av, 'version_code': app.code}",
        "`app_id` is the application's id, `version_name` the endpoint's app version",
    ),
    Field("client", {"client_id": "text"}, "{'client_id': e}", "the endpoint's id, in lower case"),
    Field(
        "device",
        {
            "locale": {"code": "text"},
            "make": "text",
            "model": "text",
            "platform": {"name": "text"},
        },
        "{'locale': {'code': lo}, 'make': mk, 'model': mo, 'platform': {'name': pl}}",
        "the endpoint when the event arrived",
    ),
    Field(
        "session",
        {"session_id": "text", "start_timestamp": "whole", "stop_timestamp": "whole"},
        "{'session_id': s, 'start_timestamp': span.began, 'stop_timestamp': span.ended}",
        "the session, with its times where the event has them",
    ),
    Field("attributes", _TEXT_MAP, "attributes", "the event's attributes"),
    Field(
        "metrics",
        _NUMBER_MAP,
        from_text("m", "MAP(VARCHAR, DOUBLE)"),
        "the event's metrics",
    ),
    Field("event_id", "text", "id", "unique for each endpoint"),
    Field("user_id", "text", "u", "the endpoint's user when the event arrived"),
    Field("session_duration", "whole", "d", "milliseconds, of `_session.stop`"),
    Field("country", "text", "co", "the endpoint's country when the event arrived"),
    Field("time_zone", "text", "tz", "the endpoint's time zone when the event arrived"),
)

ENDPOINTS = (
    Field("endpoint_id", "text", "e", "in lower case"),
    Field("user_id", "text", "u", "the endpoint's user"),
    Field("created", "whole", "ms", "when it was registered, milliseconds since 1970"),
    Field("channel_type", "text", "ch", "for example `EMAIL`"),
    Field("platform", "text", "pl", ""),
    Field("app_version", "text", "av", ""),
    Field("make", "text", "mk", ""),
    Field("model", "text", "mo", ""),
    Field("locale", "text", "lo", ""),
    Field("country", "text", "co", ""),
    Field("attributes", _LIST_MAP, _LISTS, "custom attributes"),
)

USERS = (
    Field("user_id", "text", "u", ""),
    Field("created", "whole", "ms", "when the id came up first, milliseconds since 1970"),
    Field("attributes", _LIST_MAP, _LISTS, "custom attributes"),
)

#: The tables of a lake by name; so are its folders called.
TABLES: Mapping[str, tuple[Field, ...]] = {
    "events": EVENTS,
    "endpoints": ENDPOINTS,
    "users": USERS,
}

_PLAIN = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "number": "DOUBLE",
    "texts": "VARCHAR[]",
}


def sql_type(kind: Kind) -> str:
    """Return a kind in the words of DuckDB.

    Examples:
        >>> sql_type({"name": "text", "sizes": MapOf("number")})
        'STRUCT("name" VARCHAR, "sizes" MAP(VARCHAR, DOUBLE))'
    """
    if isinstance(kind, str):
        return _PLAIN[kind]
    if isinstance(kind, MapOf):
        return f"MAP(VARCHAR, {_PLAIN[kind.value]})"
    members = ", ".join(f'"{name}" {sql_type(member)}' for name, member in kind.items())
    return f"STRUCT({members})"
