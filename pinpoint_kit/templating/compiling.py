"""Nodes made into functions, once a template: rendering only calls them.

Nothing of a template becomes Python code. What a part costs at most is counted before it runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import attrs

from pinpoint_kit.templating.bounds import MAX_ITEMS, MAX_OUTPUT_CHARS
from pinpoint_kit.templating.helpers import CONDITIONS, HELPERS, Given
from pinpoint_kit.templating.json_values import Inserted
from pinpoint_kit.templating.nodes import (
    Block,
    Call,
    Comment,
    Expression,
    Inline,
    Literal,
    Node,
    Output,
    Partial,
    Path,
    Program,
    Text,
)
from pinpoint_kit.templating.rendering import Frame, Refusal
from pinpoint_kit.templating.tokens import error_at
from pinpoint_kit.templating.values import (
    Layers,
    Value,
    escaped,
    is_empty,
    is_list,
    is_missing,
    member,
    printed,
    single,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinpoint_kit.errors import TemplateError
    from pinpoint_kit.templating.rendering import Reader, State, Writer

__all__ = ["Compiler"]

#: Blocks that go into another context.
_BLOCKS = ("each", "with")
_LOOKUP = "lookup"


@attrs.frozen
class _Scope:
    """The names that `as |…|` gives here."""

    names: frozenset[str] = frozenset()

    def inner(self, names: tuple[str, ...]) -> _Scope:
        return _Scope(self.names.union(names)) if names else self


class Compiler:
    """Makes functions of one template's nodes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def program(self, program: Program, scope: _Scope | None = None) -> Writer:
        """Return what writes a row of nodes.

        Raises:
            TemplateError: a helper is unknown, or has too few or too many arguments.
        """
        scope = (scope or _Scope()).inner(program.names)
        chars = 0
        parts: list[str | Writer] = []
        inlines: list[tuple[str, Writer]] = []
        for node in program.body:
            if isinstance(node, Text):
                if node.value:
                    chars += len(node.value)
                    parts.append(node.value)
            elif isinstance(node, Inline):
                inlines.append((node.name, self.program(node.program, scope)))
            elif not isinstance(node, Comment):
                parts.append(self._node(node, scope))
        write = _row(parts, 1 + len(parts), chars)
        return _with_inlines(write, inlines) if inlines else write

    def _node(self, node: Node, scope: _Scope) -> Writer:
        if isinstance(node, Output):
            value = self._value(node.call, scope)
            return _output(value, self._failing(node.call.at), is_raw=node.is_raw)
        if isinstance(node, Partial):
            return self._partial(node, scope)
        return self._block(cast("Block", node), scope)

    # Expressions

    def _value(self, expression: Expression, scope: _Scope) -> Reader:
        if isinstance(expression, Literal):
            return _constant(expression.value)
        if isinstance(expression, Path):
            return _path(expression, scope)
        name = expression.name.simple_name
        if name is not None and name not in scope.names:
            if name in HELPERS or name in CONDITIONS or name == _LOOKUP:
                return self._helper(name, expression, scope)
            if name in _BLOCKS:
                raise error_at(
                    self._text, expression.at, f"{name} is a block: write {{{{#{name} …}}}}"
                )
        if expression.args or expression.options:
            raise self._unknown(expression)
        return _path(expression.name, scope)

    def _unknown(self, call: Call) -> TemplateError:
        return error_at(
            self._text, call.at, f"{call.source} is no helper: see the helpers' reference"
        )

    def _helper(self, name: str, call: Call, scope: _Scope) -> Reader:
        args = tuple(self._value(arg, scope) for arg in call.args)
        options = {key: self._value(value, scope) for key, value in call.options.items()}
        if name == _LOOKUP:
            self._check(call, 2, 2, frozenset())
            return lambda frame: member(args[0](frame), printed(single(args[1](frame))))
        failing = self._failing_call(call)
        if name in CONDITIONS:
            condition = CONDITIONS[name]
            self._check(call, condition.least, condition.most, frozenset({"yes", "no"}))
            return _condition_value(condition.holds, args, options, failing)
        helper = HELPERS[name]
        self._check(call, helper.least, helper.most, helper.options)
        return _helper_value(helper.function, args, options, failing)

    def _check(self, call: Call, least: int, most: int, options: frozenset[str]) -> None:
        """Refuse a helper's call that can never work."""
        count = len(call.args)
        if not least <= count <= most:
            needed = str(least) if least == most else f"{least} to {most}"
            if most > count >= least:  # pragma: no cover -- the bounds exclude it
                return
            raise error_at(
                self._text, call.at, f"{call.source} takes {needed} values, here are {count}"
            )
        for name in call.options:
            if name not in options:
                known = ", ".join(f"{each}=" for each in sorted(options)) or "none"
                raise error_at(
                    self._text, call.at, f"{call.source} takes no {name}=: it takes {known}"
                )

    def _failing(self, at: int) -> Callable[[Refusal], TemplateError]:
        return lambda refusal: error_at(self._text, at, refusal.message)

    def _failing_call(self, call: Call) -> Callable[[Refusal], TemplateError]:
        """Return what makes an error of a helper's refusal, with the argument that it is about."""

        def failing(refusal: Refusal) -> TemplateError:
            about = ""
            if 0 <= refusal.argument < len(call.args):
                arg = call.args[refusal.argument]
                about = f"{arg.source} " if isinstance(arg, Path) else "what it is given "
            return error_at(self._text, call.at, f"{call.source}: {about}{refusal.message}")

        return failing

    # Blocks

    def _block(self, node: Block, scope: _Scope) -> Writer:
        call = node.call
        name = call.name.simple_name
        then = self.program(node.program, scope) if node.program else _nothing
        other = self.program(node.inverse, scope) if node.inverse else _nothing
        failing = self._failing_call(call)
        names = node.program.names if node.program else ()
        if name is not None and name not in scope.names:
            args = tuple(self._value(arg, scope) for arg in call.args)
            if name in CONDITIONS:
                condition = CONDITIONS[name]
                self._check(call, condition.least, condition.most, frozenset())
                if name in {"if", "unless"}:
                    either = (then, other) if name == "if" else (other, then)
                    return _truth_block(args[0], *either)
                return _condition_block(condition.holds, args, then, other, failing)
            if name in _BLOCKS:
                self._check(call, 1, 1, frozenset())
                make = _each if name == "each" else _with
                return make(args[0], names, then, other, failing)
            if name in HELPERS or name == _LOOKUP:
                raise error_at(
                    self._text, call.at, f"{name} is no block: write {{{{{name} …}}}} without #"
                )
        if call.args or call.options:
            raise self._unknown(call)
        return _section(_path(call.name, scope), names, then, other, failing)

    def _partial(self, node: Partial, scope: _Scope) -> Writer:
        context = None if node.context is None else self._value(node.context, scope)
        options = {key: self._value(value, scope) for key, value in node.options.items()}
        return _partial(node, context, options, self._failing(node.at))


