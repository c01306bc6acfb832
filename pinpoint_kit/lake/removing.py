"""Persons who were erased or deleted in the store, taken out of the files of a lake.

The store names them by hashes. Every pair of endpoint and user that the lake has is put through the
changes in their order, as the store's rows were; the files with a pair of which something has
become are written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pinpoint_kit.lake.layout import Part
    from pinpoint_kit.lake.source import Change, Piece
    from pinpoint_kit.lake.writing import Writer

__all__ = ["removed"]

_ROWS_A_FETCH = 10_000
#: What of an event can name a person, as the store has it: see `EventData`.
_NAMELESS = (
    "application.version_name",
    "device.locale.code",
    "device.make",
    "device.model",
    "device.platform.name",
    "session.session_id",
    "attributes",
    "user_id",
    "country",
    "time_zone",
)


@attrs.frozen
class _Fate:
    """What has become of the events of a pair of endpoint and user.

    Attributes:
        is_gone: they are deleted.
        endpoint: what the endpoint is called now.
        is_nameless: what can name the person is gone from them.
    """

    is_gone: bool
    endpoint: str
    is_nameless: bool


def removed(
    writer: Writer, parts: Sequence[Part], piece: Piece, step: int, tell: Callable[[], object]
) -> list[Part]:
    """Return the parts without the persons whom the changes of a step name.

    Args:
        writer: what writes files.
        parts: all of them.
        piece: the step's state of the store.
        step: its number.
        tell: called for each file that is written anew.
    """
    if not piece.changes or not parts:
        return list(parts)
    connection = writer.connection
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fates (of_endpoint VARCHAR, of_user VARCHAR, is_gone BOOLEAN,"
        " new_endpoint VARCHAR, is_nameless BOOLEAN)"
    )
    connection.executemany(
        "INSERT INTO fates VALUES (?, ?, ?, ?, ?)",
        [
            *(
                (e, u, f.is_gone, f.endpoint, f.is_nameless)
                for e, u, f in _fates(writer, parts, piece)
            ),
            ("", "", True, "", True),  # no endpoint is called so; executemany wants a row
        ],
    )
    found = connection.execute(
        "SELECT filename, count(*), count(*) FILTER (WHERE is_gone) FROM"  # noqa: S608 -- our own names
        f" {writer.read(parts, with_names=True)} {_JOIN} GROUP BY filename"
    ).fetchall()
    losses = {name: gone for name, _, gone in found}
    kept = []
    for part in parts:
        gone = next((n for name, n in losses.items() if name.endswith(part.name)), None)
        if gone is None:
            kept.append(part)
            continue
        tell()
        if gone < part.rows:
            rest = attrs.evolve(part, step=step, rows=part.rows - gone)
            kept.append(writer.part(_rewritten(writer.read([part])), rest))
    connection.execute("DROP TABLE fates")
    return kept


#: Rows without a user match those without a user.
_JOIN = (
    "AS e JOIN fates ON fates.of_endpoint = e.client.client_id"
    " AND fates.of_user IS NOT DISTINCT FROM e.user_id"
)


def _rewritten(source: str) -> str:
    """Return a query of the rows of a file that are left, in their order."""
    nameless = "fates.is_nameless"

    def unless(path: str) -> str:
        return f"CASE WHEN {nameless} THEN NULL ELSE e.{path} END"

    columns = {
        "client": "{'client_id': coalesce(fates.new_endpoint, e.client.client_id)}",
        "application": (
            "{'app_id': e.application.app_id, 'package_name': e.application.package_name,"
            " 'sdk': e.application.sdk, 'title': e.application.title,"
            f" 'version_name': {unless('application.version_name')},"
            " 'version_code': e.application.version_code}"
        ),
        "device": (
            f"{{'locale': {{'code': {unless('device.locale.code')}}},"
            f" 'make': {unless('device.make')}, 'model': {unless('device.model')},"
            f" 'platform': {{'name': {unless('device.platform.name')}}}}}"
        ),
        "session": (
            f"{{'session_id': {unless('session.session_id')},"
            " 'start_timestamp': e.session.start_timestamp,"
            " 'stop_timestamp': e.session.stop_timestamp}"
        ),
        **{name: unless(name) for name in _NAMELESS if "." not in name},
    }
    replaced = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return (
        f"SELECT e.* REPLACE ({replaced}) FROM {source} AS e LEFT JOIN fates"  # noqa: S608 -- our own names
        " ON fates.of_endpoint = e.client.client_id"
        " AND fates.of_user IS NOT DISTINCT FROM e.user_id"
        " WHERE fates.is_gone IS NOT TRUE"
    )


def _fates(
    writer: Writer, parts: Sequence[Part], piece: Piece
) -> Iterable[tuple[str, str | None, _Fate]]:
    of_endpoint: dict[str, list[int]] = {}
    of_user: dict[str, list[int]] = {}
    for place, change in enumerate(piece.changes):
        places = of_endpoint if change.of == "endpoint" else of_user
        places.setdefault(change.hash, []).append(place)
    result = writer.connection.cursor().execute(
        f"SELECT DISTINCT client.client_id, user_id FROM {writer.read(parts)}"  # noqa: S608 -- as above
    )
    while pairs := result.fetchmany(_ROWS_A_FETCH):
        for endpoint, user in pairs:
            fate = _fate(endpoint, user, piece, (of_endpoint, of_user))
            if fate is not None:
                yield endpoint, user, fate


def _fate(
    endpoint: str,
    user: str | None,
    piece: Piece,
    places: tuple[dict[str, list[int]], dict[str, list[int]]],
) -> _Fate | None:
    """Return what has become of a pair, None when it is as it was."""
    of_endpoint, of_user = places
    nameless = False
    named, after = endpoint, -1
    while True:
        found = of_endpoint.get(piece.hashed_endpoint(named), [])
        if user is not None and not nameless:
            found = found + of_user.get(piece.hashed_user(user), [])
        following = min((place for place in found if place > after), default=None)
        if following is None:
            return _Fate(is_gone=False, endpoint=named, is_nameless=True) if nameless else None
        change: Change = piece.changes[following]
        if change.kind == "erase":
            return _Fate(is_gone=True, endpoint=named, is_nameless=True)
        after, nameless = following, True
        if change.of == "endpoint" and change.pseudonym is not None:
            named = change.pseudonym
