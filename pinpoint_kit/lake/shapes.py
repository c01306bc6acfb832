"""From the columns that files have to those that metrics want, for our lakes and for others'.

Firehose, AWS's Digital User Engagement database and own pipelines all write Pinpoint's event
stream, but nested and typed as each likes. So each column is looked for along paths: a path goes
through structs, maps and text that is JSON. What is not there is NULL. Only names and expressions
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.lake import schema
from pinpoint_kit.lake.schema import Kind, MapOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


__all__ = ["COLUMNS", "Engine", "derived", "select_list"]

Engine: TypeAlias = Literal["duckdb", "spark"]
Path: TypeAlias = "tuple[str, ...]"

_TEXT, _WHOLE = "text", "whole"
_TEXTS, _NUMBERS, _LISTS = MapOf("text"), MapOf("number"), MapOf("texts")


@attrs.frozen
class _Column:
    """What metrics want.

    Attributes:
        kind: what it holds.
        paths: where it may be, the best first.
    """

    kind: Kind
    paths: tuple[Path, ...] = ()


_SESSION = "session"
_EVENTS: Mapping[str, _Column] = {
    "event_id": _Column(_TEXT, (("event_id",),)),
    "endpoint": _Column(_TEXT, (("client", "client_id"), ("endpoint", "Id"))),
    "user_id": _Column(
        _TEXT,
        (
            ("user_id",),
            ("endpoint", "User", "UserId"),
            ("client_context", "custom", "endpoint", "User", "UserId"),
        ),
    ),
    "type": _Column(_TEXT, (("event_type",),)),
    "timestamp": _Column(_WHOLE, (("event_timestamp",),)),
    "arrival": _Column(_WHOLE, (("arrival_timestamp",), ("event_timestamp",))),
    "session_id": _Column(_TEXT, ((_SESSION, "session_id"),)),
    "session_duration": _Column(_WHOLE, (("session_duration",),)),
    "attributes": _Column(_TEXTS, (("attributes",),)),
    "metrics": _Column(_NUMBERS, (("metrics",),)),
    "platform": _Column(_TEXT, (("device", "platform", "name"),)),
    "app_version": _Column(_TEXT, (("application", "version_name"),)),
    "make": _Column(_TEXT, (("device", "make"),)),
    "model": _Column(_TEXT, (("device", "model"),)),
    "locale": _Column(_TEXT, (("device", "locale", "code"),)),
    "country": _Column(_TEXT, (("country",), ("endpoint", "Location", "Country"))),
    "time_zone": _Column(_TEXT, (("time_zone",), ("endpoint", "Demographic", "Timezone"))),
    "application_id": _Column(_TEXT, (("application", "app_id"),)),
}
#: The columns of the views by table.
COLUMNS: Mapping[str, Mapping[str, _Column]] = {
    "events": _EVENTS,
    "endpoints": {f.name: _Column(f.kind, ((f.name,),)) for f in schema.ENDPOINTS},
    "users": {f.name: _Column(f.kind, ((f.name,),)) for f in schema.USERS},
}

_TYPES: Mapping[Engine, Mapping[object, str]] = {
    "duckdb": {
        _TEXT: "VARCHAR",
        _WHOLE: "BIGINT",
        "number": "DOUBLE",
        _TEXTS: "MAP(VARCHAR, VARCHAR)",
        _NUMBERS: "MAP(VARCHAR, DOUBLE)",
        _LISTS: "MAP(VARCHAR, VARCHAR[])",
    },
    "spark": {
        _TEXT: "STRING",
        _WHOLE: "BIGINT",
        "number": "DOUBLE",
        _TEXTS: "MAP<STRING, STRING>",
        _NUMBERS: "MAP<STRING, DOUBLE>",
        _LISTS: "MAP<STRING, ARRAY<STRING>>",
    },
}


def select_list(
    engine: Engine,
    table: str,
    found: Mapping[str, Kind],
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    *,
    is_foreign: bool = False,
) -> str:
    """Return the columns of a view, for a SELECT over files.

    Args:
        engine: whose words to use.
        table: `events`, `endpoints` or `users`.
        found: the columns that the files have.
        mapping: where the files have a column, by the names of `COLUMNS`, where it is not found
            by itself: a path with dots, or a sequence of names.
        is_foreign: others have written the files, which may not say all that ours do.

    Raises:
        ConfigurationError: the mapping names a column that nobody wants, or a path that is not
            there; or the files have no type and time of events, and are none of events.
    """
    wanted = COLUMNS[table]
    given = _paths(mapping or {}, wanted)
    expressions = {}
    for name, column in wanted.items():
        paths = (given[name],) if name in given else column.paths
        reached = (_reached(engine, found, path, column.kind) for path in paths)
        expressions[name] = _first(text for text in reached if text is not None)
        if name in given and expressions[name] is None:
            raise ConfigurationError(
                f"the files have no {'.'.join(given[name])}, which was named for {name}; they have"
                f" {', '.join(sorted(found))}"
            )
    if table == "events":
        _check(found, expressions)
        if is_foreign:
            _complete(engine, found, expressions)
    null = {name: f"CAST(NULL AS {_TYPES[engine][c.kind]})" for name, c in wanted.items()}
    return ", ".join(f"{expressions[name] or null[name]} AS {name}" for name in wanted)


def derived(engine: Engine, table: str) -> str:
    """Return a query of the endpoints or users that some events name, for lakes that have none.

    Their first event stands for their registration, and the latest one says what they are now.
    """
    latest = "max_by({0}, timestamp) FILTER (WHERE {0} IS NOT NULL) AS {0}"
    lists = f"CAST(NULL AS {_TYPES[engine][_LISTS]}) AS attributes"
    if table == "users":
        return (
            f"SELECT user_id, min(timestamp) AS created, {lists} FROM {{events}}"  # noqa: S608 -- our own names
            " WHERE user_id IS NOT NULL GROUP BY user_id"
        )
    device = ("platform", "app_version", "make", "model", "locale", "country")
    now = ", ".join(latest.format(name) for name in ("user_id", *device))
    return (
        f"SELECT endpoint AS endpoint_id, min(timestamp) AS created, {now},"  # noqa: S608 -- as above
        f" CAST(NULL AS {_TYPES[engine][_TEXT]}) AS channel_type, {lists} FROM {{events}}"
        " WHERE endpoint IS NOT NULL GROUP BY endpoint"
    )


def _first(expressions: Iterable[str]) -> str | None:
    """Return an expression of the first of some that is not NULL, None without any."""
    made = list(expressions)
    return f"coalesce({', '.join(made)})" if len(made) > 1 else next(iter(made), None)


def _check(found: Mapping[str, Kind], expressions: Mapping[str, str | None]) -> None:
    missing = [name for name in ("type", "timestamp", "endpoint") if expressions[name] is None]
    if missing:
        raise ConfigurationError(
            f"no {missing[0]} of events is in these files, which have"
            f" {', '.join(sorted(found)) or 'no columns'}: name the folder of events, or say where"
            " it is with columns={...}"
        )


def _complete(
    engine: Engine, found: Mapping[str, Kind], expressions: dict[str, str | None]
) -> None:
    """Fill in what follows from other columns."""
    expressions["endpoint"] = f"lower({expressions['endpoint']})"
    ends = [
        _reached(engine, found, (_SESSION, name), _WHOLE)
        for name in ("start_timestamp", "stop_timestamp")
    ]
    lasted = None if None in ends else f"({ends[1]} - {ends[0]})"
    # The stream has no ids: what tells events apart.
    parts = [expressions[name] for name in ("type", "timestamp", "arrival", "session_id")]
    text = _TYPES[engine][_TEXT]
    joined = ", '/', ".join(f"coalesce(CAST({part} AS {text}), '')" for part in parts if part)
    for name, instead in (("session_duration", lasted), ("event_id", f"md5(concat({joined}))")):
        both = (expressions[name], instead)
        expressions[name] = _first(each for each in both if each is not None)


def _paths(
    mapping: Mapping[str, str | Sequence[str]], wanted: Mapping[str, _Column]
) -> dict[str, Path]:
    unknown = sorted(mapping.keys() - wanted.keys())
    if unknown:
        raise ConfigurationError(
            f"there is no column {unknown[0]!r} to map; there are {', '.join(wanted)}"
        )
    return {
        name: tuple(path.split(".")) if isinstance(path, str) else tuple(path)
        for name, path in mapping.items()
    }


def _reached(engine: Engine, found: Mapping[str, Kind], path: Path, wanted: Kind) -> str | None:
    """Return the expression of what is at the end of a path, None when there is nothing."""
    kind: Kind = found
    text = ""
    for place, name in enumerate(path):
        if isinstance(kind, MapOf):
            text = f"{text}[{_literal(engine, name)}]"
            kind = kind.value
        elif not isinstance(kind, str):
            known = next((k for k in kind if k.lower() == name.lower()), None)
            if known is None:
                return None
            text = f"{text}.{_name(engine, known)}" if text else _name(engine, known)
            kind = kind[known]
        elif kind == _TEXT:
            text, kind = _in_json(engine, text, path[place:]), _TEXT
            break
        else:
            return None
    return _converted(engine, text, kind, wanted)


def _converted(engine: Engine, text: str, kind: Kind, wanted: Kind) -> str | None:
    if kind == wanted:
        return text
    types = _TYPES[engine]
    if isinstance(wanted, MapOf):
        if isinstance(kind, MapOf):
            return f"CAST({text} AS {types[wanted]})"
        if isinstance(kind, str):
            return None
        return _as_map(engine, text, kind, types[wanted.value])
    if isinstance(kind, str) and isinstance(wanted, str):
        return f"TRY_CAST({text} AS {types[wanted]})"
    return None


def _as_map(engine: Engine, text: str, kind: Mapping[str, Kind], value: str) -> str:
    """Return a struct as a map of its members."""
    members = {
        name: f"TRY_CAST({text}.{_name(engine, name)} AS {value})"
        for name, member in kind.items()
        if isinstance(member, str)
    }
    pairs = [(_literal(engine, name), member) for name, member in members.items()]
    if engine == "duckdb":
        return f"MAP {{{', '.join(f'{k}: {v}' for k, v in pairs)}}}"
    return f"map({', '.join(f'{k}, {v}' for k, v in pairs)})"


def _in_json(engine: Engine, text: str, path: Path) -> str:
    route = "$" + "".join(f".{name}" for name in path)
    reader = "json_extract_string" if engine == "duckdb" else "get_json_object"
    return f"{reader}({text}, {_literal(engine, route)})"


def _name(engine: Engine, name: str) -> str:
    if engine == "duckdb":
        return '"' + name.replace('"', '""') + '"'
    return "`" + name.replace("`", "``") + "`"


def _literal(engine: Engine, text: str) -> str:
    if engine == "duckdb":
        return "'" + text.replace("'", "''") + "'"
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