def _nothing(_frame: Frame, _out: list[str]) -> None:
    """Write nothing: the branch that a block does not have."""


def _row(parts: Sequence[str | Writer], steps: int, chars: int) -> Writer:
    def write(frame: Frame, out: list[str]) -> None:
        state = frame.state
        state.steps -= steps
        state.room -= chars
        depth = state.depth
        if state.steps < 0 or state.room < 0 or depth < 0:
            raise state.exhausted()
        state.depth = depth - 1
        for part in parts:
            if isinstance(part, str):
                out.append(part)
            else:
                part(frame, out)
        state.depth = depth

    return write


def _with_inlines(write: Writer, inlines: Sequence[tuple[str, Writer]]) -> Writer:
    def write_with(frame: Frame, out: list[str]) -> None:
        partials = {**frame.partials}
        inside = Frame(frame.context, frame.parent, frame.data, frame.names, partials, frame.state)
        for name, partial in inlines:
            partials[name] = partial, inside
        write(inside, out)

    return write_with


def _constant(value: Value) -> Reader:
    return lambda _frame: value


def _path(path: Path, scope: _Scope) -> Reader:
    names, up = path.names, path.up
    if path.is_data:
        return _data(path)
    if names and names[0] in scope.names and not path.is_scoped:
        head, rest = names[0], names[1:]
        return lambda frame: walk(frame.names.get(head), rest)

    def find(frame: Frame) -> Value:
        value = frame.context
        if type(value) is Layers:
            return value.find(names)
        return walk(value, names)

    if not up:
        return find

    def find_above(frame: Frame) -> Value:
        at: Frame | None = frame
        for _ in range(up):
            at = at.parent if at is not None else None
        return None if at is None else find(at)

    return find_above


