"""The texts of messages: compiled once, rendered for each recipient with the right variables.

What a template may say, and which of two values wins, belongs to the room `templating`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.engine.endpoints.state import decoded
from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating import compile_template, substitutions, variables_of

if TYPE_CHECKING:
    from pinpoint_kit.templating import Template

__all__ = ["Failed", "Text", "Values", "Variables", "defaults_of"]

#: Variables by name; values are texts, numbers, lists, or such maps again.
Values: TypeAlias = Mapping[str, object]

_MARK = "{{"


class Failed(Exception):
    """A text cannot be rendered; the message says where and why, without a value."""


class Text:
    """One text of a message.

    Args:
        text: what was written.
        place: where, for errors.
        is_html: whether values are escaped for HTML.
        is_json: whether it is JSON, which values must leave as it is.

    Attributes:
        place: where it was written.

    Raises:
        Failed: it is no template.
    """

    __slots__ = ("_constant", "_is_html", "_is_json", "_template", "place")

    def __init__(
        self, text: str, place: str, *, is_html: bool = False, is_json: bool = False
    ) -> None:
        self.place = place
        self._is_html = is_html
        self._is_json = is_json
        self._constant = text
        self._template = _compiled(text, place) if _MARK in text else None

    def render(self, variables: Variables) -> str:
        """Return the text as one recipient gets it.

        Raises:
            Failed: a helper refuses a value, or the text becomes too long.
        """
        template = self._template
        if template is None:
            return self._constant
        try:
            return template.render(
                *variables.layers,
                escape=self._is_html,
                is_json=self._is_json,
                now=variables.instant,
            )
        except TemplateError as error:
            raise Failed(f"{self.place}: {error}") from None


def _compiled(text: str, place: str) -> Template:
    try:
        return compile_template(text)
    except TemplateError as error:
        raise Failed(f"{place}: {error}") from None


def defaults_of(given: Sequence[Values]) -> Sequence[Values]:
    """Return default substitutions, whose names may be paths, as layers of variables."""
    if not any(given):
        return ()
    return tuple(substitutions(values) for values in given if values)


@attrs.define
class Variables:
    """What the texts of one message can name; made when the first of them asks.

    Attributes:
        endpoint: the endpoint as GetEndpoint shows it, or address and channel of one without.
        defaults: what stands in for values that the endpoint lacks, the first ones first.
        substitutions: what wins over everything.
        now: milliseconds since 1970.
    """

    endpoint: Values = attrs.field(repr=False)
    defaults: Sequence[Values] = attrs.field(repr=False)
    substitutions: Mapping[str, Sequence[str]] = attrs.field(repr=False)
    now: int
    _layers: tuple[Values, ...] = attrs.field(default=(), repr=False, init=False)

    @property
    def instant(self) -> datetime:
        """The time that a template prints as `now`."""
        return datetime.fromtimestamp(self.now / 1_000, timezone.utc)

    @property
    def layers(self) -> tuple[Values, ...]:
        """The variables: what the first of them does not have, the next may."""
        if not self._layers:
            shown = variables_of(decoded(self.endpoint))
            own = (substitutions(self.substitutions),) if self.substitutions else ()
            self._layers = (*own, shown, *self.defaults)
        return self._layers
