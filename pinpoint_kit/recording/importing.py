"""Events of the past with their endpoints, as ImportEvents takes them: many in one transaction.

Only the engine and our server have that operation. Each item is one line, encoded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.limits import MOST_IMPORTED_EVENTS
from pinpoint_kit.models import wire
from pinpoint_kit.models.event import ImportRefusal
from pinpoint_kit.models.scalars import id_text
from pinpoint_kit.recording.recorder import event_id_of
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.event import Event
    from pinpoint_kit.models.scalars import Id
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Lines"]

_PATH = ("events", "import")
_ITEM_LENGTH = 3
_NO_DETAILS: EventDetails = {}


class Lines:
    """Lines of requests that are full, or the last one; and what was refused of them.

    Args:
        transport: sends them.
        application_id: where to.
        recorder: encodes events.
    """

    def __init__(
        self, transport: Transport, application_id: ApplicationId, recorder: Recorder
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._recorder = recorder
        limits = recorder.limits
        self._most_bytes = min(limits.max_event_request_bytes, limits.max_request_bytes)
        self._lines: list[bytes] = []
        #: The place of each line in what was given, and its endpoint.
        self._places: list[tuple[int, str]] = []
        #: Why endpoints were refused, by their ids in lower case: what follows of them is, too.
        self._refused_endpoints: dict[str, str] = {}
        self._events = self._bytes = 0
        self.refused: list[ImportRefusal] = []

    def send(self, items: Iterable[tuple[Id, Endpoint | None, Sequence[Event]]]) -> None:
        """Send all items.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            InvalidTypeError, ValidationError, ServiceError, TransportError: as `import_many`.
        """
        for index, item in enumerate(items):
            if not isinstance(item, tuple) or len(item) != _ITEM_LENGTH:
                raise InvalidTypeError("expected (endpoint id, endpoint, events)", f"$[{index}]")
            endpoint_id = id_text(item[0], "$.id")
            why = self._refused_endpoints.get(endpoint_id.lower())
            if why is not None:
                self.refused.append(ImportRefusal(index=index, message=why))
                continue
            fragments = self._fragments(index, endpoint_id, item[2])
            line = _line(endpoint_id, item[1], fragments)
            size = len(line) + 1
            if size > self._most_bytes or len(fragments) > MOST_IMPORTED_EVENTS:
                raise ValidationError(
                    f"has {len(fragments)} events and {size} bytes, and at most"
                    f" {MOST_IMPORTED_EVENTS} and {self._most_bytes} fit into a request: make"
                    " several items of it",
                    f"$[{index}]",
                )
            if (
                self._bytes + size > self._most_bytes
                or self._events + len(fragments) > MOST_IMPORTED_EVENTS
                or len(self._lines) >= MOST_IMPORTED_EVENTS
            ):
                self._send()
            self._lines.append(line)
            self._places.append((index, endpoint_id.lower()))
            self._events += len(fragments)
            self._bytes += size
        if self._lines:
            self._send()

    def _fragments(self, index: int, endpoint_id: str, events: Sequence[Event]) -> list[bytes]:
        fragments: list[bytes] = []
        recorder = self._recorder
        for event in events:
            event_id = event_id_of(event, None)
            fragment = recorder.usual_fragment(endpoint_id, event, event_id)
            if fragment is None:
                item = recorder.encoded_or_refused(endpoint_id, event, event_id, _NO_DETAILS)
                if isinstance(item, ValidationError):
                    refusal = ImportRefusal(index=index, event_id=event_id, message=str(item))
                    self.refused.append(refusal)
                    continue
                fragment = item.fragment
            fragments.append(fragment)
        return fragments

    def _send(self) -> None:
        body = b"\n".join(self._lines)
        answer = self._transport.call_extension(
            self._application_id, ExtensionCall("ImportEvents", _PATH, body=body)
        )
        if answer is None:
            raise ConfigurationError(
                "events are imported by the embedded engine and by `pinpoint-kit serve` only:"
                " send them by events.put_many, or connect to sqlite:///FILE or to such a server"
            )
        refused: list[Any] = answer.get("Refused") or []
        for each in refused:
            index, key = self._places[each["Line"]]
            event_id, why = each.get("EventId"), str(each.get("Message") or "")
            self.refused.append(ImportRefusal(index=index, event_id=event_id, message=why))
            if event_id is None:
                self._refused_endpoints[key] = why
        self._lines, self._places = [], []
        self._events = self._bytes = 0


def _line(endpoint_id: str, endpoint: Endpoint | None, fragments: Sequence[bytes]) -> bytes:
    data = b""
    if endpoint is not None:
        data = b',"Endpoint":' + wire.encode(wire.endpoint_request(endpoint))
    return b"".join(
        (b'{"Id":', orjson.dumps(endpoint_id), data, b',"Events":{', b",".join(fragments), b"}}")
    )
