"""What errors of PostgreSQL and libpq mean, by SQLSTATE, or by libpq's text where there is none.

Texts are looked at and never shown: they may name users, hosts and values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.dialects.dialect import Explanation

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

__all__ = ["explain", "is_stopped", "may_repeat", "sqlstate_of"]

#: Serialization failure and deadlock: PostgreSQL has undone the transaction for somebody else.
_CONFLICTS = frozenset({"40001", "40P01"})
_CANCELED = "57014"
_RIGHTS = (
    "the database role lacks a right: have an administrator run what `pinpoint-kit schema sql"
    " --role ROLE` prints"
)
_LOST = "the connection to the database was lost; try again"
_UNREACHABLE = "the database server cannot be reached; check that it runs, the host and the port"
_OPTION = (
    "an option of the connection has a value that does not exist; check the URL, the service file"
    " and the variables PG*"
)
_CERTIFICATE = (
    "the certificate of the database server cannot be trusted; check sslmode, sslrootcert and the"
    " host"
)
_WRONG_SESSION = "no server of the URL is what target_session_attrs wants; check the hosts"


def _passing(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=False)


def _lasting(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=True)


def _no_right(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=True, lacks_right=True)


_BY_STATE = {
    "25006": _lasting(
        "the database takes no writes: name the primary server, not a replica, or allow the role"
        " to write"
    ),
    "28000": _lasting("the database server refuses this role; check the user and pg_hba.conf"),
    "28P01": _lasting("the database server refuses the password; check it, PGPASSWORD or .pgpass"),
    "3D000": _lasting("the database does not exist; create it with createdb, or name another"),
    "3F000": _no_right(f"the schema does not exist, or may not be used; {_RIGHTS}"),
    "40001": _passing("too many clients have changed the same data at once; try again"),
    "40P01": _passing("too many clients have changed the same data at once; try again"),
    "42501": _no_right(_RIGHTS),
    "42P01": _lasting("a table is missing; restore a backup or name another schema"),
    "42703": _lasting("a column is missing; restore a backup or name another schema"),
    "53100": _passing("the disk of the database is full; make room, then try again"),
    "53200": _passing("the database server is out of memory; try again"),
    "53300": _passing(
        "the database server has no connection left; raise max_connections, or use fewer workers"
        " or a pool such as PgBouncer"
    ),
    "54000": Explanation(
        "An id, a user id, an address or an event type is too long: the database can index about"
        " 2,700 bytes; shorten it",
        is_permanent=True,
        is_refusal=True,
    ),
    "55P03": _passing("another client has locked the database for too long; try again"),
    "57014": _passing("the database has stopped a statement; try again"),
    "57P03": _passing("the database server is starting or stopping; try again"),
}
#: By the first two characters, where the whole is not listed.
_BY_CLASS = {
    "08": _passing(_LOST),
    "28": _BY_STATE["28000"],
    "40": _BY_STATE["40001"],
    "53": _passing("the database server lacks resources; try again"),
    "57": _passing(_LOST),
    "58": _passing("the database server failed to read or write its files; try again"),
    "XX": _lasting("the database is damaged; restore a backup"),
}
#: A part of libpq's text when it cannot connect -> what it means. The first that fits counts.
_BY_TEXT = {
    "cannot contain NUL": Explanation(
        "A text holds the character U+0000, which the database cannot keep; leave it out",
        is_permanent=True,
        is_refusal=True,
    ),
    "password authentication failed": _BY_STATE["28P01"],
    "no password supplied": _BY_STATE["28P01"],
    "no pg_hba.conf entry": _BY_STATE["28000"],
    "authentication failed": _BY_STATE["28000"],
    "too many clients": _BY_STATE["53300"],
    "connection slots": _BY_STATE["53300"],
    "too many connections": _BY_STATE["53300"],
    "starting up": _BY_STATE["57P03"],
    "shutting down": _BY_STATE["57P03"],
    "in recovery mode": _BY_STATE["57P03"],
    'role "': _BY_STATE["28000"],
    'database "': _BY_STATE["3D000"],
    "definition of service": _lasting("the service file has no such service; check ?service="),
    "for connection option": _lasting(_OPTION),  # a number that is none
    "invalid port number": _lasting(_OPTION),
    'value: "': _lasting(_OPTION),  # invalid sslmode value: "x"
    "bad value for": _lasting(_OPTION),  # psycopg's
    "certificate": _lasting(_CERTIFICATE),
    "invalid response to SSL": _lasting(
        "what answers at this host and port is no PostgreSQL server; check both"
    ),
    "GSSAPI": _lasting("the server and gssencmode do not agree; check gssencmode"),
    "session is ": _passing(_WRONG_SESSION),
    "hot standby mode": _passing(_WRONG_SESSION),
    "SSL": _lasting("the server and sslmode do not agree about SSL; check sslmode"),
    "translate host name": _lasting("the name of the database server is unknown; check the host"),
    "resolve host": _lasting("the name of the database server is unknown; check the host"),
    "timeout expired": _passing("the database server did not answer in time; check the host"),
    "connection failed": _passing(_UNREACHABLE),
    "could not connect": _passing(_UNREACHABLE),
    "connection to server": _passing(_UNREACHABLE),
}


def sqlstate_of(error: DBAPIError) -> str:
    """Return the SQLSTATE, "" when the server has not said one."""
    return getattr(error.orig, "sqlstate", None) or ""


def explain(error: DBAPIError) -> Explanation:
    """Return what an error means and what to do."""
    state = sqlstate_of(error)
    known = _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    if known is not None:
        return known
    text = str(error.orig)
    for part, meaning in _BY_TEXT.items():
        if part in text:
            return meaning
    if error.connection_invalidated or not state:
        return _passing(_LOST)
    return _passing(f"the database failed (SQLSTATE {state}); try again")


def may_repeat(error: DBAPIError) -> bool:
    """Tell whether nothing is stored, and the same may succeed at once."""
    return sqlstate_of(error) in _CONFLICTS or bool(error.connection_invalidated)


def is_stopped(error: DBAPIError) -> bool:
    """Tell whether a statement was stopped by its time."""
    return sqlstate_of(error) == _CANCELED
