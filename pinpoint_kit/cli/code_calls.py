"""Finds the calls of Amazon Pinpoint that a code base makes. It reads files and runs nothing.

Python is parsed; other languages are recognized by patterns, in files that name Pinpoint's SDK.
What an operation is answered by now is none of its business.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["Call", "Found", "calls_in", "snake"]

#: A longer file is no source that a person has written.
_MOST_BYTES = 2_000_000
_NOT_LOOKED_AT = {
    *(".git", ".hg", ".mypy_cache", ".terraform", ".tox", ".venv", "__pycache__", "build"),
    *("dist", "node_modules", "site-packages", "vendor", "venv"),
}
#: Terraform's resources and CloudFormation's types (without `Pinpoint`) -> the operation that
#: makes one. Names of channels and templates follow from the operations'.
_RESOURCES = {
    "app": "CreateApp",
    "applicationsettings": "UpdateApplicationSettings",
    "campaign": "CreateCampaign",
    "emailtemplate": "CreateEmailTemplate",
    "eventstream": "PutEventStream",
    "inapptemplate": "CreateInAppTemplate",
    "pushtemplate": "CreatePushTemplate",
    "segment": "CreateSegment",
    "smstemplate": "CreateSmsTemplate",
}
#: Amplify's functions -> the operation that they send.
_AMPLIFY = {
    "Analytics.record": "PutEvents",
    "Analytics.updateEndpoint": "UpdateEndpoint",
    "Analytics.autoTrack": "PutEvents",
    "configureAutoTrack": "PutEvents",
    "identifyUser": "UpdateEndpoint",
    "record": "PutEvents",
}


@attrs.frozen
class Call:
    """One place that calls an operation."""

    operation: str
    file: str
    line: int
    how: str


@attrs.define
class Found:
    """What was found, and what could not be looked at."""

    calls: list[Call] = attrs.field(factory=list)
    files: int = 0
    unread: list[str] = attrs.field(factory=list)


def snake(name: str) -> str:
    """`GetApnsChannel` -> `get_apns_channel`, as boto3 and Ruby have it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def calls_in(folder: Path, operations: Collection[str]) -> Found:
    """Look at every source file below a folder; links are not followed.

    Args:
        folder: where the code is; a single file is fine.
        operations: Pinpoint's operations.
    """
    found = Found()
    known = {name.lower(): name for name in operations}
    for path in sorted(_files(folder)):
        look = _LOOKS.get(path.suffix.lower())
        if look is None:
            continue
        name = str(path.relative_to(folder)) if path != folder else path.name
        text = _text(path)
        if text is None:
            found.unread.append(name)
            continue
        found.files += 1
        if "pinpoint" not in text.lower() and "amplify" not in text.lower():
            continue
        places = sorted({(line, operation, how) for operation, line, how in look(text, known)})
        found.calls += [Call(operation, name, line, how) for line, operation, how in places]
    return found


_Hit = tuple[str, int, str]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - _NOT_LOOKED_AT)
        yield from (path for name in names if not (path := Path(parent, name)).is_symlink())


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None


# Python


def _python(text: str, known: dict[str, str]) -> Iterator[_Hit]:
    methods = {snake(name): name for name in known.values()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code's own texts
            tree = ast.parse(text)
            nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Another version's Python, or a template: by its looks then.
        for line, name in _matches(r"pinpoint\w{0,40}\s*\.\s*([a-z_]+)\s*\(", text):
            if name in methods:
                yield methods[name], line, "Python"
        return
    clients = {
        target
        for node in nodes
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _makes_client(node.value)
        for target in _targets(node)
    }
    for node in nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver, method = node.func.value, node.func.attr
        asked = method
        if method in {"get_paginator", "can_paginate"} and node.args:
            first = node.args[0]
            asked = str(first.value) if isinstance(first, ast.Constant) else ""
        name = _last_name(receiver)
        is_client = name in clients or "pinpoint" in name.lower() or _makes_client(receiver)
        if is_client and asked in methods:
            yield methods[asked], node.lineno, "boto3"


def _makes_client(node: ast.expr | None) -> bool:
    """Whether it is `….client("pinpoint")`."""
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "service_name")]
    return _last_name(node.func) in {"client", "create_client"} and any(
        isinstance(value, ast.Constant) and value.value == "pinpoint" for value in given
    )


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield _last_name(target)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.id if isinstance(node, ast.Name) else ""


