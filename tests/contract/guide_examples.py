"""The examples of the Developer Guide: what a reader types, and what the guide prints.

Only reading the files of `guide/` belongs here, and telling what the guide means by its
placeholders.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import attrs

__all__ = ["GUIDE", "HttpExample", "answer_of", "command_of", "http_of", "same_but_for"]

GUIDE = Path(__file__).parent / "guide"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
#: What differs from call to call, and the form that it always has.
_FORMS = {
    "CohortId": r"\d{1,2}",
    "CompletionDate": _DATE,
    "CreationDate": _DATE,
    "EffectiveDate": _DATE,
    "ExternalId": r"\d{12}",
    "Id": r"[0-9a-f]{32}",
    "LastModifiedDate": _DATE,
    "RequestID": _UUID,
    "RequestId": _UUID,
}


@attrs.frozen
class HttpExample:
    """A request as the guide prints it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def command_of(example: str, **placeholders: str) -> list[str]:
    """Return the words of a command after `aws`.

    Args:
        example: the folder.
        placeholders: what stands for the guide's words; an underscore is a hyphen there too.
    """
    text = (GUIDE / example / "command.txt").read_text("utf-8")
    program, *words = shlex.split(text.replace("\\\n", ""))
    assert program == "aws"
    return [_filled(word, placeholders) for word in words]


def http_of(example: str, **placeholders: str) -> HttpExample:
    """Return a request; arguments as of `command_of`."""
    head, _, body = (GUIDE / example / "request.txt").read_text("utf-8").partition("\n\n")
    first, *lines = head.splitlines()
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    del headers["Host"]  # it is ours now
    return HttpExample(method, _filled(path, placeholders), headers, body.encode())


def answer_of(example: str) -> Any:
    """Return the answer that the guide prints."""
    return json.loads((GUIDE / example / "answer.json").read_text("utf-8"))


def same_but_for(printed: Any, answer: Any, **placeholders: str) -> Any:
    """Return the printed answer with the values of ours where both have the form of such a value.

    What is left to differ is a difference. Arguments as of `command_of`.
    """
    if isinstance(printed, dict) and isinstance(answer, dict):
        return {
            name: answer[name]
            if _have_one_form(name, value, answer.get(name))
            else same_but_for(value, answer.get(name), **placeholders)
            for name, value in printed.items()
        }
    return _filled(printed, placeholders) if isinstance(printed, str) else printed


def _have_one_form(name: str, *values: object) -> bool:
    form = _FORMS.get(name)
    return form is not None and all(re.fullmatch(form, str(value)) for value in values)


def _filled(text: str, placeholders: dict[str, str]) -> str:
    for name, value in placeholders.items():
        for spelling in (name, name.replace("_", "-")):
            pattern = rf"(?<![\w-])\[?{re.escape(spelling)}\]?(?![\w-])"
            text = re.sub(pattern, value.replace("\\", r"\\"), text)
    return text
