"""Okta's and Auth0's log APIs as pages with cursors, and the loop that records them.

Each pull begins a few minutes before where the last one ended: providers write some records late.
What is read twice is recorded once, because event ids follow from the records.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol
from urllib.parse import urlencode

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.pulling.http import Api, UnknownPageError
from pinpoint_kit.identity.reading.instants import instant_of

if TYPE_CHECKING:
    from pinpoint_kit.identity.importing.importer import Importer
    from pinpoint_kit.identity.importing.report import ImportReport
    from pinpoint_kit.identity.pulling.cursors import Cursors

__all__ = ["Auth0Logs", "OktaLogs", "Page", "Source", "pull"]

_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')
_OKTA_PAGE = 1_000
_AUTH0_PAGE = 100
#: Ends of pages that are remembered, to go back by the overlap.
_MOST_ENDS = 200
_OVERLAP = dt.timedelta(minutes=5)
_FIRST = dt.timedelta(days=1)


@attrs.frozen
class Page:
    """Records, and how far the source is read with them.

    Args:
        records: the provider's records.
        cursor: what `pages` takes to go on from here.
    """

    records: list[object] = attrs.field(repr=False)
    cursor: str


class Source(Protocol):
    """A provider's log that can be asked for."""

    @property
    def name(self) -> str:
        """What its cursor is stored under."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Return what was logged since, page by page.

        Args:
            cursor: the last page's; None the first time.
        """


def pull(importer: Importer, source: Source, cursors: Cursors) -> ImportReport:
    """Record what a provider has logged since the last time.

    Args:
        importer: records it.
        source: `OktaLogs` or `Auth0Logs`.
        cursors: how far it was read. A cursor is stored when its records are accepted.

    Returns:
        The counts of the importer so far.

    Raises:
        ConfigurationError: the provider refuses the token.
        StoreError: the cursors' file cannot be used.
        TransportError: no answer came: pull again.
        ServiceError: Pinpoint refuses.
        DeliveryError: some events were not taken yet: pull again.
    """
    for page in source.pages(cursors.get(source.name)):
        importer.load(page.records, source.provider)
        cursors.set(source.name, page.cursor)
    return importer.report


def _since(since: dt.datetime | None) -> dt.datetime:
    found = dt.datetime.now(dt.timezone.utc) - _FIRST if since is None else since
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)


class _Logs:
    """What the sources share: one API behind a token, read again from the overlap on."""

    provider: ClassVar[str]
    _scheme: ClassVar[str]

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        since: dt.datetime | None = None,
        overlap: dt.timedelta = _OVERLAP,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._api = _api(base_url, f"{self._scheme} {token}", sleep)
        self._since = _since(since)
        self._overlap = overlap

    @property
    def name(self) -> str:
        """What its cursor is stored under."""
        return f"{self.provider} {self._api.host}"


