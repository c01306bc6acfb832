"""Endpoints: read, update one or many, delete. Every call blocks until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.audience.batches import UpdateProgress, attach_report
from pinpoint_kit.audience.extensions import extension_items
from pinpoint_kit.audience.jobs import DEFAULT_TIMEOUT
from pinpoint_kit.batching import EndpointItem
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import endpoint_id_problem, endpoint_problem, require_path_id
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.endpoint import ChannelType, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinpoint_kit.audience.batches import Batches
    from pinpoint_kit.audience.exports import Exports
    from pinpoint_kit.audience.loading import Loader
    from pinpoint_kit.audience.report import BatchReport, LoadProgress, LoadReport
    from pinpoint_kit.audience.row_sources import RowSource
    from pinpoint_kit.delivery.delivery import Delivery
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.job import JobFormat
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Endpoints"]


@attrs.define(eq=False)
class _Source:
    """What the caller gave, up to a failure: that waits until what was read before is sent."""

    endpoints: Iterable[Endpoint]
    failure: Exception | None = None

    def __iter__(self) -> Iterator[Endpoint]:
        try:
            for endpoint in self.endpoints:  # noqa: UP028 -- would close the caller's generator
                yield endpoint
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is raised again later
            self.failure = error


class Endpoints:
    """The endpoints of one application. Safe to use from several threads."""

    def __init__(  # noqa: PLR0913 -- its collaborators, each wanted once
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
        limits: Limits,
        delivery: Delivery,
        exports: Exports,
        batches: Batches,
        loader: Loader,
        strict: bool = False,
    ) -> None:
        self._strict = strict
        self._transport = transport
        self._batches = batches
        self._loader = loader
        self._delivery = delivery
        self._exports = exports
        self._application_id = application_id
        self._limits = limits

    def get(self, endpoint_id: str) -> Endpoint:
        """Read one endpoint.

        Args:
            endpoint_id: case-insensitive.

        Returns:
            The endpoint with everything that the service knows of it.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
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
            The id of the request, "" when the answer had none.

        Raises:
            InvalidTypeError: it is not an `Endpoint`.
            ValidationError: it has no id, or breaks a limit (see `limits.py`).
            BadRequest: the service refuses it, for example `Missing Address`, or a 16th
                endpoint of one user.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
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
            raise too_large(len(body), self._limits.max_endpoint_bytes)
        return self._transport.update_endpoint(
            self._application_id, require_path_id(checked, "$.id"), body
        )

    def enqueue(self, endpoint: Endpoint) -> None:
        """Queue an update for the background and return at once.

        It never blocks and never raises because of the network or the content; what the service
        would refuse is counted as rejected. Updates of one endpoint that wait are folded into
        one, and up to 100 endpoints share a request. Counted in `delivery.stats()` like events.

        Args:
            endpoint: as in `update`.

        Raises:
            InvalidTypeError: it is not an `Endpoint`.
            ValidationError: it has no id; or the client is strict and it breaks a limit.
            ClosedError: the client was closed.

        Examples:
            >>> from pinpoint_kit import Endpoint, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.endpoints.enqueue(Endpoint(id="device-1", metrics={"level": 1}))
            ...     pinpoint.endpoints.enqueue(Endpoint(id="device-1", metrics={"level": 2}))
            ...     pinpoint.flush().accepted
            2
        """
        try:
            endpoint_id, body = self._checked(endpoint)
            fragment = wire.with_id(endpoint_id, body)
            if len(fragment) > self._limits.max_endpoint_bytes:
                raise too_large(len(fragment), self._limits.max_endpoint_bytes)
        except InvalidTypeError:
            raise
        except ValidationError as problem:
            if self._strict or endpoint.id is None:
                raise
            fragment = b""
            with suppress(ValidationError):
                fragment = wire.with_id(endpoint.id, wire.encode(wire.endpoint_request(endpoint)))
            item = Recorded(endpoint.id, "", fragment, is_endpoint=True)
            self._delivery.reject(item, problem.reason, problem.message)
            return
        self._delivery.enqueue_endpoint(endpoint_id, fragment)

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

        When something ends it early, what was done before stays done, and the error tells it:
        each `PinpointKitError` has the `BatchReport` so far as its `report`, and any error has
        a note with the counts (from Python 3.11 on). When `endpoints` itself raises, what was
        read before is sent first. Items that are not in the report may not have arrived; giving
        all of them again is harmless.

        Args:
            endpoints: any length; read as needed, never all at once.
            on_progress: called with the number of endpoints done so far.

        Returns:
            How many were accepted, and what was rejected and why.

        Raises:
            InvalidTypeError: an item is not an `Endpoint`; those before it are sent.
            Forbidden, NotFound, TooManyRequests, InternalServerError: the service refuses to
                go on.
            TransportError: no answer came.
        """
        progress, source = UpdateProgress(on_progress), _Source(endpoints)
        try:
            self._send_all(source, progress)
        except Exception as error:
            if source.failure is not None and error is not source.failure:
                error.__cause__ = source.failure  # what was read before it could not be sent
            attach_report(error, progress.report(), "update_many")
            raise
        finally:
            source.failure = None  # which holds this frame by its traceback
        return progress.report()

    def load(  # noqa: PLR0913 -- each is a choice of its own
        self,
        source: RowSource,
        *,
        format: JobFormat | str | None = None,  # noqa: A002 -- Pinpoint's own word
        staging: str | None = None,
        role_arn: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        on_progress: Callable[[LoadProgress], object] | None = None,
    ) -> LoadReport:
        """Create or update endpoints from a file or from rows, all of which are checked first.

        When a single row is wrong nothing is sent, and the error says which rows, which columns
        and why. Then a file is imported by a job where the engine runs in this process; what goes
        elsewhere is sent in batches, or by a job through a bucket when `staging` is given and there
        are 1,000 rows or more. Where a row has no channel type or no address, which a job needs
        for a new endpoint, batches are taken in any case. Loading the same again is harmless.

        Args:
            source: a path of this machine, a stream of bytes or text, endpoints, dicts of their
                members (`{"Address": ..., "Attributes.plan": ...}`), or a data frame or an Arrow
                table with such columns.
            format: CSV or JSON; known by the file name's ending unless given. Files may end with
                `.gz`, too.
            staging: hosted service: `s3://BUCKET/PREFIX`, a place for a file that is removed again.
            role_arn: hosted service: the role that Pinpoint takes for reading there.
            timeout: seconds to wait for a job at most, 0 or more, `math.inf` for as long as it
                takes; the job itself goes on.
            on_progress: called with a `LoadProgress` now and then, in the calling thread.

        Returns:
            How many were accepted, and what was refused by what is stored already (a 16th endpoint
            of one user, for example).

        Raises:
            InvalidRowsError: rows cannot be used; nothing was sent.
            InvalidTypeError: the source is nothing that has rows, a row is none, or the timeout is
                no number.
            ValidationError: there is no such file, it cannot be read, or its format is not clear.
            JobFailedError, JobTimeoutError: as `jobs.wait`.
            ServiceError: the service refused to go on.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import connect
            >>> rows = [{"Id": "device-1", "Attributes.plan": "pro", "Metrics.level": 3}]
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.endpoints.load(rows).accepted
            1
        """
        return self._loader.load(
            source,
            kind=format,
            staging=staging,
            role_arn=role_arn,
            timeout=timeout,
            on_progress=on_progress,
        )

    def scan(
        self, *, export_to: str | None = None, role_arn: str | None = None
    ) -> ModelIterator[Endpoint]:
        """All endpoints, read page by page as they are asked for.

        The engine and our server answer that directly; the first page is asked for at once. An
        endpoint that comes or goes meanwhile may be missed or not. The hosted service runs an
        export job when the first endpoint is asked for; its files are read back and deleted.

        Args:
            export_to: hosted service: `s3://BUCKET/PREFIX`, a place for the files of the job.
            role_arn: hosted service: the role that Pinpoint takes for writing there.

        Returns:
            The endpoints, inactive ones too.

        Raises:
            ConfigurationError: this Pinpoint needs `export_to` and `role_arn` for an answer.
            NotFound: there is no such application.
            JobFailedError: the export job failed.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import Endpoint, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     report = pinpoint.endpoints.update_many(Endpoint(id=f"e-{n}") for n in range(3))
            ...     [endpoint.id for endpoint in pinpoint.endpoints.scan()]
            ['e-0', 'e-1', 'e-2']
        """
        found = extension_items(
            self._transport, self._application_id, "ListEndpoints", ("endpoints",), {}
        )
        if found is None:
            found = self._exports.members(export_to, role_arn)
        return ModelIterator((wire.from_wire(Endpoint, item) for item in found), of=Endpoint)

    def find(  # noqa: PLR0913 -- each is a filter of its own
        self,
        *,
        address: str | None = None,
        user_id: str | None = None,
        channel_type: ChannelType | str | None = None,
        attributes: Mapping[str, str | Sequence[str]] | None = None,
        user_attributes: Mapping[str, str | Sequence[str]] | None = None,
        limit: int | None = None,
    ) -> list[Endpoint]:
        """Find endpoints; all conditions must hold, of several values one is enough.

        The engine and our server answer it, not the hosted service.

        Args:
            address: exactly this address.
            user_id: of this user; case-sensitive.
            channel_type: of this channel.
            attributes: with one of these values: name -> values.
            user_attributes: whose user has one of these values: name -> values.
            limit: at most so many; all of them unless given.

        Returns:
            The endpoints, inactive ones too, the first created first.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            BadRequest: a condition is refused.
            NotFound: there is no such application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import Endpoint, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     request_id = pinpoint.endpoints.update(
            ...         Endpoint(id="device-1", attributes={"plan": ["pro"]})
            ...     )
            ...     [found.id for found in pinpoint.endpoints.find(attributes={"plan": ["pro"]})]
            ['device-1']
        """
        body = wire.endpoint_conditions(
            address=address,
            user_id=user_id,
            channel_type=channel_type,
            attributes=attributes,
            user_attributes=user_attributes,
        )
        path = ("endpoints", "find")
        found = extension_items(
            self._transport, self._application_id, "FindEndpoints", path, {}, body=body
        )
        if found is None:
            raise ConfigurationError(
                "endpoints are found by the embedded engine and by `pinpoint-kit serve` only:"
                " connect to sqlite:///FILE or to such a server, or go through endpoints.scan()"
            )
        some = islice(found, limit)
        return ModelList((wire.from_wire(Endpoint, item) for item in some), of=Endpoint)

    def ids(self, *, export_to: str | None = None, role_arn: str | None = None) -> Iterator[str]:
        """Return the ids of all endpoints, as first written; otherwise as `scan`.

        Args:
            export_to: as in `scan`.
            role_arn: as in `scan`.

        Returns:
            The ids.

        Raises:
            ConfigurationError, NotFound, JobFailedError, ServiceError, TransportError: as in
                `scan`.
        """
        path = ("endpoint-ids",)
        found = extension_items(self._transport, self._application_id, "ListEndpointIds", path, {})
        if found is not None:
            return found
        return map(wire.endpoint_id, self._exports.members(export_to, role_arn))

    def delete(self, endpoint_id: str) -> Endpoint:
        """Delete one endpoint.

        The engine keeps its events as anonymous counts; `Pinpoint.erase` takes these too.

        Args:
            endpoint_id: case-insensitive.

        Returns:
            The endpoint as it was.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such endpoint or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        answer = self._call("DeleteEndpoint", endpoint_id)
        return wire.from_wire(Endpoint, answer["EndpointResponse"])

    def _call(self, operation: str, endpoint_id: str) -> dict[str, Any]:
        return self._transport.call(
            operation,
            ApplicationId=self._application_id,
            EndpointId=require_path_id(endpoint_id, "$.id"),
        )

    def _checked(self, endpoint: Endpoint) -> tuple[str, bytes]:
        """Return the id and the encoded request, or the problem raised."""
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

    def _send_all(self, source: _Source, progress: UpdateProgress) -> None:
        self._batches.send(self._items(source, progress), progress)
        if source.failure is not None:
            raise source.failure

    def _items(self, source: _Source, progress: UpdateProgress) -> Iterator[EndpointItem]:
        for index, endpoint in enumerate(source):
            try:
                endpoint_id, body = self._checked(endpoint)
            except InvalidTypeError as error:  # noqa: PERF203 -- each item may fail by itself
                source.failure = InvalidTypeError(error.message, f"$[{index}]")
                source.failure.__cause__ = error
                return
            except ValidationError as error:
                progress.reject(index, endpoint.id or "", str(error))
            else:
                yield EndpointItem(endpoint_id, wire.with_id(endpoint_id, body), index)


def too_large(size: int, limit: int) -> ValidationError:
    """Return the refusal of an endpoint that has too many bytes."""
    return ValidationError(
        f"has {size} bytes, and at most {limit} are allowed: keep less in the endpoint",
        "$",
        "too_large",
    )
