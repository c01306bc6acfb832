"""Values in a template whose text is JSON: none of them gets out of the place that it is put in.

Within the quotes of a string a value is escaped. Elsewhere it must be JSON by itself, such as a
number, so that it cannot add keys beside it. `{{{x}}}` puts a value in as it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.templating.rendering import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.errors import TemplateError

__all__ = ["Inserted", "joined"]


class Inserted(str):
    """The text of a value, as it stands among the parts of a rendered text.

    Attributes:
        failing: makes the error for the place of its variable.
    """

    __slots__ = ("failing",)

    failing: Callable[[Refusal], TemplateError]

    def refused(self, reason: str) -> TemplateError:
        """Return why it cannot be put in; without the value."""
        return self.failing(Refusal(reason))


def joined(parts: Iterable[str]) -> str:
    """Return the JSON text of what was rendered.

    Raises:
        TemplateError: a value cannot stand where its variable does.
    """
    is_quoted = is_escaping = False
    found: list[str] = []
    for part in parts:
        if isinstance(part, Inserted):
            found.append(_inserted(part, is_quoted=is_quoted, is_escaping=is_escaping))
            continue
        for character in part:
            if is_escaping:
                is_escaping = False
            elif character == '"':
                is_quoted = not is_quoted
            elif character == "\\":
                is_escaping = is_quoted
        found.append(part)
    return "".join(found)


def _inserted(value: Inserted, *, is_quoted: bool, is_escaping: bool) -> str:
    if is_escaping:
        raise value.refused("a backslash before a variable would escape its value: leave it out")
    if is_quoted:
        return json.dumps(value, ensure_ascii=False)[1:-1]
    if value.strip():
        try:
            orjson.loads(value.encode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise value.refused(
                "a value is no JSON by itself: put quotes around the variable, or write {{{...}}}"
                " to have it as it is"
            ) from None
    return value
