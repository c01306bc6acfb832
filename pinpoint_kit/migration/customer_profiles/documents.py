"""Segments and templates as JSON: answers of Pinpoint in files, or of a client.

Whatever wraps them (`SegmentResponse`, `SegmentsResponse` with pages, an array, a line each) is
taken off. What cannot be read is noted and stops nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.errors import BadRequest, ConfigurationError, NotFound, OperationNotImplemented
from pinpoint_kit.records.json_objects import JsonObjects

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pinpoint_kit.client import Pinpoint

__all__ = ["Documents", "client_segments", "client_templates", "read_segments", "read_templates"]

_MAX_BYTES = 8_000_000
#: Wrapper of an answer -> the type of the template in it.
_TEMPLATES = {
    "EmailTemplateResponse": "EMAIL",
    "SMSTemplateResponse": "SMS",
    "PushNotificationTemplateResponse": "PUSH",
    "VoiceTemplateResponse": "VOICE",
    "InAppTemplateResponse": "INAPP",
}
_OPERATIONS = {
    "EMAIL": "GetEmailTemplate",
    "SMS": "GetSmsTemplate",
    "PUSH": "GetPushTemplate",
    "VOICE": "GetVoiceTemplate",
    "INAPP": "GetInAppTemplate",
}


class Documents:
    """What was found.

    Attributes:
        found: the segments or templates.
        notes: what could not be read, and where.
    """

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.notes: list[str] = []


def read_segments(path: str | os.PathLike[str]) -> Documents:
    """Return the segments in a file or a folder.

    Raises:
        ConfigurationError: there is no such file.
    """
    documents = Documents()
    for place, value in _objects(Path(path), documents):
        for item in _unwrapped(value, ("SegmentsResponse", "SegmentResponse")):
            if "Name" in item or "Dimensions" in item or "SegmentGroups" in item:
                documents.found.append(item)
            else:
                documents.notes.append(f"{place}: is no segment")
    return documents


def read_templates(path: str | os.PathLike[str]) -> Documents:
    """Return the templates in a file or a folder, each with its `TemplateType`.

    Raises:
        ConfigurationError: there is no such file.
    """
    documents = Documents()
    for place, value in _objects(Path(path), documents):
        item, kind = value, value.get("TemplateType")
        for wrapper, wrapped in _TEMPLATES.items():
            if isinstance(value.get(wrapper), dict):
                item, kind = value[wrapper], wrapped
        if kind in _OPERATIONS:
            documents.found.append({**item, "TemplateType": kind})
        else:
            documents.notes.append(f"{place}: is no template")
    return documents


def client_segments(pinpoint: Pinpoint) -> Documents:
    """Return all segments of a client's application."""
    documents = Documents()
    documents.found = list(_pages(pinpoint, "GetSegments", "SegmentsResponse"))
    return documents


def client_templates(pinpoint: Pinpoint) -> Documents:
    """Return all templates that a client's server has."""
    documents = Documents()
    try:
        listed = list(_pages(pinpoint, "ListTemplates", "TemplatesResponse", next_page="NextToken"))
    except (BadRequest, NotFound, OperationNotImplemented):
        return documents  # a server that has no templates
    for each in listed:
        kind, name = each.get("TemplateType"), each.get("TemplateName")
        if kind in _OPERATIONS:
            answer = pinpoint.call(_OPERATIONS[kind], TemplateName=name)
            (value,) = [value for key, value in answer.items() if key in _TEMPLATES]
            documents.found.append({**value, "TemplateType": kind})
    return documents


def _pages(
    pinpoint: Pinpoint, operation: str, wrapper: str, *, next_page: str = "Token"
) -> Iterator[dict[str, Any]]:
    params: dict[str, object] = {"PageSize": "100"}
    while True:
        page = pinpoint.call(operation, **params)[wrapper]
        yield from page.get("Item") or ()
        if not page.get("NextToken") or page["NextToken"] == params.get(next_page):
            return
        params[next_page] = page["NextToken"]


def _objects(path: Path, documents: Documents) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each JSON object of a file, or of all files in a folder, with its place."""
    if path.is_dir():
        files = sorted(entry for entry in path.rglob("*") if entry.is_file())
    elif path.is_file():
        files = [path]
    else:
        raise ConfigurationError(f"there is no file or folder {path}: check the path")
    for file in files:
        name = file.name if file == path else file.relative_to(path).as_posix()
        if name.startswith("."):
            continue
        try:
            with file.open("rb") as stream:
                for piece in JsonObjects(stream, max_bytes=_MAX_BYTES):
                    if piece.content == b"":
                        continue
                    place = f"{name}: line {piece.line}"
                    try:
                        value = orjson.loads(piece.content or b"")
                    except orjson.JSONDecodeError:
                        documents.notes.append(f"{place}: is not valid JSON")
                        continue
                    if isinstance(value, dict):
                        yield place, value
                    else:
                        documents.notes.append(f"{place}: is no JSON object")
        except OSError:
            documents.notes.append(f"{name}: cannot be read to its end")


def _unwrapped(value: dict[str, Any], wrappers: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for wrapper in wrappers:
        if isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    items = value.get("Item")
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))
    else:
        yield value
