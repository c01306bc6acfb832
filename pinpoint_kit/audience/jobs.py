"""Import and export jobs: start them, wait for them, list them. Every call blocks.

What is wrong on this side (a path that is no URL, a file that is not there) is said before anything
is sent. What a job does with the files is the service's, or the engine's.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

from pinpoint_kit.audience import locations
from pinpoint_kit.audience.pages import PAGE_SIZE, items
from pinpoint_kit.errors import JobFailedError, JobTimeoutError, NotFound, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import enum_member
from pinpoint_kit.models.checks import require_path_id, seconds
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.job import Job, JobDefinition, JobFormat, JobStatus, JobType
from pinpoint_kit.models.segments.segment import Segment
from pinpoint_kit.transport.polling import looks

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["DEFAULT_TIMEOUT", "Jobs"]

DEFAULT_TIMEOUT = 600.0
_FIRST_WAIT_S = 0.05
#: The longest wait between two looks: at an engine in this process, and elsewhere.
_LONGEST_WAIT_S = {True: 1.0, False: 5.0}
#: The engine and our server take no role, but the API wants one.
_NO_ROLE = "arn:aws:iam::000000000000:role/none"


class Jobs:
    """The import and export jobs of one application. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
        door: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._is_hosted = door == "aws"
        self._is_here = door == "engine"
        self._sleep = sleep
        self._clock = clock

    def import_endpoints(  # noqa: PLR0913 -- what Pinpoint's own request has
        self,
        url: str | os.PathLike[str],
        *,
        format: JobFormat | str | None = None,  # noqa: A002 -- Pinpoint's own word
        role_arn: str | None = None,
        register_endpoints: bool = True,
        define_segment: bool | None = None,
        segment_name: str | None = None,
        segment_id: Segment | str | None = None,
    ) -> Job:
        r"""Start a job that creates or updates endpoints from files.

        The job runs by itself: `wait` for it. Rows that cannot be used fail alone, see
        `Job.failures`. Starting it again is harmless: the same rows update the same endpoints.
        Endpoint data that rides on events goes out again after this call, and again after `wait`,
        because the job may have overwritten it.

        Args:
            url: `s3://BUCKET/KEY` or `file:///PATH`: a file, a folder, or what file names begin
                with; or a `pathlib.Path`. Files are read where the Pinpoint runs: the hosted
                service reads `s3://` only, and a server its own disk.
            format: CSV, with a header such as `ChannelType,Address,Attributes.plan`, or JSON, an
                object a line. Known by the file name's ending unless given.
            role_arn: hosted service: the role that Pinpoint takes for reading.
            register_endpoints: whether to store the endpoints.
            define_segment: whether to make a segment of them; a name implies it.
            segment_name: the name of that segment.
            segment_id: an imported segment, or its id, to add them to instead.

        Returns:
            The job as it was created; its definition has the id of a new segment.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: the URL is none, or cannot be read from there; there is no such local
                file; the format is not clear; a role is missing; or nothing would be done.
            Forbidden: the server may not read from there.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pathlib import Path
            >>> from pinpoint_kit import connect
            >>> size = Path("people.csv").write_text("ChannelType,Address\nSMS,+351210000000")
            >>> with connect("sqlite://") as pinpoint:
            ...     job = pinpoint.jobs.import_endpoints(Path("people.csv"))
            ...     pinpoint.jobs.wait(job, timeout=60).total_processed
            1
        """
        location = self._location(url, "url", must_exist=True)
        if define_segment is None:
            define_segment = segment_name is not None
        elif segment_name is not None and not define_segment:
            raise ValidationError("names no segment that is made: leave it out", "$.segment_name")
        if not (register_endpoints or define_segment or segment_id):
            raise ValidationError(
                "nothing would be done: store the endpoints, define a segment, or both",
                "$.register_endpoints",
            )
        definition = JobDefinition(
            format=locations.format_of(location, format, "$.format"),
            s3_url=location,
            role_arn=self._role(role_arn),
            register_endpoints=register_endpoints,
            define_segment=define_segment,
            segment_name=segment_name,
            segment_id=_id_of(segment_id),
        )
        return self._one("CreateImportJob", ImportJobRequest=wire.to_wire(definition))

    def export_endpoints(
        self,
        url_prefix: str | os.PathLike[str],
        *,
        role_arn: str | None = None,
        segment_id: Segment | str | None = None,
        segment_version: int | None = None,
    ) -> Job:
        """Start a job that writes endpoints to files: gzip, an object a line as `get` shows it.

        The job runs by itself: `wait` for it. The files' names end with `.gz`; other files may
        stand beside them.

        Args:
            url_prefix: `s3://BUCKET/FOLDER/` or `file:///FOLDER/`, or a `pathlib.Path`.
            role_arn: hosted service: the role that Pinpoint takes for writing.
            segment_id: the segment or its id; all endpoints unless given.
            segment_version: a version of it; the latest unless given.

        Returns:
            The job as it was created.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: the URL is none, or cannot be written to from there; a role is
                missing; or a version is given without its segment.
            NotFound: there is no such segment or version.
            Forbidden: the server may not write there.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        location = self._location(url_prefix, "url_prefix", must_exist=False)
        if segment_id is None and segment_version is not None:
            raise ValidationError("is of no segment: give segment_id, too", "$.segment_version")
        definition = JobDefinition(
            s3_url_prefix=location,
            role_arn=self._role(role_arn),
            segment_id=_id_of(segment_id),
            segment_version=segment_version,
        )
        return self._one("CreateExportJob", ExportJobRequest=wire.to_wire(definition))

    def get(self, job: Job | str) -> Job:
        """Read a job: how far it is.

        Args:
            job: the job or its id.

        Returns:
            The job as it is now.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such job or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        job_id = require_path_id(job.id if isinstance(job, Job) else job, "$.job")
        if isinstance(job, Job) and job.type is not None:
            return self._one(_GET[job.type], JobId=job_id)
        try:
            return self._one(_GET[JobType.IMPORT], JobId=job_id)
        except NotFound:
            return self._one(_GET[JobType.EXPORT], JobId=job_id)

    def list(
        self,
        *,
        type: JobType | str | None = None,  # noqa: A002 -- Pinpoint's own word
        segment_id: Segment | str | None = None,
    ) -> ModelList[Job]:
        """All jobs, import and export, in the order in which they were created.

        Args:
            type: only jobs of this type, import or export.
            segment_id: only jobs of this segment, given itself or by its id.

        Returns:
            The jobs.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: the type is not known, or the id of the segment is empty.
            NotFound: there is no such segment or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        only = enum_member(JobType, type.upper() if isinstance(type, str) else type, "type")
        of = {}
        if (wanted := _id_of(segment_id)) is not None:
            of["SegmentId"] = require_path_id(wanted, "$.segment_id")
        found = [job for kind in JobType if only in {None, kind} for job in self._all(kind, of)]
        return ModelList(sorted(found, key=_created), of=Job)

    def wait(
        self,
        job: Job | str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        on_progress: Callable[[Job], object] | None = None,
    ) -> Job:
        """Wait until a job has ended, looking less often the longer it takes.

        Args:
            job: the job or its id.
            timeout: seconds to wait at most, 0 for a single look, `math.inf` for as long as it
                takes; the job itself goes on.
            on_progress: called with the job after every look, in the calling thread.

        Returns:
            The completed job. Single rows may have failed: see its `total_failures` and `failures`.

        Raises:
            InvalidTypeError: the timeout is no number, or the id no text.
            JobFailedError: the job failed as a whole, or a piece of it did.
            JobTimeoutError: it has not ended in time.
            NotFound: there is no such job or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        for _ in looks(
            seconds(timeout),
            first=_FIRST_WAIT_S,
            longest=_LONGEST_WAIT_S[self._is_here],
            clock=self._clock,
            sleep=self._sleep,
        ):
            found = self.get(job)
            if on_progress is not None:
                on_progress(found)
            if found.job_status is JobStatus.FAILED:
                raise JobFailedError(self._failure(found), found.id, found.failures)
            if found.is_finished:
                return found
        raise JobTimeoutError(
            f"job {found.id} is not over after {timeout:g} seconds: wait for it again", found.id
        )

    def _failure(self, job: Job) -> str:
        pieces = why = ""
        if job.total_pieces:
            pieces = f" with {job.failed_pieces or 0} of {job.total_pieces} pieces"
        # Those of our engine say nothing of what is in the rows.
        if job.failures and self._transport.is_pinpoint_kit:
            why = f"; the first failure: {job.failures[0]}"
        handled = counted(job.total_processed or 0, "endpoint")
        return (
            f"job {job.id} failed{pieces}; {handled} handled: see"
            f" failures, mend the cause and start it again{why}"
        )

    def _role(self, role_arn: str | None) -> str:
        if role_arn is None and self._is_hosted:
            raise ValidationError(
                "is missing: name the role that Pinpoint takes to use the bucket", "$.role_arn"
            )
        return _NO_ROLE if role_arn is None else role_arn

    def _location(self, url: str | os.PathLike[str], field: str, *, must_exist: bool) -> str:
        location = locations.location_url(url, f"$.{field}")
        local = locations.local_path(location)
        if local is None:
            return location
        if self._is_hosted:
            raise ValidationError(
                "is on this machine, and the hosted service uses s3:// only: put it into a bucket",
                f"$.{field}",
            )
        if self._is_here and must_exist and not locations.is_there(local):
            raise ValidationError(
                "there is no such file or folder: check the path", f"$.{field}", "no_file"
            )
        return location

    def _one(self, operation: str, **params: object) -> Job:
        answer = self._transport.call(operation, ApplicationId=self._application_id, **params)
        name = "ImportJobResponse" if "Import" in operation else "ExportJobResponse"
        return wire.from_wire(Job, answer[name])

    def _all(self, kind: JobType, of: dict[str, str]) -> ModelList[Job]:
        name = "Import" if kind is JobType.IMPORT else "Export"
        operation = f"GetSegment{name}Jobs" if of else f"Get{name}Jobs"

        def page(token: str | None) -> dict[str, Any]:
            params = {**of, "PageSize": PAGE_SIZE, **({"Token": token} if token else {})}
            answer = self._transport.call(operation, ApplicationId=self._application_id, **params)
            found: dict[str, Any] = answer[f"{name}JobsResponse"]
            return found

        return ModelList((wire.from_wire(Job, item) for item in items(page)), of=Job)


_GET = {JobType.IMPORT: "GetImportJob", JobType.EXPORT: "GetExportJob"}
_NEVER = dt.datetime.min.replace(tzinfo=dt.timezone.utc)


def _id_of(segment: Segment | str | None) -> str | None:
    return segment.id if isinstance(segment, Segment) else segment


def _created(job: Job) -> dt.datetime:
    return job.creation_date or _NEVER
