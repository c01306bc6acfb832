"""What one rendering carries along: the contexts, what it may still cost, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pinpoint_kit.templating.bounds import (
    MAX_DEPTH,
    MAX_OUTPUT_CHARS,
    MAX_STEPS,
    MAX_WORK_CHARS,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from pinpoint_kit.templating.values import Value

    #: Writes a part of a template.
    Writer: TypeAlias = Callable[["Frame", list[str]], None]
    #: Gives the value of an expression.
    Reader: TypeAlias = Callable[["Frame"], Value]

__all__ = ["Frame", "Refusal", "State"]


class Refusal(Exception):
    """Why a value cannot be used. Whoever knows the place makes a TemplateError of it.

    Attributes:
        message: what is wrong, and what to do; it holds no value.
        argument: which of a helper's arguments it is about, -1 when it is none of them.
    """

    def __init__(self, message: str, argument: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class State:
    """One rendering.

    Attributes:
        escape: whether values are written for HTML.
        is_json: whether the text is JSON; values are told apart from the rest of it then.
        now: the time of this rendering, aware; it is made when it is first asked for.
        root: the outermost context.
        steps: parts that may still be carried out.
        room: characters that may still be written.
        work: characters that helpers may still read.
        depth: levels that may still be entered.
    """

    __slots__ = ("depth", "escape", "is_json", "now", "room", "root", "steps", "work")

    def __init__(
        self, root: Value, now: dt.datetime | None, *, escape: bool, is_json: bool = False
    ) -> None:
        self.root = root
        self.now = now
        self.escape = escape
        self.is_json = is_json
        self.steps = MAX_STEPS
        self.room = MAX_OUTPUT_CHARS
        self.work = MAX_WORK_CHARS
        self.depth = MAX_DEPTH

    def exhausted(self) -> Refusal:
        """Return why this rendering must end."""
        if self.room < 0:
            return Refusal(f"the text has more than {MAX_OUTPUT_CHARS} characters: repeat less")
        if self.steps < 0:
            return Refusal(f"rendering takes more than {MAX_STEPS} steps: repeat less")
        if self.work < 0:
            return Refusal(f"helpers read more than {MAX_WORK_CHARS} characters: repeat less")
        return Refusal(f"more than {MAX_DEPTH} levels: nest less deeply")


class Frame:
    """One context, and what can be named in it.

    Attributes:
        context: what paths begin at.
        parent: the context around, that `../` goes to.
        data: `@index`, `@key`, `@first`, `@last`; `_parent` holds those around.
        names: values by the names of `as |…|`.
        partials: the inline partials, each with the frame that it was made in.
        state: the rendering.
    """

    __slots__ = ("context", "data", "names", "parent", "partials", "state")

    def __init__(  # noqa: PLR0913, PLR0917 -- made once a context, where keywords cost
        self,
        context: Value,
        parent: Frame | None,
        data: Mapping[str, Value],
        names: Mapping[str, Value],
        partials: Mapping[str, tuple[Writer, Frame]],
        state: State,
    ) -> None:
        self.context = context
        self.parent = parent
        self.data = data
        self.names = names
        self.partials = partials
        self.state = state

    def inner(self, context: Value, data: Mapping[str, Value], names: Mapping[str, Value]) -> Frame:
        """Return the frame of a context inside of this one.

        As in Handlebars.js, `../` does not stop at a context that equals the one inside of it.
        """
        mine = self.context
        is_same = context is mine or (
            isinstance(context, (str, int, float))
            and isinstance(mine, (str, int, float))
            and context == mine
        )
        parent = self.parent if is_same else self
        return Frame(context, parent, data, names, self.partials, self.state)
