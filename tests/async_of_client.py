"""Makes `pinpoint_kit/aio/nouns.py` from the client: its nouns, verbs, types and defaults.

Run it after a change to a noun of the client, or a new one: `python tests/async_of_client.py`. It
finds nouns and verbs by itself. The tables below hold only what cannot be seen in a signature.
"""

from __future__ import annotations

import ast
import builtins
import enum
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

import pinpoint_kit as pk
from pinpoint_kit import aio

if TYPE_CHECKING:
    from collections.abc import Iterator

NOUNS = Path(aio.__file__).with_name("nouns.py")

#: Verbs that are done at once, without the network, by noun; "" is the client itself. All others
#: are done on a thread and awaited, so that a new one can never hold up the event loop.
AT_ONCE = {
    "": {"application_name", "observe", "per_invocation"},
    "auth": {"auth_fail", "sign_in", "sign_up"},
    "delivery": {"dead_letters", "stats"},
    "endpoints": {"enqueue"},
    "events": {"record", "set_defaults", "submit"},
    "purchases": {"record"},
    "notifications": {"opened", "received"},
    "sessions": {"attach", "get", "start", "stop_all"},
}
#: What other parts of the package call: not for users, and in no reference.
INTERNAL = {
    "": {"close"},  # which client.py has
    "applications": {"find_or_create_where_ours"},
    "delivery": {
        *("after_fork", "begin_exit", "close", "count_left_out", "count_truncated", "drop_closed"),
        *("enqueue", "enqueue_endpoint", "finish_exit", "forget_letters", "overwrite_removed"),
        *("reject", "set_aside"),
    },
    "opt_outs": {"page"},
    "sessions": {"at", "forget", "now", "renew"},
}
#: What a verb returns here instead, when it gives one thing after the other.
ROWS = {
    "EventTail": ("AsyncEventTail", ""),
    "Generator": ("AsyncRows", "[{}]"),
    "Iterator": ("AsyncRows", "[{}]"),
    "ModelIterator": ("AsyncModelIterator", "[{}]"),
}
_TYPES = ("AsyncEventTail", "AsyncModelIterator", "AsyncRows")

_HEAD = '''\
# Made from the client by tests/async_of_client.py; change that one.
"""The nouns of the client for asyncio: the same verbs, awaited.

Each verb calls the same verb of the ordinary client: at once where that neither waits nor asks
anything, else on a thread. What they share stands in connection.py.
"""

from __future__ import annotations
'''


@attrs.frozen
class Verb:
    """One verb of the ordinary client."""

    noun: str
    name: str
    function: Callable[..., object]
    is_property: bool = False

    @property
    def module(self) -> str:
        """The module that it is written in, whose names its annotations use."""
        return self.function.__module__

    @property
    def signature(self) -> inspect.Signature:
        """Parameters and annotations, as texts."""
        return inspect.signature(self.function)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def path(self) -> str:
        """How it is called: `endpoints.get`."""
        return f"{self.noun}.{self.name}" if self.noun else self.name

    @property
    def is_at_once(self) -> bool:
        """Whether it answers without waiting for anything."""
        return self.name in AT_ONCE.get(self.noun, ())


def nouns() -> dict[str, type]:
    """Return the client's nouns and their classes, by name; "" is the client itself."""
    found: dict[str, type] = {"": pk.Pinpoint}
    with pk.connect("sqlite://") as pinpoint:
        lazy = (
            name
            for name in dir(pk.Pinpoint)
            if isinstance(inspect.getattr_static(pk.Pinpoint, name), (property, cached_property))
        )
        for name in sorted({*vars(pinpoint), *lazy}):
            kind = type(getattr(pinpoint, name))
            if not name.startswith("_") and kind.__module__.startswith(f"{pk.__name__}."):
                found[name] = kind
    return found


def verbs(noun: str, cls: type) -> Iterator[Verb]:
    """Yield what a noun can do, in the order in which it is written."""
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    for name in names:
        value = inspect.getattr_static(cls, name)
        if name.startswith("_") or name in INTERNAL.get(noun, ()):
            continue
        if inspect.isfunction(value):
            yield Verb(noun, name, value)
        elif isinstance(value, property) and _is_plain(value):
            yield Verb(noun, name, value.fget, is_property=True)  # type: ignore[arg-type]  # it has one


