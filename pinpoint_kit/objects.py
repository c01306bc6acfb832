"""Objects in S3, as far as jobs need them: find, read, write, remove, with our own errors.

The client is handed over by `doors`, which knows sessions; it is made when it is first used. What
stands in an object does not belong here.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import attrs

from pinpoint_kit.errors import ServiceError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Found", "Objects", "StoredObject"]

_SCHEME = "s3://"
#: As many as one request may remove.
_AT_ONCE = 1_000
_NEXT_STEPS = {
    403: "check the credentials, and their `s3:` permissions for this bucket",
    404: "check the bucket and the key in the URL",
}


@attrs.frozen
class StoredObject:
    """One object that was found.

    Attributes:
        url: `s3://BUCKET/KEY`.
        size: in bytes.
        version: changes when the content does.
    """

    url: str = attrs.field(repr=False)
    size: int
    version: str


class Found(Protocol):
    """What `Objects.read` needs to know of an object, for example a `StoredObject`."""

    @property
    def url(self) -> str:
        """`s3://BUCKET/KEY`."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def version(self) -> str:
        """Changes when the content does."""


class Objects:
    """S3, by URLs. Safe to use from several threads; every call blocks.

    Args:
        make_client: makes a botocore client for S3, on first use.
    """

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client = make_client
        self._made: Any = None
        self._pid = os.getpid()

    @property
    def _client(self) -> Any:  # noqa: ANN401 -- botocore makes its methods at run time
        if self._pid != os.getpid():  # a fork shares the parent's connections, and must not
            self._made, self._pid = None, os.getpid()
        if self._made is None:
            with _translating("S3"):
                self._made = self._make_client()
        return self._made

    def check(self, url: str) -> None:
        """Raise when a URL cannot name an object or a prefix; nothing is sent.

        Raises:
            ValidationError: it is not of the form `s3://BUCKET/KEY`.
        """
        _split(url)

    def find(self, url: str) -> Iterator[StoredObject]:
        """Yield the object with this URL, or all whose URLs begin with it, ordered by key.

        Raises:
            ValidationError: the URL is not of the form `s3://BUCKET/KEY`.
            NotFound: there is no such bucket.
            Forbidden: the credentials do not allow it.
            ServiceError: S3 refuses for another reason.
            TransportError: no answer came, or there are no credentials.
        """
        bucket, prefix = _split(url)
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        while True:
            with _translating("ListObjectsV2"):
                page = self._client.list_objects_v2(**params)
            for item in page.get("Contents") or ():
                yield StoredObject(f"{_SCHEME}{bucket}/{item['Key']}", item["Size"], item["ETag"])
            if not page.get("IsTruncated"):
                return
            params["ContinuationToken"] = page["NextContinuationToken"]

    def read(self, found: Found, offset: int = 0) -> BinaryIO:
        """Open an object that was found, at a byte; one that has changed since is refused.

        Reading from it raises the same errors.

        Raises:
            NotFound: it is gone.
            Forbidden: the credentials do not allow it.
            ServiceError: S3 refuses for another reason, or it has changed (status 412).
            TransportError: no answer came.
        """
        bucket, key = _split(found.url)
        params: dict[str, Any] = {"Bucket": bucket, "Key": key, "IfMatch": found.version}
        if offset >= found.size:
            return io.BytesIO()
        if offset:
            params["Range"] = f"bytes={offset}-"
        with _translating("GetObject"):
            body = self._client.get_object(**params)["Body"]
        return cast("BinaryIO", io.BufferedReader(_Body(body), buffer_size=1 << 20))

    def write(self, url: str, content: BinaryIO) -> None:
        """Write a whole object, from a file that can be read twice.

        Raises:
            ValidationError: the URL is not of the form `s3://BUCKET/KEY`.
            NotFound: there is no such bucket.
            Forbidden: the credentials do not allow it.
            ServiceError: S3 refuses for another reason.
            TransportError: no answer came.
        """
        bucket, key = _split(url)
        with _translating("PutObject"):
            self._client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, url: str) -> None:
        """Remove all objects whose URLs begin with this one.

        Raises:
            ValidationError: the URL has no key, and would mean the whole bucket.
            ServiceError: S3 refuses, for all or for some of them.
            TransportError: no answer came.
        """
        bucket, prefix = _split(url)
        if not prefix:
            raise ValidationError("names a whole bucket: give a key or a prefix", "$.url", "url")
        keys = [_split(found.url)[1] for found in self.find(url)]
        for start in range(0, len(keys), _AT_ONCE):
            wanted = {"Objects": [{"Key": key} for key in keys[start : start + _AT_ONCE]]}
            with _translating("DeleteObjects"):
                answer = self._client.delete_objects(
                    Bucket=bucket, Delete={**wanted, "Quiet": True}
                )
            if answer.get("Errors"):
                raise ServiceError(
                    f"{len(answer['Errors'])} objects were not removed", operation="DeleteObjects"
                )

    def close(self) -> None:
        """Release the connections; idempotent."""
        if self._made is not None:
            self._made.close()


@contextmanager
def _translating(operation: str) -> Iterator[None]:
    """Errors of botocore as ours, with advice that fits S3."""
    try:
        from pinpoint_kit.transport.translation import translating  # noqa: PLC0415 -- loads botocore

        with translating(operation):
            yield
    except ServiceError as error:
        error.next_step = _NEXT_STEPS.get(error.status, error.next_step)
        raise


def _split(url: str) -> tuple[str, str]:
    """Return the bucket and the key; a key may hold any characters."""
    bucket, _, key = url[len(_SCHEME) :].partition("/")
    if url[: len(_SCHEME)].lower() != _SCHEME or not bucket:
        raise ValidationError("must be of the form s3://BUCKET/KEY", "$.url", "url")
    return bucket, key


class _Body(io.RawIOBase):
    """A streamed answer as a file, whose errors are ours."""

    def __init__(self, body: Any) -> None:  # noqa: ANN401 -- botocore's StreamingBody
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any buffer that can be written
        with _translating("GetObject"):
            content = self._body.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._body.close()
        super().close()
