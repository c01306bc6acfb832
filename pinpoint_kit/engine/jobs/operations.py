"""Import and export jobs: creating and showing them.

Handlers only: a job is stored and waits. The work itself is done step by step, see jobs/workers.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.files.files import FilesError, ForbiddenLocationError
from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.erasure import JobData, copies
from pinpoint_kit.engine.jobs.workers import workers
from pinpoint_kit.engine.segments import imported, sources
from pinpoint_kit.engine.segments import store as segment_store
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, forbidden, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.jobs.store import Job
    from pinpoint_kit.engine.segments.store import Segment

__all__ = ["FAMILY"]


def create_import_job(context: Context, call: Call) -> object:
    """CreateImportJob. A segment that it is to define is there at once, and still empty."""
    with apps.checked_first(context, call.application_id):
        definition = _import_definition(call.members(), context)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        segment = _segment_to_fill(connection, context, app, definition, call.now)
        makes_segment = segment is not None and "SegmentId" not in definition
        if segment is not None:
            definition["SegmentId"] = segment.id
        job = job_store.add(
            connection,
            app.number,
            context.new_id(),
            job_store.IMPORT,
            definition,
            segment=segment.id if segment else None,
            makes_segment=makes_segment,
            now=call.now,
        )
    context.announce()
    return _created(app, job)


def create_export_job(context: Context, call: Call) -> object:
    """CreateExportJob."""
    with apps.checked_first(context, call.application_id):
        definition = call.members()
        _check_url(context, definition, "S3UrlPrefix")
        if "SegmentVersion" in definition and "SegmentId" not in definition:
            raise bad_request("SegmentVersion is of no use without SegmentId")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        segment_id = cast("str | None", definition.get("SegmentId"))
        version = cast("int | None", definition.get("SegmentVersion"))
        if segment_id is not None:
            sources.require(connection, app, segment_id, version)
        job = job_store.add(
            connection,
            app.number,
            context.new_id(),
            job_store.EXPORT,
            definition,
            segment=segment_id,
            makes_segment=False,
            now=call.now,
        )
    context.announce()
    return _created(app, job)


def get_import_job(context: Context, call: Call) -> object:
    """GetImportJob."""
    return _get(context, call, job_store.IMPORT)


def get_export_job(context: Context, call: Call) -> object:
    """GetExportJob."""
    return _get(context, call, job_store.EXPORT)


def get_import_jobs(context: Context, call: Call) -> object:
    """GetImportJobs and GetSegmentImportJobs, in the order of creation."""
    return _list(context, call, job_store.IMPORT)


def get_export_jobs(context: Context, call: Call) -> object:
    """GetExportJobs and GetSegmentExportJobs, in the order of creation."""
    return _list(context, call, job_store.EXPORT)


def _import_definition(request: Mapping[str, object], context: Context) -> dict[str, object]:
    """Return what the job is to do, with defaults filled in, as it is shown."""
    definition = {
        "DefineSegment": False,
        "ExternalId": tags.ACCOUNT,
        "RegisterEndpoints": False,
        **request,
    }
    _check_url(context, definition, "S3Url")
    return definition


def _check_url(context: Context, definition: Mapping[str, object], name: str) -> None:
    """Check whether this engine may use a location; whether it is there shows when it is used."""
    if not definition["RoleArn"]:
        raise bad_request("Missing RoleArn")
    try:
        context.files.check(cast("str", definition[name]))
    except ForbiddenLocationError as error:
        raise forbidden(str(error), f".{name}") from None
    except FilesError as error:
        raise bad_request(str(error), f".{name}") from None


def _segment_to_fill(
    connection: Connection, context: Context, app: App, definition: Mapping[str, object], now: int
) -> Segment | None:
    """Return the segment that imported endpoints join: the named one, or a new one if wanted."""
    segment_id = definition.get("SegmentId")
    if segment_id is not None:
        segment = segment_store.find(connection, app.number, cast("str", segment_id))
        if not segment.is_imported:
            raise bad_request("Endpoints can be imported into imported segments only", ".SegmentId")
        return segment
    if not definition["DefineSegment"]:
        return None
    described = {name: definition[name] for name in ("ExternalId", "Format", "RoleArn", "S3Url")}
    name = cast("str | None", definition.get("SegmentName"))
    return imported.create_imported(connection, context, app, name, described, now)


def _created(app: App, job: Job) -> object:
    return {
        "ApplicationId": app.id,
        "CreationDate": instants.from_ms(job.created),
        "Definition": job.wanted,
        "Id": job.id,
        "JobStatus": job.status,
        "Type": job.type,
    }


def _get(context: Context, call: Call, job_type: str) -> object:
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        job = job_store.by_id(connection, app.number, job_type, call.labels["job-id"])
    if job is None:
        raise not_found("Job not found")
    if job.open:
        context.announce()  # whoever worked on it may be gone, and somebody waits
    return _rendered(job, app.id)


def _list(context: Context, call: Call, job_type: str) -> object:
    size = paging.size(call.query)
    after = paging.number(call.query)
    segment_id = call.labels.get("segment-id")
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        if segment_id is not None:
            segment_store.find(connection, app.number, segment_id)
        found = job_store.listed(
            connection, app.number, job_type, segment=segment_id, after=after, most=size + 1
        )
    return paging.page(found, size, lambda job: job.number, lambda job: _rendered(job, app.id))


def _rendered(job: Job, application_id: str) -> dict[str, object]:
    answer: dict[str, object] = {
        "ApplicationId": application_id,
        "CompletedPieces": job.completed_pieces,
        "CreationDate": instants.from_ms(job.created),
        "Definition": orjson.Fragment(job.definition),
        "FailedPieces": job.failed_pieces,
        "Id": job.id,
        "JobStatus": job.status,
        "TotalFailures": job.failed,
        "TotalPieces": job.total_pieces,
        "TotalProcessed": job.processed,
        "Type": job.type,
    }
    if job.completed is not None:
        answer["CompletionDate"] = instants.from_ms(job.completed)
    if job.failures is not None:
        answer["Failures"] = orjson.Fragment(job.failures)
    return answer


FAMILY = Family(
    name="jobs",
    operations={
        "CreateExportJob": Operation(create_export_job),
        "CreateImportJob": Operation(create_import_job),
        "GetExportJob": Operation(get_export_job),
        "GetExportJobs": Operation(get_export_jobs),
        "GetImportJob": Operation(get_import_job),
        "GetImportJobs": Operation(get_import_jobs),
        "GetSegmentExportJobs": Operation(get_export_jobs),
        "GetSegmentImportJobs": Operation(get_import_jobs),
    },
    held_of_person=JobData(),  # failures are kept without what the rows held
    copies=copies,
    workers=workers,
)
