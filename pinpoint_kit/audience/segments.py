"""Segments: define parts of the audience, and see who is in them.

Create, read, update and delete are Pinpoint's own operations. Pinpoint cannot be asked who is in a
segment, so members, count and explain use operations of the engine and our server. Every call
blocks until it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.audience.extensions import extension_items
from pinpoint_kit.audience.pages import PAGE_SIZE, items
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import require_path_id
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.segments.checks import segment_problem
from pinpoint_kit.models.segments.dimension import SegmentDimensions
from pinpoint_kit.models.segments.explanation import SegmentExplanation
from pinpoint_kit.models.segments.grouping import Condition
from pinpoint_kit.models.segments.segment import Segment, SegmentGroupList
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.audience.exports import Exports
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.segments.grouping import Definition
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Segments"]

_DEFINITIONS = (SegmentDimensions, SegmentGroupList)


class Segments:
    """The segments of one application. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
        limits: Limits,
        exports: Exports,
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits
        self._exports = exports

    def create(
        self,
        name: str,
        where: Condition | Definition,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Segment:
        """Create a dynamic segment: whoever fulfils the condition is in it, now and later.

        A segment that holds a fixed list of endpoints is made by an import job, see
        `jobs.import_endpoints(define_segment=True)`.

        Args:
            name: its name. Names need not be unique.
            where: a condition, see `where`, or a `SegmentDimensions` or `SegmentGroupList`.
                `SegmentDimensions()` is everyone.
            tags: key -> value, at most 50.

        Returns:
            The segment, with its id.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: the condition breaks a limit, or Pinpoint cannot say it.
            BadRequest: the service refuses it, for example because it builds on a segment that
                does not exist.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import Endpoint, connect, where
            >>> with connect("sqlite://") as pinpoint:
            ...     request_id = pinpoint.endpoints.update(
            ...         Endpoint(id="device-1", attributes={"plan": "pro"}, metrics={"level": 7})
            ...     )
            ...     pros = pinpoint.segments.create(
            ...         "pros", where.attribute("plan").is_in("pro") & (where.metric("level") >= 3)
            ...     )
            ...     pinpoint.segments.count(pros)
            1
        """
        request = wire.segment_request(_name(name), self._definition(where), tags)
        return self._segment("CreateSegment", WriteSegmentRequest=request)

    def get(self, segment: Segment | str, *, version: int | None = None) -> Segment:
        """Read a segment.

        Args:
            segment: the segment or its id.
            version: a version of it; the latest unless given.

        Returns:
            The segment with its definition.

        Raises:
            InvalidTypeError: the id is not text, or the version no whole number.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such segment, version or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        if version is None:
            return self._segment("GetSegment", SegmentId=_id(segment))
        return self._segment(
            "GetSegmentVersion", SegmentId=_id(segment), Version=str(_version(version))
        )

    def list(self) -> ModelList[Segment]:
        """All segments, each in its latest version.

        Raises:
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        return self._all("GetSegments")

    def versions(self, segment: Segment | str) -> ModelList[Segment]:
        """All versions of a segment.

        Args:
            segment: the segment or its id.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such segment or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        return self._all("GetSegmentVersions", SegmentId=_id(segment))

    def update(
        self,
        segment: Segment | str,
        *,
        name: str | None = None,
        where: Condition | Definition | None = None,
    ) -> Segment:
        """Rename a segment or define it anew, which makes its next version.

        What is not given stays as it is in the latest version: that is read first, because
        UpdateSegment takes a segment as a whole.

        Args:
            segment: the segment or its id.
            name: its new name.
            where: its new condition, as in `create`.

        Returns:
            The new version.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: nothing is given, or as in `create`.
            NotFound: there is no such segment or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        if name is None and where is None:
            raise ValidationError("names no change: give name or where", "$", "no_change")
        segment_id = _id(segment)
        name = None if name is None else _name(name)
        definition = None if where is None else self._definition(where)
        if name is None or definition is None:
            latest = self.get(segment_id)
            name = latest.name if name is None else name
            definition = definition or latest.dimensions or latest.segment_groups
        request = wire.segment_request(name, definition)
        return self._segment("UpdateSegment", SegmentId=segment_id, WriteSegmentRequest=request)

    def delete(self, segment: Segment | str) -> Segment:
        """Delete a segment with all its versions; the endpoints stay.

        Args:
            segment: the segment or its id.

        Returns:
            The segment as it was.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such segment or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        return self._segment("DeleteSegment", SegmentId=_id(segment))

    def members(
        self,
        segment: Segment | str,
        *,
        version: int | None = None,
        export_to: str | None = None,
        role_arn: str | None = None,
    ) -> ModelIterator[Endpoint]:
        """Return the endpoints that are in a segment, read page by page as they are asked for.

        The engine and our server answer that directly; the first page is asked for at once. The
        hosted service runs an export job for it when `export_to` and `role_arn` are given: its
        files are read back and deleted.

        Args:
            segment: the segment or its id.
            version: a version of it; the latest unless given.
            export_to: hosted service: `s3://BUCKET/PREFIX`, a place for the files of the job.
            role_arn: hosted service: the role that Pinpoint takes for writing there.

        Returns:
            The endpoints, inactive and opted-out ones too.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such segment, version or application.
            ConfigurationError: this Pinpoint needs `export_to` and `role_arn` for an answer.
            JobFailedError: the export job failed.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        segment_id = _id(segment)
        found = extension_items(
            self._transport,
            self._application_id,
            "ListSegmentMembers",
            ("segments", segment_id, "members"),
            {"version": _version(version)},
        )
        if found is None:
            found = self._exports.members(
                export_to, role_arn, segment_id=segment_id, version=version
            )
        return ModelIterator((wire.from_wire(Endpoint, item) for item in found), of=Endpoint)

    def count(
        self,
        segment: Segment | str,
        *,
        version: int | None = None,
        export_to: str | None = None,
        role_arn: str | None = None,
    ) -> int:
        """How many endpoints are in a segment.

        Args:
            segment: the segment or its id.
            version: a version of it; the latest unless given.
            export_to: as in `members`.
            role_arn: as in `members`.

        Returns:
            The number, of inactive and opted-out ones too.

        Raises:
            PinpointKitError: as in `members`.
        """
        segment_id = _id(segment)
        answer = self._extension(
            "CountSegmentMembers", (segment_id, "count"), {"version": _version(version)}
        )
        if answer is None:
            return self._exports.count(export_to, role_arn, segment_id=segment_id, version=version)
        return int(answer["Count"])

    def explain(
        self, endpoint_id: str, segment: Segment | str, *, version: int | None = None
    ) -> SegmentExplanation:
        """Why an endpoint is in a segment, or is not: each part of the definition by itself.

        Args:
            endpoint_id: case-insensitive.
            segment: the segment or its id.
            version: a version of it; the latest unless given.

        Returns:
            The explanation; `print` it.

        Raises:
            InvalidTypeError: an id is not text.
            ValidationError: an id is empty, or cannot stand in a URL.
            NotFound: there is no such endpoint, segment, version or application.
            ConfigurationError: this Pinpoint cannot explain; the engine and our server can.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import Endpoint, connect, where
            >>> with connect("sqlite://") as pinpoint:
            ...     request_id = pinpoint.endpoints.update(Endpoint(id="device-1"))
            ...     pros = pinpoint.segments.create("pros", where.attribute("plan").is_in("pro"))
            ...     pinpoint.segments.explain("device-1", pros).is_member
            False
        """
        path = (_id(segment), "explanations", require_path_id(endpoint_id, "$.endpoint_id"))
        answer = self._extension("ExplainSegmentMembership", path, {"version": _version(version)})
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint cannot explain a segment: connect to the engine (sqlite:///FILE) or"
                " to its server"
            )
        return wire.from_wire(SegmentExplanation, answer)

    def _definition(self, where: Condition | Definition) -> Definition:
        definition = where.definition() if isinstance(where, Condition) else where
        if not isinstance(definition, _DEFINITIONS):
            raise InvalidTypeError(
                f"expected a condition, got {type(where).__name__}: write one with"
                " pinpoint_kit.where, or pass SegmentDimensions(...) or SegmentGroupList(...)",
                "$.where",
            )
        problem = segment_problem(definition, self._limits)
        if problem is not None:
            raise problem
        return definition

    def _segment(self, operation: str, **params: object) -> Segment:
        answer = self._transport.call(operation, ApplicationId=self._application_id, **params)
        return wire.from_wire(Segment, answer["SegmentResponse"])

    def _all(self, operation: str, **params: object) -> ModelList[Segment]:
        def page(token: str | None) -> dict[str, Any]:
            paging = {"PageSize": PAGE_SIZE, **({"Token": token} if token else {})}
            answer = self._transport.call(
                operation, ApplicationId=self._application_id, **params, **paging
            )
            found: dict[str, Any] = answer["SegmentsResponse"]
            return found

        return ModelList((wire.from_wire(Segment, item) for item in items(page)), of=Segment)

    def _extension(
        self, operation: str, path: tuple[str, ...], query: Mapping[str, str | int | None]
    ) -> dict[str, Any] | None:
        call = ExtensionCall(operation, ("segments", *path), query)
        return self._transport.call_extension(self._application_id, call)


def _id(segment: Segment | str) -> str:
    return require_path_id(segment.id if isinstance(segment, Segment) else segment, "$.segment")


def _version(version: int | None) -> int | None:
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise InvalidTypeError(
            f"expected a whole number, got {type(version).__name__}: pass an int", "$.version"
        )
    return version


def _name(name: str) -> str:
    if not isinstance(name, str):
        raise InvalidTypeError(f"expected text, got {type(name).__name__}: name it", "$.name")
    if not name.strip():
        raise ValidationError("is empty: name the segment", "$.name", "name")
    return name