# Other languages


def _matches(pattern: str, text: str) -> Iterator[tuple[int, str]]:
    line, before = 1, 0
    for match in re.finditer(pattern, text):
        line += text.count("\n", before, match.start())
        before = match.start()
        yield line, match[1]


def _named(
    pattern: str, marks: str, how: str, spelled: Callable[[str], str] = str.lower
) -> Callable[[str, dict[str, str]], Iterator[_Hit]]:
    """Make a look for operations whose names a pattern gives, in files that have a mark."""

    def look(text: str, known: dict[str, str]) -> Iterator[_Hit]:
        if not re.search(marks, text):
            return
        for line, name in _matches(pattern, text):
            operation = known.get(spelled(name))
            if operation is not None:
                yield operation, line, how

    return look


def _joined(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()


_aws_js = _named(
    r"\bnew\s+(\w+)Command\s*\(", r"@aws-sdk/client-pinpoint\b", "JavaScript, AWS SDK 3"
)
_aws_js_2 = _named(
    r"(?i:pinpoint\w{0,40})\s*\??\.\s*([a-z]\w+)\s*\(",
    r"\bPinpoint\s*\(|clients/pinpoint",
    "JavaScript, AWS SDK 2",
)


def _javascript(text: str, known: dict[str, str]) -> Iterator[_Hit]:
    yield from _aws_js(text, known)
    yield from _aws_js_2(text, known)
    if not re.search(r"aws-amplify|@aws-amplify/", text):
        return
    names = r"import\s*\{([^}]{0,2000})\}\s*from\s*['\"][^'\"]{0,200}amplify"
    imported = " ".join(re.findall(names, text))
    for function, operation in _AMPLIFY.items():
        if function.rpartition(".")[0] or re.search(rf"\b{function}\b", imported):
            for line, _ in _matches(rf"(?<![\w.])({re.escape(function)})\s*\(", text):
                yield known.get(operation.lower(), operation), line, "Amplify"


def _terraform(text: str, known: dict[str, str]) -> Iterator[_Hit]:
    for line, name in _matches(r'resource\s+"aws_pinpoint_(\w+)"', text):
        operation = _made_by(name, known)
        if operation:
            yield operation, line, "Terraform"


def _cloud_formation(text: str, known: dict[str, str]) -> Iterator[_Hit]:
    for line, name in _matches(r"AWS::Pinpoint::(\w+)", text):
        operation = _made_by(name, known)
        if operation:
            yield operation, line, "CloudFormation"


def _made_by(resource: str, known: dict[str, str]) -> str | None:
    plain = _joined(resource)
    return known.get(_RESOURCES.get(plain, f"update{plain}").lower())


_shell = _named(r"\baws\s+pinpoint\s+([a-z-]+)", r"aws\s+pinpoint\b", "AWS CLI", _joined)
_java = _named(r"\b(\w+)Request\b(?=\s*[.(])", r"services\.pinpoint\b", "Java")
_ruby = _named(r"\.\s*([a-z_]+)\s*[({]", r"Aws::Pinpoint\b|aws-sdk-pinpoint\b", "Ruby", _joined)
_go = _named(r"\bpinpoint\.(\w+)Input\b", r"service/pinpoint\"", "Go")

_LOOKS: dict[str, Callable[[str, dict[str, str]], Iterator[_Hit]]] = {
    ".py": _python,
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"), _javascript),
    **dict.fromkeys((".java", ".kt", ".scala"), _java),
    ".rb": _ruby,
    ".go": _go,
    ".tf": _terraform,
    **dict.fromkeys((".yaml", ".yml", ".json", ".template"), _cloud_formation),
    **dict.fromkeys((".sh", ".bash"), _shell),
}
