"""Where the records of event streams go: Kinesis, Firehose, Kafka, files, HTTP, this program.

A destination only sends. The engine keeps the records, their order and how far each destination has
come; it tries again, waits and buries what is refused for good. What is heavy is loaded by the
destination that needs it, when it is opened. Only imports belong here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.destinations.files import Files
    from pinpoint_kit.destinations.firehose import Firehose
    from pinpoint_kit.destinations.http_endpoint import HttpEndpoint
    from pinpoint_kit.destinations.iterator import IteratorDestination
    from pinpoint_kit.destinations.kafka import Kafka
    from pinpoint_kit.destinations.kinesis import Kinesis
    from pinpoint_kit.destinations.opening import open_destination
    from pinpoint_kit.records.destination import Destination, Refused, StreamRecord, Unavailable

__all__ = [
    "Destination",
    "Files",
    "Firehose",
    "HttpEndpoint",
    "IteratorDestination",
    "Kafka",
    "Kinesis",
    "Refused",
    "StreamRecord",
    "Unavailable",
    "open_destination",
]

_HERE = "pinpoint_kit.destinations"
_CONTRACT = "pinpoint_kit.records.destination"
_HOME_OF = {
    "Destination": _CONTRACT,
    "Files": f"{_HERE}.files",
    "Firehose": f"{_HERE}.firehose",
    "HttpEndpoint": f"{_HERE}.http_endpoint",
    "IteratorDestination": f"{_HERE}.iterator",
    "Kafka": f"{_HERE}.kafka",
    "Kinesis": f"{_HERE}.kinesis",
    "Refused": _CONTRACT,
    "StreamRecord": _CONTRACT,
    "Unavailable": _CONTRACT,
    "open_destination": f"{_HERE}.opening",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