class OktaLogs(_Logs):
    """Okta's System Log API, `/api/v1/logs`.

    The cursor is the time of the latest record, never later than Okta's own clock, or this
    machine's where an answer does not tell Okta's.

    Args:
        base_url: such as `https://acme.okta.com`.
        token: an API token of a read-only administrator.
        since: where the first pull begins; a day ago unless given.
        overlap: how far each later pull goes back.
        sleep: waits for so many seconds.

    Raises:
        ConfigurationError: the URL is none.
    """

    provider = "okta"
    _scheme = "SSWS"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Return what was logged since, page by page.

        Args:
            cursor: the last page's; None the first time.

        Raises:
            ConfigurationError: Okta refuses the token.
            TransportError: no answer came.
        """
        latest = None if cursor is None else instant_of(cursor)
        start = self._since if latest is None else latest - self._overlap
        query = {"since": _text(start), "sortOrder": "ASCENDING", "limit": _OKTA_PAGE}
        url: str | None = f"/api/v1/logs?{urlencode(query)}"
        seen = {url}
        while url is not None:
            answer = self._api.get(url)
            if not answer.records:
                return
            clock = time.time() if answer.clock is None else answer.clock
            latest = _latest(answer.records, "published", latest, clock)
            yield Page(answer.records, _text(latest or start))
            found = _NEXT.search(answer.headers.get("link", ""))
            url = None if found is None or found[1] in seen else found[1]
            seen.add(url or "")


class Auth0Logs(_Logs):
    """Auth0's Management API, `/api/v2/logs`, by checkpoints.

    The cursor is a list of the last pages' ends, each with its time, so that the next pull can go
    back by the overlap. Where Auth0 does not keep a page's end any more, its time counts.

    Args:
        base_url: such as `https://acme.eu.auth0.com`.
        token: an access token of the Management API with the scope `read:logs`.
        since: where the first pull begins; a day ago unless given.
        overlap: how far each later pull goes back.
        sleep: waits for so many seconds.

    Raises:
        ConfigurationError: the URL is none.
    """

    provider = "auth0"
    _scheme = "Bearer"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Return what was logged since, page by page.

        Args:
            cursor: the last page's; None the first time.

        Raises:
            ConfigurationError: Auth0 refuses the token.
            TransportError: no answer came.
        """
        ends = self._going_back(_ends(cursor))
        records = [] if ends else self._first(self._since)
        stored_at = instant_of(ends[-1][0]) if ends else None
        start = ends[-1][1] if ends else ""
        while True:
            if records:
                start = _log_id(records[-1]) or start
                ends = [*ends, (_date(records[-1]), start)][-_MOST_ENDS:]
                yield Page(records, json.dumps(ends))
            elif not start:
                return
            previous = start
            try:
                records = self._after(start)
            except UnknownPageError:
                if stored_at is None:
                    raise
                ends, start, records = [], "", self._first(stored_at)
                stored_at = None
                continue
            stored_at = None
            if not records or _log_id(records[-1]) in {None, previous}:
                return

    def _after(self, log_id: str) -> list[object]:
        query = {"from": log_id, "take": _AUTH0_PAGE}
        return self._api.get(f"/api/v2/logs?{urlencode(query)}").records

    def _first(self, since: dt.datetime) -> list[object]:
        """Return the first records since a moment: a checkpoint needs one."""
        query = {
            "q": f"date:[{_text(since)} TO *]",
            "sort": "date:1",
            "per_page": _AUTH0_PAGE,
        }
        return self._api.get(f"/api/v2/logs?{urlencode(query)}").records

    def _going_back(self, ends: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the ends up to one that lies at least the overlap back, or the oldest known."""
        times = [found for at, _ in ends if (found := instant_of(at)) is not None]
        limit = max(times) - self._overlap if times else None
        for length in range(len(ends), 1, -1):
            at = instant_of(ends[length - 1][0])
            if limit is not None and at is not None and at <= limit:
                return ends[:length]
        return ends[:1]


def _api(base_url: str, authorization: str, sleep: Callable[[float], None] | None) -> Api:
    if not authorization.partition(" ")[2]:
        raise ConfigurationError("the token is empty: give one that may read logs")
    return (
        Api(base_url, authorization) if sleep is None else Api(base_url, authorization, sleep=sleep)
    )


def _latest(
    records: list[object], member: str, latest: dt.datetime | None, clock: float
) -> dt.datetime | None:
    for record in records:
        found = instant_of(record.get(member)) if isinstance(record, Mapping) else None
        if found is not None and found.timestamp() <= clock + 1:
            latest = found if latest is None else max(latest, found)
    return latest


def _ends(cursor: str | None) -> list[tuple[str, str]]:
    """Return the stored ends of pages; none when the cursor is not one of ours."""
    try:
        found = json.loads(cursor or "[]")
        return [(str(at), str(log_id)) for at, log_id in found]
    except (ValueError, TypeError):
        return []


def _log_id(record: object) -> str | None:
    found = record.get("log_id") if isinstance(record, Mapping) else None
    return found if isinstance(found, str) and found else None


def _date(record: object) -> str:
    found = record.get("date") if isinstance(record, Mapping) else None
    return found if isinstance(found, str) else ""


def _text(instant: dt.datetime) -> str:
    utc = instant.astimezone(dt.timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03}Z"
