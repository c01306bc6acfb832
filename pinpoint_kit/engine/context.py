"""What every handler is given: the engine's surroundings and the matched request.

Values only. A handler is a function of these two; whatever it returns is the answer's payload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs

from pinpoint_kit.engine.files.files import Files
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.wire.routes import Route
from pinpoint_kit.limits import Limits

__all__ = ["Call", "Context", "Handler", "Stamp"]


@attrs.frozen
class Context:
    """The engine's surroundings: the same for all requests.

    Attributes:
        files: where jobs may read and write.
        announce: to be called when there may be long work to do.
    """

    store: Store
    limits: Limits
    new_id: Callable[[], str]
    files: Files
    announce: Callable[[], None]


@attrs.frozen
class Stamp:
    """When a change is made and what it is known by, milliseconds since 1970 and a request id."""

    now: int
    request_id: str


@attrs.frozen
class Call:
    """One request that matched an operation.

    Attributes:
        route: the operation.
        labels: the decoded path labels by name, for example `application-id`.
        query: the decoded query parameters, each with all its values.
        body: the raw body.
        now: the time of the request, milliseconds since 1970.
        request_id: the request's id, which the answer carries too.
        region: the Region that ARNs in the answer name.
    """

    route: Route
    labels: Mapping[str, str] = attrs.field(repr=False)
    query: Mapping[str, Sequence[str]] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    now: int
    request_id: str
    region: str

    @property
    def stamp(self) -> Stamp:
        """What the request writes is dated and marked with."""
        return Stamp(self.now, self.request_id)

    @property
    def application_id(self) -> str:
        """The application that the path names."""
        return self.labels["application-id"]


#: Returns the payload of the answer: something that orjson can write, or None for no body.
Handler: TypeAlias = Callable[[Context, Call], object]
