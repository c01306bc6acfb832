"""How addresses are spelt that are stored of a person: found by going through all of a kind.

No index has the form that is compared: it would cost every endpoint and every message something,
and an erasure is rare. So this reads the indexes of addresses from end to end, before the
transaction of the erasure, and holds up no writer of a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.messages import outbox, passwords

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.records.spellings import Spellings

__all__ = ["stored_spellings"]


def stored_spellings(connection: Connection, app: int, whom: Spellings) -> set[str]:
    """Return the addresses of endpoints, messages and codes that may be one of some.

    Args:
        connection: for reading.
        app: the number of the application.
        whom: the addresses; without any, nothing is read.
    """
    found: set[str] = set()
    if not (whom.mailboxes or whom.numbers):
        return found
    for addresses in (reader.addresses, outbox.addresses, passwords.addresses):
        found.update(each for each in addresses(connection, app) if whom.may_have(each))
    return found
