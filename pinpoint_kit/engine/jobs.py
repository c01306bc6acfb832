"""Import and export jobs: creating and showing them.

Handlers only: a job is stored and waits. The work itself is done step by step, see job_steps.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.engine import apps, body, instants, job_store, paging
from pinpoint_kit.engine.files import FilesError, ForbiddenPlaceError
from pinpoint_kit.engine.refusals import bad_request, forbidden, not_found, not_implemented
from pinpoint_kit.engine.tags import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.job_store import Job

__all__ = [
    "create_export_job",
    "create_import_job",
    "get_export_job",
    "get_export_jobs",
    "get_import_job",
    "get_import_jobs",
]

_FORMATS = ("CSV", "JSON")


def create_import_job(context: Context, call: Call) -> object:
    """CreateImportJob."""
    with apps.checked_first(context, call.application_id):
        definition = _import_definition(body.parse_object(call.body), context)
    return _create(context, call, job_store.IMPORT, definition)


def create_export_job(context: Context, call: Call) -> object:
    """CreateExportJob."""
    with apps.checked_first(context, call.application_id):
        definition = _export_definition(body.parse_object(call.body), context)
    return _create(context, call, job_store.EXPORT, definition)


def get_import_job(context: Context, call: Call) -> object:
    """GetImportJob."""
    return _get(context, call, job_store.IMPORT)


def get_export_job(context: Context, call: Call) -> object:
    """GetExportJob."""
    return _get(context, call, job_store.EXPORT)


def get_import_jobs(context: Context, call: Call) -> object:
    """GetImportJobs, in the order of creation."""
    return _list(context, call, job_store.IMPORT)


def get_export_jobs(context: Context, call: Call) -> object:
    """GetExportJobs, in the order of creation."""
    return _list(context, call, job_store.EXPORT)


def _import_definition(request: Mapping[str, object], context: Context) -> dict[str, object]:
    """What the job is to do, with defaults filled in, as it is shown."""
    definition = {
        "DefineSegment": _flag(request, "DefineSegment"),
        "ExternalId": body.optional_text(request, "ExternalId") or ACCOUNT,
        "Format": _needed(request, "Format"),
        "RegisterEndpoints": _flag(request, "RegisterEndpoints"),
        "RoleArn": _needed(request, "RoleArn"),
        "S3Url": _needed(request, "S3Url"),
        **_given(request, "SegmentId", "SegmentName"),
    }
    if definition["Format"] not in _FORMATS:
        raise bad_request(f"must be one of {', '.join(_FORMATS)}", ".Format")
    if not (definition["DefineSegment"] or definition["RegisterEndpoints"]):
        raise bad_request("RegisterEndpoints or DefineSegment must be true; else nothing is done")
    if definition["DefineSegment"] or "SegmentId" in definition:
        raise not_implemented("This release cannot import into segments; upgrade it")
    with _placed(".S3Url"):
        context.files.check(str(definition["S3Url"]))
    return definition


def _export_definition(request: Mapping[str, object], context: Context) -> dict[str, object]:
    definition: dict[str, object] = {
        "RoleArn": _needed(request, "RoleArn"),
        "S3UrlPrefix": _needed(request, "S3UrlPrefix"),
    }
    if request.get("SegmentId") is not None:
        raise not_implemented("This release cannot export segments; upgrade it")
    with _placed(".S3UrlPrefix"):
        context.files.check(str(definition["S3UrlPrefix"]))
    return definition


def _create(
    context: Context, call: Call, job_type: str, definition: Mapping[str, object]
) -> object:
    job_id = context.new_id()
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        job = job_store.add(
            connection, app.number, job_id, job_type, definition, segment=None, now=call.now
        )
    context.announce()
    return {
        "ApplicationId": app.id,
        "CreationDate": instants.from_ms(job.created),
        "Definition": definition,
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
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = job_store.listed(
            connection, app.number, job_type, segment=None, after=after, most=size + 1
        )
    page: dict[str, object] = {"Item": [_rendered(job, app.id) for job in found[:size]]}
    if len(found) > size:
        page["NextToken"] = str(found[size - 1].number)
    return page


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


def _needed(request: Mapping[str, object], name: str) -> str:
    value = body.optional_text(request, name)
    if not value:
        raise bad_request(f"Missing {name}")
    return value


def _given(request: Mapping[str, object], *names: str) -> dict[str, object]:
    values = {name: body.optional_text(request, name) for name in names}
    return {name: value for name, value in values.items() if value}


def _flag(request: Mapping[str, object], name: str) -> bool:
    value = request.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad_request("must be true or false", f".{name}")
    return bool(value)


@contextmanager
def _placed(path: str) -> Iterator[None]:
    """Turns what the files say of a URL into the answer to its request."""
    try:
        yield
    except ForbiddenPlaceError as error:
        raise forbidden(str(error), path) from None
    except FilesError as error:
        raise bad_request(str(error), path) from None