def _data(path: Path) -> Reader:
    head, rest, up = path.names[:1], path.names[1:], path.up
    if head == ("root",):

        def find_root(frame: Frame) -> Value:
            root = frame.state.root
            return root.find(rest) if isinstance(root, Layers) else walk(root, rest)

        return find_root

    def find(frame: Frame) -> Value:
        return walk(frame.data, ("_parent",) * up + path.names)

    return find


def _output(value: Reader, failing: Callable[[Refusal], TemplateError], *, is_raw: bool) -> Writer:
    def write(frame: Frame, out: list[str]) -> None:
        found = value(frame)
        if found is None:
            return
        text = found if type(found) is str else printed(found)
        state = frame.state
        if state.escape and not is_raw:
            text = escaped(text)
        state.room -= len(text)
        if state.room < 0:
            raise failing(state.exhausted())
        if state.is_json and not is_raw:
            text = Inserted(text)
            text.failing = failing
        out.append(text)

    return write


def _spend(args: Sequence[Value], state: State) -> None:
    """Take off what a helper may read."""
    state.steps -= 1
    for arg in args:
        if isinstance(arg, (str, list, tuple)):
            state.work -= len(arg)
    if state.work < 0 or state.steps < 0:
        raise state.exhausted()


def _condition_value(
    holds: Callable[[Sequence[Value]], bool],
    readers: Sequence[Reader],
    options: Mapping[str, Reader],
    failing: Callable[[Refusal], TemplateError],
) -> Reader:
    yes = options.get("yes", _constant(value=True))
    no = options.get("no", _constant(value=False))

    def value(frame: Frame) -> Value:
        try:
            args = [reader(frame) for reader in readers]
            _spend(args, frame.state)
            return yes(frame) if holds(args) else no(frame)
        except Refusal as refusal:
            raise failing(refusal) from None

    return value


def _helper_value(
    function: Callable[[Given], Value],
    readers: Sequence[Reader],
    options: Mapping[str, Reader],
    failing: Callable[[Refusal], TemplateError],
) -> Reader:
    def value(frame: Frame) -> Value:
        state = frame.state
        args = [reader(frame) for reader in readers]
        named = {name: reader(frame) for name, reader in options.items()} if options else {}
        try:
            _spend(args, state)
            if named:
                _spend(list(named.values()), state)
            return _bounded(function(Given(args, named, _now(state))))
        except Refusal as refusal:
            raise failing(refusal) from None

    return value


def _bounded(result: Value) -> Value:
    if isinstance(result, str) and len(result) > MAX_OUTPUT_CHARS:
        raise Refusal(f"makes more than {MAX_OUTPUT_CHARS} characters")
    return result


def _now(state: State) -> dt.datetime:
    """Return the time of this rendering, the same for all of its parts."""
    if state.now is None:
        state.now = dt.datetime.now(dt.timezone.utc)
    return state.now


def _truth_block(reader: Reader, then: Writer, other: Writer) -> Writer:
    """`if` and `unless`, which nothing can go wrong with."""

    def write(frame: Frame, out: list[str]) -> None:
        (other if is_empty(reader(frame)) else then)(frame, out)

    return write


def _condition_block(
    holds: Callable[[Sequence[Value]], bool],
    readers: Sequence[Reader],
    then: Writer,
    other: Writer,
    failing: Callable[[Refusal], TemplateError],
) -> Writer:
    def write(frame: Frame, out: list[str]) -> None:
        args = [reader(frame) for reader in readers]
        try:
            _spend(args, frame.state)
            is_so = holds(args)
        except Refusal as refusal:
            raise failing(refusal) from None
        (then if is_so else other)(frame, out)

    return write


