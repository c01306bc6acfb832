"""Endpoints: read, update one or many, delete. Every call blocks until it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.audience.report import BatchReport, Rejection
from pinpoint_kit.batching import Batch, EndpointItem, TooLarge, pack_endpoints
from pinpoint_kit.errors import (
    BadRequest,
    InvalidTypeError,
    PayloadTooLarge,
    ServiceError,
    ValidationError,
)
from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import endpoint_id_problem, endpoint_problem
from pinpoint_kit.models.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.transport import Transport

__all__ = ["Endpoints"]


@attrs.define
class _Tally:
    """The running report of one `update_many`."""

    on_progress: Callable[[int], object] | None
    accepted: int = 0
    requests: int = 0
    rejected: list[Rejection] = attrs.field(factory=list)

    def reject(self, index: int, endpoint_id: str, reason: str) -> None:
        self.rejected.append(Rejection(index=index, id=endpoint_id, reason=reason))
        self.progress()

    def progress(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.accepted + len(self.rejected))

    def report(self) -> BatchReport:
        return BatchReport(
            accepted=self.accepted,
            rejected=tuple(sorted(self.rejected, key=lambda rejection: rejection.index)),
            requests=self.requests,
        )


class Endpoints:
    """The endpoints of one application. Safe to use from several threads."""

    def __init__(self, transport: Transport, *, application_id: str, limits: Limits) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits

    def get(self, endpoint_id: str) -> Endpoint:
        """Read one endpoint.

        Args:
            endpoint_id: case-insensitive.

        Returns:
            The endpoint with everything that the service knows of it.

        Raises:
            NotFound: there is no such endpoint or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        answer = self._call("GetEndpoint", endpoint_id)
        return wire.from_wire(Endpoint, answer["EndpointResponse"])

    def update(self, endpoint: Endpoint) -> str:
        """Create an endpoint, or change what is given of it and leave the rest.

        Repeating it is harmless. Any update without `endpoint_status` sets `ACTIVE`.

        Args:
            endpoint: with its id. Lists replace stored lists; `[]` clears an attribute.

        Returns:
            The id of the request.

        Raises:
            InvalidTypeError: it is not an `Endpoint`.
            ValidationError: it has no id, or breaks a limit (see `limits.py`).
            BadRequest: the service refuses it, for example `Missing Address`, or a 16th
                endpoint of one user.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

            >>> from pinpoint_kit import Endpoint, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     request_id = pinpoint.endpoints.update(
            ...         Endpoint(id="device-1", attributes={"interests": ["music"]})
            ...     )
            ...     pinpoint.endpoints.get("DEVICE-1").attributes
            {'interests': ['music']}
        """
        checked, body = self._checked(endpoint)
        if len(body) > self._limits.max_endpoint_bytes:
            raise ValidationError(
                f"has {len(body)} bytes, and at most {self._limits.max_endpoint_bytes} are"
                " allowed: keep less in the endpoint",
                "$",
                "too_large",
            )
        answer = self._call("UpdateEndpoint", checked, EndpointRequest=wire.from_json(body))
        return str(
            answer["MessageBody"].get("RequestID") or answer["ResponseMetadata"]["RequestId"]
        )

    def update_many(
        self,
        endpoints: Iterable[Endpoint],
        *,
        on_progress: Callable[[int], object] | None = None,
    ) -> BatchReport:
        """Update any number of endpoints in requests of at most 100 items and 7 MB.

        An endpoint that breaks a limit, or that the service refuses, is rejected by itself and
        the rest goes on: UpdateEndpointsBatch answers only as a whole, so a refused request is
        halved until the refused item is found.

        Args:
            endpoints: any length; read as needed, never all at once.
            on_progress: called with the number of endpoints done so far.

        Returns:
            How many were accepted, and what was rejected and why.

        Raises:
            InvalidTypeError: an item is not an `Endpoint`.
            Forbidden, NotFound, TooManyRequests, InternalServerError: the service refuses to
                go on; what was accepted before stays.
            TransportError: no answer came; what was accepted before stays.
        """
        tally = _Tally(on_progress)
        for packed in pack_endpoints(self._items(endpoints, tally), self._limits):
            if isinstance(packed, TooLarge):
                tally.reject(
                    packed.item.index,
                    packed.item.endpoint_id,
                    f"has {packed.size} bytes, and at most {packed.limit} are allowed: keep less"
                    " in the endpoint",
                )
            else:
                self._send(packed, tally)
        return tally.report()

    def delete(self, endpoint_id: str) -> Endpoint:
        """Delete one endpoint.

        Args:
            endpoint_id: case-insensitive.

        Returns:
            The endpoint as it was.

        Raises:
            NotFound: there is no such endpoint or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        answer = self._call("DeleteEndpoint", endpoint_id)
        return wire.from_wire(Endpoint, answer["EndpointResponse"])

    def _call(self, operation: str, endpoint_id: str, **params: object) -> dict[str, Any]:
        if not isinstance(endpoint_id, str):
            raise InvalidTypeError(
                f"expected an endpoint id as text, got {type(endpoint_id).__name__}", "$.id"
            )
        if not endpoint_id:
            raise ValidationError("is empty: name the endpoint", "$.id", "endpoint_id")
        return self._transport.call(
            operation, ApplicationId=self._application_id, EndpointId=endpoint_id, **params
        )

    def _checked(self, endpoint: Endpoint) -> tuple[str, bytes]:
        """The id and the encoded request, or the problem raised."""
        if not isinstance(endpoint, Endpoint):
            raise InvalidTypeError(
                f"expected an Endpoint, got {type(endpoint).__name__}: pass Endpoint(...)", "$"
            )
        if endpoint.id is None:
            raise ValidationError("has no id: give Endpoint(id=...)", "$.id", "endpoint_id")
        problem = endpoint_id_problem(endpoint.id) or endpoint_problem(endpoint, self._limits)
        if problem is not None:
            raise problem
        return endpoint.id, wire.encode(wire.endpoint_request(endpoint))

    def _items(self, endpoints: Iterable[Endpoint], tally: _Tally) -> Iterator[EndpointItem]:
        for index, endpoint in enumerate(endpoints):
            try:
                endpoint_id, body = self._checked(endpoint)
            except InvalidTypeError as error:  # noqa: PERF203 -- each item may fail by itself
                raise InvalidTypeError(error.message, f"$[{index}]") from error
            except ValidationError as error:
                tally.reject(index, endpoint.id or "", str(error))
            else:
                yield EndpointItem(endpoint_id, wire.with_id(endpoint_id, body), index)

    def _send(self, batch: Batch[EndpointItem], tally: _Tally) -> None:
        tally.requests += 1
        try:
            self._transport.update_endpoints_batch(self._application_id, batch.body)
        except (BadRequest, PayloadTooLarge) as error:
            if len(batch.items) > 1:
                for half in batch.halves():
                    self._send(half, tally)
            else:
                item = batch.items[0]
                tally.reject(item.index, item.endpoint_id, _service_text(error))
        else:
            tally.accepted += len(batch.items)
            tally.progress()


def _service_text(error: ServiceError) -> str:
    return f"{error.message} ({error.status})"