def _is_plain(value: property) -> bool:
    """Whether a property gives a plain value: no botocore client, no other noun."""
    return value.fget is not None and value.fget.__annotations__.get("return") in {"str", "int"}


# Names


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(Path(str(import_module(module).__file__)).read_text("utf-8"))


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Name in a module -> where it comes from: (module, name there), "" for a module itself."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                found[alias.asname or alias.name] = (str(node.module), alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (alias.name, "")
    return found


class Names:
    """The imports that annotations and defaults need."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}
        self.runtime: set[str] = set()

    def add(self, annotation: str, module: str) -> str:
        """Note what an annotation names; return it as it can stand in a class with a `list`."""
        tree = ast.parse(annotation, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = self._name(node.id, module)
        return ast.unparse(tree)

    def default(self, value: object) -> str:
        """Return how a default is written.

        Raises:
            SystemExit: it is of a kind that cannot be.
        """
        if isinstance(value, enum.Enum):
            self.runtime.add(f"from {type(value).__module__} import {type(value).__name__}")
            return f"{type(value).__name__}.{value.name}"
        if value is None or isinstance(value, (bool, int, float, str)):
            return repr(value)
        if isinstance(value, tuple):
            return f"({''.join(f'{self.default(each)}, ' for each in value)})"
        if type(value).__module__ == "datetime":
            self.runtime.add("import datetime")
            return repr(value)
        raise SystemExit(f"a default that cannot be written: {value!r}: teach it to `default`")

    def _name(self, name: str, module: str) -> str:
        """Return what a name of a module is called here; two things of one name are told apart."""
        if hasattr(builtins, name):
            return "builtins.list" if name == "list" else name  # of which a class may have a verb
        home = _imports(module).get(name) or (module, name)
        value = getattr(import_module(home[0]), home[1], None) if home[1] else None
        if inspect.isclass(value) and value.__module__.startswith(f"{pk.__name__}."):
            home = (value.__module__, home[1])  # and not one of those that pass it on
        if self._found.setdefault(name, home) != home:
            name = f"{home[0].rpartition('.')[2].title().replace('_', '')}{name}"
            self._found[name] = home
        return name

    def statements(self) -> Iterator[str]:
        """Yield the import statements."""
        for name, (module, original) in sorted(self._found.items(), key=lambda each: each[1]):
            if not original:
                yield f"import {module}" + ("" if name == module else f" as {name}")
            else:
                yield f"from {module} import {original}" + (
                    "" if name == original else f" as {name}"
                )


# Code


def _parameters(verb: Verb, names: Names) -> tuple[str, str]:
    """Return the parameters of a verb as they are declared, and as they are handed on."""
    declared, handed = ["self"], []
    has_star = False
    parameters = [p for p in verb.signature.parameters.values() if p.name != "self"]
    last_positional = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY][-1:]
    for parameter in parameters:
        kind, name = parameter.kind, parameter.name
        text = f"{name}: {names.add(str(parameter.annotation), verb.module)}"
        if kind is parameter.VAR_POSITIONAL:
            has_star = True
            text, argument = f"*{text}", f"*{name}"
        elif kind is parameter.VAR_KEYWORD:
            text, argument = f"**{text}", f"**{name}"
        elif kind is parameter.KEYWORD_ONLY:
            if not has_star:
                declared.append("*")
                has_star = True
            argument = f"{name}={name}"
        else:
            argument = name
        if parameter.default is not parameter.empty:
            text += f" = {names.default(parameter.default)}"
        declared.append(text)
        if [name] == last_positional:
            declared.append("/")
        handed.append(argument)
    return ", ".join(declared), ", ".join(handed)


def _code(verb: Verb, names: Names) -> str:
    declared, handed = _parameters(verb, names)
    returned = str(verb.signature.return_annotation)
    here = verb.path if verb.is_property else f"{verb.path}({handed})"
    call, rows = f"self._sync.{here}", ROWS.get(returned.partition("[")[0])
    doc = f'"""{verb.summary}\n\n        As `{{}}` of the ordinary client does.\n        """'
    doc = doc.format(f"{verb.noun}.{verb.name}" if verb.noun else verb.name)
    if returned.startswith("Future["):
        inner = names.add(returned[len("Future[") : -1], verb.module)
        head = f"def {verb.name}({declared}) -> asyncio.Future[{inner}]:"
        body = f"return submitted({call})"
    elif verb.is_at_once:
        annotation = names.add(returned, verb.module)
        head = f"def {verb.name}({declared}) -> {annotation}:"
        body = call if annotation == "None" else f"return {call}"
    elif rows is not None:
        inner = names.add(returned.partition("[")[2][:-1].partition(",")[0] or "int", verb.module)
        kind = rows[0] + rows[1].format(inner)
        head = f"def {verb.name}({declared}) -> {kind}:"
        body = f"return {rows[0]}(self._pool, lambda: {call})"
    else:
        annotation = names.add(returned, verb.module)
        waits = ", waits=True" if "timeout" in verb.signature.parameters else ""
        head = f"async def {verb.name}({declared}) -> {annotation}:"
        body = f"await self._pool.call(lambda: {call}{waits})"
        body = body if annotation == "None" else f"return {body}"
    decorator = "    @property\n" if verb.is_property else ""
    return f"{decorator}    {head}\n        {doc}\n        {body}\n"


def _class_name(noun: str) -> str:
    return "Async" + "".join(part.capitalize() for part in noun.split("_"))


def source() -> str:
    """Return the module, before it is formatted."""
    names = Names()
    classes = []
    found = nouns()
    for noun, cls in sorted(found.items(), key=lambda each: (not each[0], each[0])):
        if not noun:
            continue
        summary = (inspect.getdoc(cls) or "").partition("\n")[0]
        head = f'class {_class_name(noun)}(Noun):\n    """{summary}"""\n'
        classes.append("\n".join([head, *(_code(verb, names) for verb in verbs(noun, cls))]))
    attributes = "".join(
        f"        self.{noun} = {_class_name(noun)}(connection)\n" for noun in sorted(found) if noun
    )
    head = (
        'class AsyncNouns(Noun):\n    """The nouns, and the verbs of the client itself."""\n\n'
        "    def __init__(self, connection: Connection) -> None:\n"
        f"        super().__init__(connection)\n{attributes}"
    )
    classes.append("\n".join([head, *(_code(verb, names) for verb in verbs("", found[""]))]))
    body = "\n\n".join(classes)
    used = [name for name in _TYPES if name in body]
    runtime = [
        *sorted(names.runtime),
        "from pinpoint_kit.aio.connection import Noun",
        "from pinpoint_kit.aio.pool import submitted",
        f"from pinpoint_kit.aio.rows import {', '.join(used)}",
    ]
    typed = [
        *(f"import {name}" for name in ("asyncio", "builtins") if f"{name}." in body),
        *names.statements(),
        "from pinpoint_kit.aio.connection import Connection",
    ]
    public = sorted(["AsyncNouns", *(_class_name(noun) for noun in found if noun)])
    return "\n".join(
        [
            _HEAD,
            *runtime,
            "from typing import TYPE_CHECKING",
            "",
            "if TYPE_CHECKING:",
            textwrap.indent("\n".join(typed), "    "),
            "",
            f"__all__ = {public!r}",
            "",
            body,
        ]
    )


def formatted(text: str) -> str:
    """Return it as ruff sets it, with its imports in order."""
    for arguments in (["check", "--fix-only", "--select", "I,RUF022,UP"], ["format"]):
        done = subprocess.run(  # noqa: S603 -- our own command
            [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(NOUNS), "-"],
            input=text,
            check=True,
            capture_output=True,
            text=True,
        )
        text = done.stdout
    return text


def meaning(text: str) -> str:
    """Return what two forms of the module have in common when they are the same."""
    return ast.dump(ast.parse(text))


if __name__ == "__main__":
    NOUNS.write_text(formatted(source()), "utf-8")
