"""The importer: records of a provider become events, endpoints and users of an application.

It works through the public verbs of a client, so it works over every URL. Reading is pure and
elsewhere; counting too. No thread, no file but those that it is given.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

from pinpoint_kit.identity.importing.pseudonyms import Item, Places, pseudonyms_of
from pinpoint_kit.identity.importing.report import ImportReport, Tally
from pinpoint_kit.identity.importing.sessions import RecordedSessions, SessionHistory, Sessions
from pinpoint_kit.identity.importing.source_readings import (
    Provider,
    reader_of,
    readings_of,
    readings_of_file,
)
from pinpoint_kit.identity.importing.writing import Writer
from pinpoint_kit.identity.reading.rules import SESSION_STOP_EVENT
from pinpoint_kit.identity.reading.user_agents import require_parser

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Iterable, Iterator

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["Importer"]

#: Readings that are recorded together: with two events a sign-in, one request of ImportEvents.
_WINDOW = 500
#: Readings that are sorted by the time, and so few that nearly all are gone before the garbage
#: collector takes them for long-lived, and goes through everything because of them.
_PART = 50
#: Ends of sessions that wait for a start which may stand further down.
_MOST_WAITING = 10_000


class Importer:
    """Records what identity providers have logged. Not safe to use from several threads at once.

    What is imported again adds nothing: ids follow from the records. Endpoint ids are keyed
    hashes. A user is attached where the person signed in or up, never by a failure.

    Args:
        pinpoint: the client.
        key: the secret of endpoint ids, at least 16 bytes; keep it, because another key makes
            other endpoints.
        prefix: what the endpoint ids begin with.
        tenant: the provider's tenant, where its records do not name it.
        hash_users: replace user ids by keyed hashes. Ids that hold an e-mail address or a
            telephone number always are.
        places: how much of a place to keep: `none`, `country`, `region` or `city`.
        history: where to look for the starts of sessions that were recorded earlier: the stored
            events of the application unless given.

    Raises:
        ConfigurationError: the key is too short, an option is wrong, or the extra `identity` is
            not installed.

    Examples:
        >>> import pinpoint_kit as pk
        >>> from pinpoint_kit import identity
        >>> record = {"type": "LOGIN", "time": 1723564700353, "realmId": "r", "userId": "u-1"}
        >>> with pk.connect("sqlite://") as pinpoint:
        ...     importer = identity.Importer(pinpoint, key="0123456789abcdef")
        ...     report = importer.load([record], "keycloak")
        ...     report.events, len(pinpoint.users.endpoints("u-1"))
        ({'_userauth.sign_in': 1}, 1)
    """

    def __init__(  # noqa: PLR0913 -- each is a choice of its own
        self,
        pinpoint: Pinpoint,
        *,
        key: bytes | str,
        prefix: str = "idp",
        tenant: str = "",
        hash_users: bool = False,
        places: Places = "country",
        history: SessionHistory | None = None,
    ) -> None:
        require_parser()
        self._pinpoint = pinpoint
        self._pseudonyms = pseudonyms_of(
            key=key, prefix=prefix, tenant=tenant, hash_users=hash_users, places=places
        )
        self._tally = Tally()
        self._writer = Writer(pinpoint, self._pseudonyms.is_own, self._tally)
        self._sessions = Sessions(RecordedSessions(pinpoint) if history is None else history)
        self._waiting: list[Item] = []

    def __repr__(self) -> str:
        return f"<Importer {self._tally.records} records>"

    def load(self, records: Iterable[object], provider: Provider) -> ImportReport:
        """Record what these records say, and wait until it is accepted.

        Args:
            records: JSON objects, log lines, or documents that hold many records, such as a
                page of an API; read as needed, never all at once.
            provider: a name such as `okta`, a `ProviderTable`, or a function from a record to a
                `Reading`.

        Returns:
            The counts of this importer so far.

        Raises:
            ConfigurationError: there is no such provider.
            DeliveryError: some events were not taken yet: import again.
            ServiceError: the service refuses to go on.
            TransportError: no answer came: import again.
        """
        read = reader_of(provider)
        self._load(readings_of(records, read, self._tally))
        return self._tally.report()

    def load_file(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        provider: Provider,
        *,
        on_progress: Callable[[ImportReport], object] | None = None,
    ) -> ImportReport:
        """Record what a file says: JSON, JSON lines, an array, log lines; also with gzip.

        Args:
            source: a path, also of an export folder, or an open binary file.
            provider: as in `load`.
            on_progress: called from time to time with the counts so far.

        Returns:
            The counts of this importer so far.

        Raises:
            ConfigurationError: there is no such file or provider.
            OSError: the file cannot be read.
            DeliveryError: some events were not taken yet: import again.
            ServiceError: the service refuses to go on.
            TransportError: no answer came: import again.
        """
        read = reader_of(provider)
        on_window = None if on_progress is None else lambda: on_progress(self._tally.report())
        self._load(readings_of_file(source, read, self._tally), on_window)
        return self._tally.report()

    @property
    def report(self) -> ImportReport:
        """The counts so far."""
        return self._tally.report()

    def _load(
        self, readings: Iterable[Reading], on_window: Callable[[], object] | None = None
    ) -> None:
        source = iter(readings)
        for first in source:
            window = chain((first,), islice(source, _WINDOW - 1))
            self._writer.write(self._settled(self._sorted(window)))
            if on_window is not None:
                on_window()
        waiting, self._waiting = self._waiting, []
        if waiting:
            waiting.sort(key=_when)
            self._writer.write(self._settled([waiting], is_last_chance=True))

    def _sorted(self, readings: Iterator[Reading]) -> Iterator[list[Item]]:
        """Return items by the time, some at once: exports often begin with the latest."""
        is_end = False
        while not is_end:
            is_end, items = True, list[Item]()
            for reading in islice(readings, _PART):
                is_end = False
                self._tally.count(reading)
                if reading.events:
                    items.append(self._pseudonyms.item(reading))
            items.sort(key=_when)
            yield items

    def _settled(
        self, parts: Iterable[list[Item]], *, is_last_chance: bool = False
    ) -> Iterator[Item]:
        """Return items with what is known of their sessions, but for those that wait for it."""
        for items in parts:
            is_last = is_last_chance or len(self._waiting) >= _MOST_WAITING
            self._sessions.recall(items)
            for item in _taken(items):
                completed = self._sessions.completed(item, is_last_chance=is_last)
                if completed is None:
                    self._waiting.append(item)
                    continue
                event = completed.events[0]
                if event.session is not None and event.type == SESSION_STOP_EVENT:
                    self._tally.stops_without_start += event.session.duration_ms is None
                yield completed


def _taken(items: list[Item]) -> Iterator[Item]:
    """Go through a list and empty it: what is alive for long costs the garbage collector."""
    items.reverse()
    while items:
        yield items.pop()


def _when(item: Item) -> dt.datetime:
    at = item.events[0].timestamp
    assert at is not None, "every reading has a time"  # noqa: S101 -- for the type checker
    return at
