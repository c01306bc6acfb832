"""From one line of text to one event: the forms of a line, and the event ids of lines without.

An event id decides what is recorded twice and what is a repetition, so its rule is here alone:
- `EventId` in the line is taken as it is.
- A line without an instant happens now: each reading of it is a new event.
- Any other line describes something past. Its id is made from its content, so that reading the
  same file again, or a longer version of it, adds only what is new. Lines of equal content are
  counted (first, second, ...) and stay separate events; records of the event stream are not,
  because a stream may deliver the same record twice.

Problems name members, never what is in them.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
import orjson

from pinpoint_kit import Endpoint, Event
from pinpoint_kit.cli.recording.positions import with_position
from pinpoint_kit.cli.recording.stream_form import is_stream_record, to_put_events
from pinpoint_kit.cli.wording import in_cli_words
from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models import wire

__all__ = ["Entry", "EntryReader", "without_content"]

#: Lines of equal content are told apart when at most so many different lines stand in between.
#: Equal lines carry the same instant, so they stand near each other.
REMEMBERED_LINES = 100_000

_MAX_REASON_CHARS = 300
#: Names of attributes and metrics are the caller's own, so a path ends before them.
_OWN_NAMES = re.compile(
    r"( @ \S*?\.(?:user)?(?:attributes|metrics))[.\[].*", re.IGNORECASE | re.DOTALL
)

M = TypeVar("M", Endpoint, Event)


@attrs.frozen
class Entry:
    """What one line says.

    Args:
        endpoint_id: where it happened.
        event: what happened.
        endpoint: endpoint data that goes with it.
        has_unknown: whether there are members that Pinpoint does not know.
        members: the line as PutEvents has it, to find positions in.
    """

    endpoint_id: str
    event: Event
    endpoint: Endpoint | None
    has_unknown: bool
    members: Mapping[str, Any] = attrs.field(repr=False)


@attrs.define
class EntryReader:
    """Reads lines; remembers enough of the latest ones to tell repetitions apart."""

    _repetitions: OrderedDict[bytes, int] = attrs.field(factory=OrderedDict)

    def read(self, content: bytes) -> Entry:
        """Read one line.

        Raises:
            ValidationError: it is no event; the message says why without its content.
        """
        line = wire.from_json(content)
        if not isinstance(line, dict):
            raise InvalidTypeError("expected a JSON object with an event", "$")
        is_record = is_stream_record(line)
        members = to_put_events(line) if is_record else line
        own = dict(members)
        endpoint_id = own.pop("EndpointId", None)
        if endpoint_id is None:
            raise ValidationError("misses EndpointId: give it", "$")
        if not isinstance(endpoint_id, str):
            raise InvalidTypeError("expected text", "$.EndpointId")
        endpoint = _part(Endpoint, own.pop("Endpoint", None), "$.Endpoint", members)
        event = _part(Event, own, "$", members)
        if event is None:
            raise ValidationError("misses EventType: give it", "$")
        if event.id is None and event.timestamp is not None:
            event = attrs.evolve(event, id=self._content_id(line, counted=not is_record))
        return Entry(endpoint_id, event, endpoint, bool(event.extra), members)

    def _content_id(self, line: dict[str, Any], *, counted: bool) -> str:
        content = orjson.dumps(line, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(content, digest_size=16)
        if counted:
            seen = self._repetitions
            key = digest.digest()
            seen[key] = repetition = seen.pop(key, -1) + 1  # the latest stands last
            if len(seen) > REMEMBERED_LINES:
                seen.popitem(last=False)
            if repetition:
                digest.update(b"#%d" % repetition)
        return digest.hexdigest()


def _part(cls: type[M], value: object, path: str, members: Mapping[str, Any]) -> M | None:
    if value is None:
        return None
    try:
        return wire.from_wire(cls, value, strict=True)
    except ValidationError as error:
        located = ValidationError(error.message, path + error.path.removeprefix("$"))
        raise ValidationError(with_position(located, members)) from None


def without_content(problem: object) -> str:
    """Return the text of a problem, on one line, without names or values from the data."""
    text = in_cli_words(_OWN_NAMES.sub(r"\1", str(problem)))
    text = text.replace(" at line 1 column", " at column").removesuffix(" @ $")
    return text[:_MAX_REASON_CHARS]
