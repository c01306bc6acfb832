"""What messages hold of a person: themselves, reports of them, codes, opt-outs, waiting records.

Statements of single resources stand beside: the outbox in messages/outbox.py, one-time passwords in
messages/passwords.py, opt-outs in messages/opt_outs/store.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, delete, func, select, update

from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.messages import outbox
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.messages.stream_records import is_of_message, message_of
from pinpoint_kit.engine.storage.statements import Row, Statement
from pinpoint_kit.engine.storage.tables.messages import (
    MESSAGE_OUTCOMES,
    MESSAGES,
    ONE_TIME_PASSWORDS,
)
from pinpoint_kit.engine.streams import by_event
from pinpoint_kit.records.spellings import Spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context, Person
    from pinpoint_kit.engine.streams.by_event import IsMeant

__all__ = ["MessageData"]

_OTP = ONE_TIME_PASSWORDS

_OF = {
    column: Statement(
        select(MESSAGES.c.number, MESSAGES.c.id, MESSAGES.c.endpoint, MESSAGES.c.address)
        .where(MESSAGES.c.app == bindparam("app_"))
        .where(MESSAGES.c[column] == bindparam("value_")),
        "app_",
        "value_",
    )
    for column in ("endpoint", "user_id", "address")
}
_COUNT_CODES = Statement(
    select(func.count())
    .select_from(_OTP)
    .where(_OTP.c.app == bindparam("app_"))
    .where(_OTP.c.address == bindparam("address_")),
    "app_",
    "address_",
)
_DELETE_CODES = Statement(
    delete(_OTP)
    .where(_OTP.c.app == bindparam("app_"))
    .where(_OTP.c.address == bindparam("address_")),
    "app_",
    "address_",
)
_FORGET = Statement(
    update(MESSAGES)
    .values(
        address=bindparam("nobody_"),
        endpoint=bindparam("pseudonym_"),
        user_id=None,
        status_text=bindparam("no_text_"),
        content=bindparam("content_"),
    )
    .where(MESSAGES.c.number == bindparam("number_")),
    "nobody_",
    "pseudonym_",
    "no_text_",
    "content_",
    "number_",
)
_FORGET_DETAILS = Statement(
    update(MESSAGE_OUTCOMES)
    .values(detail=None)
    .where(MESSAGE_OUTCOMES.c.message == bindparam("number_")),
    "number_",
)


class MessageData:
    """The family's answer to what is held of a person.

    Messages to an address without an endpoint are known by the address alone.
    """

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return how many messages and codes there are."""
        codes = sum(
            _COUNT_CODES.rows(connection, person.app, address)[0][0] for address in person.addresses
        )
        # Records under the ids of endpoints and users are counted by the streams themselves.
        waiting, letters = 0, 0
        if person.addresses:
            waiting, letters = by_event.count(connection, person.app, *_meant(connection, person))
        return {
            "Messages": len(_own(connection, person)),
            "OneTimePasswords": codes,
            "OptOuts": len(_opt_outs(connection, person)),
            "StreamRecords": waiting,
            "StreamDeadLetters": letters,
        }

    def erase(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Delete messages, their reports, codes, opt-outs, and records that wait."""
        opt_outs.remove_numbers(connection, _opt_outs(connection, person))
        if person.addresses:
            by_event.drop(connection, person.app, *_meant(connection, person))
        outbox.delete_numbers(connection, [(number,) for number in _own(connection, person)])
        _DELETE_CODES.run_many(connection, [(person.app, address) for address in person.addresses])
        _forget(connection, person, person.orphans)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Take address, endpoint, user and text out of the messages; that there were some stays.

        So do opt-outs: whoever comes back as a new endpoint has opted out all the same.
        """
        _forget(connection, person, person.orphans)


def _own(connection: Connection, person: Person) -> list[int]:
    """Return the numbers of the messages that are the person's own."""
    asked = [("endpoint", key) for key in person.keys]
    asked += [("user_id", user_id) for user_id in person.user_ids]
    asked += [("address", address) for address in person.addresses]
    return sorted({row[0] for row in _rows(connection, person.app, asked)})


def _opt_outs(connection: Connection, person: Person) -> list[int]:
    """Return the numbers of the opt-outs of the person's addresses, past ones too.

    That of an address which endpoints of others have is theirs, unless the address is meant.
    """
    if not opt_outs.newest(connection, person.app):
        return []
    asked = [("endpoint", key) for key in person.keys]
    asked += [("user_id", user_id) for user_id in person.user_ids]
    had = {address for *_, address in _rows(connection, person.app, asked)}
    had |= {state.address for state, _ in reader.by_keys(connection, person.app, person.keys)}
    own = {address for address in had if address}
    if opt_outs.numbers_of(connection, person.app, sorted(own)):
        theirs = _of_others(connection, person, Spellings.of(own))
        own = {address for address in own if not theirs.may_have(address)}
    return opt_outs.numbers_of(connection, person.app, sorted(own | set(person.addresses)))


def _of_others(connection: Connection, person: Person, whom: Spellings) -> Spellings:
    """Return which of some addresses endpoints of others have, however they spell them."""
    keys = set(person.keys)
    return Spellings.of(
        address
        for address in reader.addresses(connection, person.app)
        if whom.may_have(address)
        and any(
            state.endpoint not in keys
            for state, _ in reader.by_address(connection, person.app, address)
        )
    )


def _addressed(connection: Connection, person: Person) -> set[str]:
    """Return the messages to the person's addresses whose records no id of theirs finds."""
    asked = [("address", address) for address in person.addresses]
    keys = set(person.keys)
    return {
        message_id
        for _, message_id, endpoint, _ in _rows(connection, person.app, asked)
        if endpoint not in keys
    }


def _meant(connection: Connection, person: Person) -> tuple[IsMeant, Sequence[str]]:
    """Return which records of the stream are of messages to the person's addresses.

    Those of messages that are in the outbox no more, which was cleared, say the address.
    """
    ids = _addressed(connection, person)
    said = [orjson.dumps(address).decode() for address in person.addresses]

    def is_meant(event_id: str, record: str) -> bool:
        if message_of(event_id) in ids:
            return True
        return is_of_message(event_id) and any(each in record for each in said)

    return is_meant, () if ids else said


def _forget(connection: Connection, person: Person, user_ids: Sequence[str]) -> None:
    asked = [("endpoint", key) for key in person.keys]
    asked += [("user_id", user_id) for user_id in user_ids]
    found = {number: endpoint for number, _, endpoint, _ in _rows(connection, person.app, asked)}
    pseudonyms = person.pseudonyms
    _FORGET.run_many(
        connection,
        [
            ("", pseudonyms.get(endpoint) if endpoint else None, "", "{}", number)
            for number, endpoint in found.items()
        ],
    )
    _FORGET_DETAILS.run_many(connection, [(number,) for number in found])


def _rows(connection: Connection, app: int, asked: Sequence[tuple[str, str]]) -> Iterator[Row]:
    for column, value in asked:
        yield from _OF[column].rows(connection, app, value)
