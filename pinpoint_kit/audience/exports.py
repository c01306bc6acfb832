"""The way round for a Pinpoint that cannot be asked directly: export, read the files, remove them.

The hosted service has no list of endpoints and none of a segment's members; an export job is the
only way to them. Its files go below a prefix of their own, so that nothing else is read or removed.
"""

from __future__ import annotations

import gzip
import logging
import uuid
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError, PinpointKitError, TransportError
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.audience.jobs import Jobs
    from pinpoint_kit.models.base import JsonValue
    from pinpoint_kit.models.job import Job
    from pinpoint_kit.objects import Objects

__all__ = ["Exports"]

_logger = logging.getLogger(__name__)
_TIMEOUT_S = 3_600.0


class Exports:
    """Answers questions by export jobs. Nothing is started before an answer is asked for."""

    def __init__(self, jobs: Jobs, objects: Objects) -> None:
        self._jobs = jobs
        self._objects = objects

    def members(
        self,
        export_to: str | None,
        role_arn: str | None,
        *,
        segment_id: str | None = None,
        version: int | None = None,
    ) -> Iterator[JsonValue]:
        """Each endpoint as JSON has it.

        Args:
            export_to: `s3://BUCKET/PREFIX`.
            role_arn: the role that the service takes for writing there.
            segment_id: only endpoints of this segment.
            version: a version of it.

        Raises:
            ConfigurationError: one of the first two is missing.
            ValidationError: `export_to` is not of that form.
        """
        location, role = self._location(export_to, role_arn)
        return self._read(location, role, segment_id, version)

    def count(
        self,
        export_to: str | None,
        role_arn: str | None,
        *,
        segment_id: str | None = None,
        version: int | None = None,
    ) -> int:
        """How many endpoints an export job has written; its files are not read.

        Raises:
            ConfigurationError, ValidationError: as in `members`.
            JobFailedError: the job failed.
            JobTimeoutError: the job took more than an hour.
            ServiceError: Pinpoint refused.
            TransportError: no answer came.
        """
        location, role = self._location(export_to, role_arn)
        with self._exported(location, role, segment_id, version) as job:
            return job.total_processed or 0

    def _location(self, export_to: str | None, role_arn: str | None) -> tuple[str, str]:
        if export_to is None or role_arn is None:
            raise ConfigurationError(
                "this Pinpoint cannot be asked directly, only by an export job: give"
                ' export_to="s3://BUCKET/PREFIX", a place for its files, and role_arn, a role that'
                " may write there"
            )
        self._objects.check(export_to)
        return f"{export_to.rstrip('/')}/pinpoint-kit-{uuid.uuid4().hex}/", role_arn

    @contextmanager
    def _exported(
        self, location: str, role_arn: str, segment_id: str | None, version: int | None
    ) -> Iterator[Job]:
        """Yield the job, completed; what it has written is removed at the end."""
        job = self._jobs.export_endpoints(
            location, role_arn=role_arn, segment_id=segment_id, segment_version=version
        )
        try:
            yield self._jobs.wait(job, timeout=_TIMEOUT_S)
        finally:
            try:
                self._objects.remove(location)
            except PinpointKitError as error:
                # The answer is right all the same; but these files hold personal data.
                _logger.warning(
                    "the files of export job %s were not removed (%s): remove them yourself",
                    job.id,
                    type(error).__name__,
                )

    def _read(
        self, location: str, role_arn: str, segment_id: str | None, version: int | None
    ) -> Iterator[JsonValue]:
        with self._exported(location, role_arn, segment_id, version):
            for found in self._objects.find(location):
                if not found.url.endswith(".gz"):
                    continue  # the service writes others beside them
                with self._objects.read(found) as stream, gzip.open(stream) as lines:
                    while line := _next(lines):
                        yield wire.from_json(line)


def _next(lines: gzip.GzipFile) -> bytes:
    try:
        return lines.readline()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TransportError(
            "a file of the export job is damaged: try again", "GetObject"
        ) from None
