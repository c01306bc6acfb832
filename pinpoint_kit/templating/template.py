"""A template that is ready to render, and the cache of those."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating.compiling import Compiler
from pinpoint_kit.templating.json_values import joined
from pinpoint_kit.templating.parsing import parse
from pinpoint_kit.templating.rendering import Frame, Refusal, State
from pinpoint_kit.templating.tokens import error_at
from pinpoint_kit.templating.values import Layers

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from pinpoint_kit.templating.values import Value

__all__ = ["Template", "compile_template"]

#: Templates that are kept ready, and the characters up to which one counts as small.
_MANY, _FEW = 256, 8
_SMALL_CHARS = 16_000


class Template:
    """A template that was read once and renders any number of messages. It can be shared.

    Examples:
        >>> template = Template("Hello {{User.UserAttributes.Name}}!")
        >>> template.render({"User": {"UserAttributes": {"Name": ["Ada"]}}}, escape=False)
        'Hello Ada!'
    """

    __slots__ = ("_write", "text")

    def __init__(self, text: str) -> None:
        #: As it was written.
        self.text = text
        self._write = Compiler(text).program(parse(text))

    def __repr__(self) -> str:
        return f"<Template of {len(self.text)} characters>"

    def render(
        self,
        variables: Mapping[str, Value],
        *defaults: Mapping[str, Value],
        escape: bool,
        now: dt.datetime | None = None,
        is_json: bool = False,
    ) -> str:
        """Return the message's text.

        Args:
            variables: nested maps by name; `variables_of` makes them of an endpoint.
            defaults: what stands in for values that are missing, the first ones first;
                `substitutions` and `parse_defaults` make them.
            escape: write values for HTML, but for `{{{x}}}`.
            now: the time that `now` prints, aware; the clock's when left out.
            is_json: the text is JSON, in which values, but for `{{{x}}}`, are escaped between
                quotes, and must be JSON by themselves elsewhere.

        Raises:
            TemplateError: a helper cannot work with the values, or the text would be too long;
                with the line and the column.
        """
        layers = [layer for layer in defaults if layer]
        root = Layers((variables, *layers)) if layers else variables
        state = State(root, now, escape=escape, is_json=is_json)
        out: list[str] = []
        try:
            self._write(Frame(root, None, {}, {}, {}, state), out)
        except Refusal as refusal:
            raise error_at(self.text, 0, refusal.message) from None
        except RecursionError:
            raise TemplateError("the template nests too deeply: use fewer levels") from None
        return joined(out) if is_json else "".join(out)


def compile_template(text: str) -> Template:
    """Return a template that is ready to render; the latest ones are kept.

    Raises:
        TemplateError: it is no template; with the line and the column.
    """
    return _small(text) if len(text) <= _SMALL_CHARS else _large(text)


_small = functools.lru_cache(_MANY)(Template)
_large = functools.lru_cache(_FEW)(Template)
