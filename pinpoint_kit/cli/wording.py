"""The library's sentences in the words of the command line: options and JSON, not Python.

Every sentence that a command prints of an error goes through here. Only the wording changes;
nothing may depend on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_cli_words"]

_PHRASES = (
    ("connect(url, application=NAME)", "--application NAME"),
    (" application_id=ID", " --application-id ID"),
    (', or connect with invalid="truncate"', ""),
    (
        "give application (a name) or application_id, not both",
        "give --application (a name) or --application-id, not both",
    ),
    ("application must be a name", "--application must be a name"),
    ("is a folder: jobs.import_endpoints takes it", "is a folder: `job import` takes it"),
    ("use jobs.import_endpoints for s3://", "use `job import` for s3://"),
    (
        "is missing, and the name does not end with",
        "the format is not clear: FILE does not end with",
    ),
    ('give format="CSV" or "JSON" @ $.format', "give --format csv or --format json"),
    (
        "write s3://BUCKET/KEY or file:///PATH, or pass a pathlib.Path",
        "write s3://BUCKET/KEY or a path",
    ),
    (": pass a float", ": write a number"),
    (": pass an int", ": write a whole number"),
    (": pass a str", ": write it in quotes"),
    (": convert it with str()", ": write it in quotes"),
    (": pass a bool", ": write true or false"),
    (": pass a dict", ": write {...}"),
    (": pass a list, or [] to clear it", ": write [...], and [] to clear it"),
    (": pass a datetime or ISO 8601 text", ": write ISO 8601 text"),
    ("expected a mapping", "expected an object"),
)
_JSON_NAMES = {
    "NoneType": "null",
    "bool": "true or false",
    "dict": "an object",
    "float": "a number",
    "int": "a number",
    "list": "an array",
    "str": "text",
}
_GOT = re.compile(rf"\bgot ({'|'.join(_JSON_NAMES)})\b")
#: A sentence of a check begins with its verb, and ends with the place that it is about.
_PLACE_LAST = re.compile(r"(is (?:[^@]|@(?! \$))+) @ (\$\S+)", re.DOTALL)
_PLACE = re.compile(r" @ (\$\.\S+)")
_APPLICATION_ID = re.compile(r"^application_id(?= )")


def in_cli_words(sentence: str, typed_name: Callable[[str], str] = str) -> str:
    """Return the sentence of an error as somebody at a command line needs it.

    Args:
        sentence: what the library says.
        typed_name: gives the option or argument for a place that it names, else the place.
    """
    for phrase, own in _PHRASES:
        sentence = sentence.replace(phrase, own)
    about = _PLACE_LAST.fullmatch(sentence)
    if about is not None:
        sentence = f"{typed_name(about[2])} {about[1]}"
    else:
        sentence = _PLACE.sub(lambda found: f" @ {typed_name(found[1])}", sentence)
    sentence = _APPLICATION_ID.sub("--application-id", sentence)
    return _GOT.sub(lambda found: f"got {_JSON_NAMES[found[1]]}", sentence)
