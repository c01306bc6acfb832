"""`ObjectFiles`: objects of S3 as files for jobs, in all buckets or in those that are allowed.

Who speaks to S3, and with which credentials, is handed in; nothing here knows botocore. What is
told of an error is a fixed sentence: S3's own texts repeat names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

import attrs

from pinpoint_kit.engine.files.files import File, FilesError, ForbiddenLocationError
from pinpoint_kit.errors import (
    Forbidden,
    NotFound,
    PinpointKitError,
    ServiceError,
    TransportError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["Found", "ObjectFiles", "Objects", "explained"]

_CHANGED = 412


class Found(Protocol):
    """An object that was found."""

    @property
    def url(self) -> str:
        """`s3://BUCKET/KEY`."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def version(self) -> str:
        """Change when the content does."""


class Objects(Protocol):
    """Who speaks to S3. Raises this package's errors, also while a stream is read."""

    def check(self, url: str) -> None:
        """Raise when the URL cannot name an object or a prefix."""

    def find(self, url: str) -> Iterator[Found]:
        """Return all objects whose URLs begin so, in the order of their keys."""

    def read(self, found: Found, offset: int = 0) -> BinaryIO:
        """Open an object at a byte; one that has changed is a `ServiceError` of status 412."""

    def write(self, url: str, content: BinaryIO) -> None:
        """Write a whole object."""


@attrs.frozen
class _Object:
    url: str
    size: int
    version: str


class ObjectFiles:
    """`s3://BUCKET/KEY`, see `Files`.

    Args:
        objects: who speaks to S3.
        buckets: the buckets to stay in. None allows whatever the credentials allow.
    """

    def __init__(self, objects: Objects, buckets: Collection[str] | None = None) -> None:
        self._objects = objects
        self._buckets = None if buckets is None else frozenset(buckets)

    def check(self, url: str) -> None:
        """As in `Files`."""
        try:
            self._objects.check(url)
        except PinpointKitError as error:
            raise explained(error) from None
        if self._buckets is not None and url.split("/")[2] not in self._buckets:
            raise ForbiddenLocationError(
                "this engine was not given that bucket to use;"
                " `pinpoint-kit serve --bucket NAME` allows one"
            )

    def find(self, url: str) -> Iterator[File]:
        """As in `Files`. Keys that end in a slash, which stand for folders, are left out."""
        self.check(url)
        top = url.rpartition("/")[0] + "/"
        try:
            for found in self._objects.find(url):
                if found.url.endswith("/"):
                    continue
                if found.url == url:
                    yield File(found.url, "", found.size, found.version)
                    return  # its key comes before all that begin with it
                name = found.url[len(top) :]
                yield File(found.url, name, found.size, found.version)
        except PinpointKitError as error:
            raise explained(error) from None

    def read(self, file: File, offset: int) -> BinaryIO:
        """As in `Files`."""
        self.check(file.url)
        try:
            return self._objects.read(_Object(file.url, file.size, file.version), offset)
        except PinpointKitError as error:
            raise explained(error) from None

    def check_unchanged(self, file: File) -> None:
        """As in `Files`. An answer of S3 is of one version, and `read` asks for the right one."""

    def write(self, url: str, content: BinaryIO) -> None:
        """As in `Files`."""
        self.check(url)
        try:
            self._objects.write(url, content)
        except PinpointKitError as error:
            raise explained(error) from None

    def tidy(self, url: str) -> None:
        """As in `Files`. An object is written in one request, which leaves nothing."""

    def join(self, prefix: str, name: str) -> str:
        """As in `Files`."""
        return f"{prefix.rstrip('/')}/{name}"


def explained(error: PinpointKitError) -> FilesError:
    """Return what an error of S3 means for a job."""
    if isinstance(error, ServiceError) and error.status == _CHANGED:
        return FilesError("the file has changed since the job began")
    text = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), _UNKNOWN)
    return FilesError(text, is_passing=error.is_retryable)


_UNKNOWN = "S3 refuses it"
_REASONS: dict[type[PinpointKitError], str] = {
    ValidationError: "must be of the form s3://BUCKET/KEY",
    NotFound: "there is no such bucket or object",
    Forbidden: "the engine's credentials do not allow it",
    TransportError: "S3 did not answer, or there are no credentials",
}