def _named(frame: Frame, names: tuple[str, ...], *values: Value) -> Mapping[str, Value]:
    if not names:
        return frame.names
    return {**frame.names, **dict(zip(names, values, strict=False))}


def _each(
    reader: Reader,
    names: tuple[str, ...],
    then: Writer,
    other: Writer,
    failing: Callable[[Refusal], TemplateError],
) -> Writer:
    def write(frame: Frame, out: list[str]) -> None:
        items = _items(reader(frame))
        if not items:
            other(frame, out)
            return
        if len(items) > MAX_ITEMS:
            raise failing(Refusal(f"has more than {MAX_ITEMS} items: shorten the list", 0))
        last = len(items) - 1
        for place, (key, item) in enumerate(items):
            data = {
                "index": place,
                "key": key,
                "first": place == 0,
                "last": place == last,
                "_parent": frame.data,
            }
            then(frame.inner(item, data, _named(frame, names, item, key)), out)

    return write


def _items(value: Value) -> Sequence[tuple[Value, Value]]:
    """Return what `each` goes through; one more than it may is enough to know."""
    if isinstance(value, Layers):
        value = value.merged()
    if isinstance(value, Mapping):
        return list(value.items())[: MAX_ITEMS + 1]
    if is_list(value):
        return list(enumerate(value[: MAX_ITEMS + 1]))
    return [(0, value)] if isinstance(value, str) and value else []


def _with(
    reader: Reader,
    names: tuple[str, ...],
    then: Writer,
    other: Writer,
    failing: Callable[[Refusal], TemplateError],
) -> Writer:
    del failing  # it has nothing to refuse

    def write(frame: Frame, out: list[str]) -> None:
        value = reader(frame)
        if is_empty(value):
            other(frame, out)
        else:
            then(frame.inner(value, frame.data, _named(frame, names, value)), out)

    return write


def _section(
    reader: Reader,
    names: tuple[str, ...],
    then: Writer,
    other: Writer,
    failing: Callable[[Refusal], TemplateError],
) -> Writer:
    """`{{#name}}` without a helper of this name: a list's items, a map's inside, or a condition."""

    def write(frame: Frame, out: list[str]) -> None:
        value = reader(frame)
        if is_missing(value) or value is False:
            other(frame, out)
        elif value is True:
            then(frame, out)
        elif is_list(value):
            _each(_constant(value), names, then, other, failing)(frame, out)
        else:
            then(frame.inner(value, frame.data, _named(frame, names, value)), out)

    return write


def _partial(
    node: Partial,
    context: Reader | None,
    options: Mapping[str, Reader],
    failing: Callable[[Refusal], TemplateError],
) -> Writer:
    indent = node.indent

    def write(frame: Frame, out: list[str]) -> None:
        found = frame.partials.get(node.name)
        if found is None:
            raise failing(Refusal(f"there is no inline partial {node.name}: define it before"))
        body, home = found
        inside: Value = frame.context if context is None else context(frame)
        if options:
            inside = _extended(inside, {key: read(frame) for key, read in options.items()})
        called = home.inner(inside, frame.data, home.names)
        called.partials = frame.partials
        if not indent or frame.state.is_json:  # where whitespace means nothing
            body(called, out)
            return
        lines: list[str] = []
        body(called, lines)
        text = _indented("".join(lines), indent)
        frame.state.room -= len(text) - sum(map(len, lines))
        if frame.state.room < 0:
            raise failing(frame.state.exhausted())
        out.append(text)

    return write


def _extended(context: Value, options: Mapping[str, Value]) -> Value:
    if isinstance(context, Layers):
        return Layers((options, *context.maps))
    return {**context, **options} if isinstance(context, Mapping) else dict(options)


def _indented(text: str, indent: str) -> str:
    lines = text.split("\n")
    last = len(lines) - 1
    return "\n".join(
        line if place == last and not line else indent + line for place, line in enumerate(lines)
    )
