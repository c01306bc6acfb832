"""`Streams`: how the event streams of an application fare, and what to do about it.

Where records go is the operator's choice, see `connect` and `pinpoint-kit serve`. The operations
are those of the engine and our server; Pinpoint itself cannot be asked. Every call blocks until it
is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ConfigurationError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import iso
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.scalars import moment
from pinpoint_kit.models.stream import StreamDeadLetter, StreamStatus
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pinpoint_kit.models.scalars import Moment
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Streams"]

_PAGE_SIZE = 1_000
#: Ids that one request may have.
_MOST_IDS = 1_000


class Streams:
    """The event streams of one application. Safe to use from several threads.

    All verbs raise `ConfigurationError` where neither our engine nor our server answers, `NotFound`
    for a destination that the application does not have, `ServiceError` when they are refused for
    another reason, and `TransportError` when no answer came.
    """

    def __init__(self, transport: Transport, *, application_id: ApplicationId) -> None:
        self._transport = transport
        self._application_id = application_id

    def status(self) -> ModelList[StreamStatus]:
        """How each destination fares; a stream that nobody claims is there, too.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     len(pinpoint.streams.status())
            0
        """
        return _statuses(self._call("GetStreamStatus", ()))

    def pause(self, destination: str | None = None) -> ModelList[StreamStatus]:
        """Send nothing until `resume`; records wait, within the bounds of the backlog.

        Args:
            destination: its name, as the status has it; all of the application unless given.

        Returns:
            The status afterwards.
        """
        return _statuses(self._call("PauseStream", ("pause",), _body(Destination=destination)))

    def resume(self, destination: str | None = None) -> ModelList[StreamStatus]:
        """Send on; at once, where the destination has failed before.

        Args:
            destination: as in `pause`.

        Returns:
            The status afterwards.
        """
        return _statuses(self._call("ResumeStream", ("resume",), _body(Destination=destination)))

    def replay(
        self, since: Moment, *, until: Moment | None = None, destination: str | None = None
    ) -> int:
        """Send stored events once more, those that arrived in a span of time.

        It goes on behind requests. The records say `"replayed": true`, and have the endpoint as it
        is now.

        Args:
            since: the beginning, included.
            until: the end, not included; now unless given.
            destination: for this one alone; all of the application unless given.

        Returns:
            How many events that are.

        Raises:
            ValidationError: an instant is none.
        """
        body = _body(
            Since=iso(moment(since, "$.since")),
            Until=None if until is None else iso(moment(until, "$.until")),
            Destination=destination,
        )
        return int(self._call("ReplayStream", ("replays",), body)["Events"])

    def remove(self, destination: str) -> int:
        """Forget a destination that will not come back, and what waits for it alone.

        Args:
            destination: its name. A running engine that has it makes it anew.

        Returns:
            How many records it will never get.
        """
        body = _body(Destination=destination)
        return int(self._call("RemoveStreamDestination", ("remove",), body)["Records"])

    def dead_letters(self, destination: str | None = None) -> ModelIterator[StreamDeadLetter]:
        """Return records that a destination has refused for good, the oldest first: personal data.

        Args:
            destination: of this one alone; of all unless given.
        """
        items = self._letters(destination)
        found = (wire.from_wire(StreamDeadLetter, item) for item in items)
        return ModelIterator(found, of=StreamDeadLetter)

    def retry(
        self,
        letters: Iterable[StreamDeadLetter | str] | None = None,
        *,
        destination: str | None = None,
    ) -> int:
        """Send dead letters again.

        Args:
            letters: which, or their ids; all unless given.
            destination: of this one alone.

        Returns:
            How many.
        """
        return self._each("RetryStreamDeadLetters", "retry", letters, destination)

    def discard(
        self,
        letters: Iterable[StreamDeadLetter | str] | None = None,
        *,
        destination: str | None = None,
    ) -> int:
        """Delete dead letters; they are counted as lost.

        Args:
            letters: which, or their ids; all unless given.
            destination: of this one alone.

        Returns:
            How many.
        """
        return self._each("DiscardStreamDeadLetters", "discard", letters, destination)

    def _letters(self, destination: str | None) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while True:
            query = {"destination": destination, "page-size": _PAGE_SIZE, "token": token}
            page = self._call("ListStreamDeadLetters", ("dead-letters",), query=query)
            yield from page["Item"]
            token = page.get("NextToken")
            if not token:
                return

    def _each(
        self,
        operation: str,
        path: str,
        letters: Iterable[StreamDeadLetter | str] | None,
        destination: str | None,
    ) -> int:
        at = ("dead-letters", path)
        count = 0
        if letters is None:
            while True:
                answer = self._call(operation, at, _body(Destination=destination))
                count += int(answer["Records"])
                if not answer["Left"] or not answer["Records"]:
                    return count
        ids = [letter.id if isinstance(letter, StreamDeadLetter) else letter for letter in letters]
        if not all(isinstance(one, str) for one in ids):
            raise ValidationError("must be dead letters or their ids", "$.letters", "type")
        for start in range(0, len(ids), _MOST_IDS):
            body = _body(Destination=destination, Ids=ids[start : start + _MOST_IDS])
            count += int(self._call(operation, at, body)["Records"])
        return count

    def _call(
        self,
        operation: str,
        path: tuple[str, ...],
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str | int | None] | None = None,
    ) -> dict[str, Any]:
        call = ExtensionCall(operation, ("streams", *path), query or {}, body)
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint cannot be asked how event streams fare: connect to the engine"
                " (sqlite:///FILE, postgresql://...) or to its server"
            )
        return answer


def _body(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _statuses(answer: Mapping[str, Any]) -> ModelList[StreamStatus]:
    found = (wire.from_wire(StreamStatus, item) for item in answer["Item"])
    return ModelList(found, of=StreamStatus)
