"""Places of files by URL: what is wrong with one, whether it is here, and which format it names.

Pure, but for a look whether a local file is there. Reading and writing belong elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import enum_member
from pinpoint_kit.models.job import JobFormat

__all__ = ["format_of", "is_there", "local_path", "location_url"]

_FORMS = "write s3://BUCKET/KEY or file:///PATH, or pass a pathlib.Path"
_FORMATS = {
    ".csv": JobFormat.CSV,
    ".json": JobFormat.JSON,
    ".jsonl": JobFormat.JSON,
    ".ndjson": JobFormat.JSON,
}


def location_url(location: str | os.PathLike[str], where: str) -> str:
    """Return the URL of a location.

    Args:
        location: a URL, or a path as `pathlib.Path`; that may be relative to the current folder.
        where: what to name in a problem.

    Raises:
        InvalidTypeError: it is neither.
        ValidationError: it is no URL of a kind that jobs know.
    """
    if isinstance(location, os.PathLike):
        return Path(os.fsdecode(location)).absolute().as_uri()
    if not isinstance(location, str):
        raise InvalidTypeError(f"expected a URL, got {type(location).__name__}: {_FORMS}", where)
    scheme, mark, rest = location.partition("://")
    if not mark:
        raise ValidationError(f"is not a URL: {_FORMS}", where, "url")
    if scheme.lower() == "s3":
        if not rest.partition("/")[0]:
            raise ValidationError(f"names no bucket: {_FORMS}", where, "url")
    elif scheme.lower() != "file":
        raise ValidationError(f"is of no kind that jobs know: {_FORMS}", where, "url")
    elif local_path(location) is None:
        raise ValidationError(
            f"is no absolute path: a file URL has three slashes; {_FORMS}", where, "url"
        )
    return location


def local_path(url: str) -> Path | None:
    """Return the path that a file URL names; None for other URLs, hosts and relative paths."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = unquote(parts.path, errors="surrogateescape")
    is_whole = path.startswith("/") and "\0" not in path and not (parts.query or parts.fragment)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not is_whole:
        return None
    return Path(url2pathname(parts.path) if os.name == "nt" else path)


def is_there(path: Path) -> bool:
    """Whether there is a file or a folder, or something whose name begins with this one."""
    try:
        return path.exists() or any(
            entry.name.startswith(path.name) for entry in path.parent.iterdir()
        )
    except OSError:
        return False


def format_of(location: str, given: JobFormat | str | None, where: str) -> JobFormat:
    """Return the format that was given, or that the ending of a file's name tells.

    Raises:
        InvalidTypeError: it is no text.
        ValidationError: it is not known, or the ending does not tell.
    """
    found = enum_member(JobFormat, given.upper() if isinstance(given, str) else given, "format")
    if found is not None:
        return found
    name = location.lower().removesuffix(".gz")
    for ending, kind in _FORMATS.items():
        if name.endswith(ending):
            return kind
    raise ValidationError(
        'is missing, and the name does not end with .csv or .json: give format="CSV" or "JSON"',
        where,
        "format",
    )
