"""What is wrong with a policy: what IAM would refuse, and what allows less than it seems to.

Only actions of `mobiletargeting` are known here; others are looked at for their form.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from pinpoint_kit.iam.actions import ACTIONS, RESOURCES, Action

__all__ = ["Finding", "check_policy"]

#: The versions of the policy language. Source: IAM User Guide, "Version".
_VERSIONS = frozenset({"2012-10-17", "2008-10-17"})
_PREFIX = "mobiletargeting"
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_ARN_PARTS = 6
_MOST_STATEMENTS = 1_000
_LONGEST_PATTERN = 2_000
_VARIABLE = re.compile(r"\$\{[^}]*\}|\*")
#: In a pattern made from a template: any text without a slash.
_ID = "\0"
_PROJECT = re.compile(r"apps/[^/*?]+")
_EVERYWHERE = frozenset({"*", "apps", "apps/*"})
_ALL_RESOURCES = frozenset(RESOURCES.values()) | {
    resource for action in ACTIONS.values() for resource in action.resources
}


@attrs.frozen
class Finding:
    """One thing that is wrong.

    Args:
        path: where in the document, for example `$.Statement[0].Action[1]`.
        severity: `error` where IAM refuses or nothing is allowed, `warning` where less is allowed
            than it seems.
        message: what is wrong, and what to write instead.
    """

    path: str
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.message} @ {self.path}"


def check_policy(document: object) -> list[Finding]:
    """Return what is wrong with a policy or a trust document; nothing when it is right.

    Args:
        document: the parsed JSON.

    Examples:
        >>> [str(finding) for finding in check_policy({
        ...     "Version": "2018-09-05",
        ...     "Statement": {"Effect": "Allow", "Action": "mobiletargeting:*", "Resource": "*"},
        ... })]
        ["error: Version '2018-09-05' is none of IAM's: write 2012-10-17 @ $.Version"]
    """
    return list(_document(document))


def _document(document: object) -> Iterator[Finding]:
    if not isinstance(document, Mapping):
        yield Finding("$", "error", "is no policy: a policy is an object with a Statement")
        return
    version = document.get("Version")
    if version is None:
        yield Finding(
            "$.Version", "warning", "is missing and counts as 2008-10-17: write 2012-10-17"
        )
    elif not isinstance(version, str) or version not in _VERSIONS:
        yield Finding(
            "$.Version", "error", f"Version {version!r} is none of IAM's: write 2012-10-17"
        )
    found = document.get("Statement")
    statements = found if isinstance(found, list) else [found]
    if not statements or found is None:
        yield Finding("$.Statement", "error", "is missing: a policy needs a statement")
        return
    for index, each in enumerate(statements[:_MOST_STATEMENTS]):
        path = f"$.Statement[{index}]" if isinstance(found, list) else "$.Statement"
        if isinstance(each, Mapping):
            yield from _statement(each, path)
        else:
            yield Finding(path, "error", "is no statement: a statement is an object")


def _statement(statement: Mapping[str, object], path: str) -> Iterator[Finding]:
    yield from _members(statement, path)
    matched: dict[str, list[Action]] = {}
    for name in ("Action", "NotAction"):
        for place, action in _texts(statement.get(name), f"{path}.{name}"):
            found, problem = _actions(action, place)
            if problem is not None:
                yield problem
            if name == "Action":
                matched[place] = found
    resources: list[str] = []
    for name in ("Resource", "NotResource"):
        for place, resource in _texts(statement.get(name), f"{path}.{name}"):
            tail, problem = _resource(resource, place)
            if problem is not None:
                yield problem
            if name == "Resource" and tail is not None:
                resources.append(tail)
    if "Resource" in statement and statement.get("Effect") == "Allow":
        yield from _coverage(matched, resources, f"{path}.Resource")


def _members(statement: Mapping[str, object], path: str) -> Iterator[Finding]:
    """Say what a statement lacks."""
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect not in {"Allow", "Deny"}:
        yield Finding(f"{path}.Effect", "error", f"is {effect!r}: write Allow or Deny")
    is_trust = "Principal" in statement or "NotPrincipal" in statement
    if not {"Action", "NotAction"} & statement.keys():
        yield Finding(f"{path}.Action", "error", "is missing: name the actions")
    if not is_trust and not {"Resource", "NotResource"} & statement.keys():
        yield Finding(f"{path}.Resource", "error", "is missing: name the resources, or write *")


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    items = value if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        if isinstance(item, str):
            yield f"{path}[{index}]" if isinstance(value, list) else path, item[:_LONGEST_PATTERN]


def _actions(text: str, path: str) -> tuple[list[Action], Finding | None]:
    """Return the actions of Pinpoint that a pattern means, and what is wrong with it."""
    if text == "*":
        return list(ACTIONS.values()), None
    prefix, colon, name = text.partition(":")
    if not colon or not _ACTION.fullmatch(text):
        message = f"{text!r} is no action: write prefix:Name, such as mobiletargeting:PutEvents"
        return [], Finding(path, "error", message)
    if prefix.lower() == "pinpoint":
        return [], Finding(path, "error", f"{text!r}: Pinpoint's actions begin with {_PREFIX}:")
    if prefix.lower() != _PREFIX:
        return [], None
    found = [action for action in ACTIONS.values() if _overlap(name.lower(), action.name.lower())]
    if found:
        return found, None
    close = difflib.get_close_matches(name, ACTIONS, n=1)
    meant = f": did you mean {_PREFIX}:{close[0]}?" if close else ": no operation has that name"
    return [], Finding(path, "error", f"{text!r} matches no action{meant}")


def _resource(text: str, path: str) -> tuple[str | None, Finding | None]:
    """Return what an ARN of Pinpoint has behind the account, and what is wrong with it."""
    if text == "*":
        return "*", None
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn":
        message = f"{text!r} is no ARN: write arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE, or *"
        return None, Finding(path, "error", message)
    if not _overlap(parts[2], _PREFIX):
        return None, None
    tail = parts[5]
    if any(_overlap(tail, _as_pattern(resource)) for resource in _ALL_RESOURCES):
        return tail, None
    message = f"{text!r} matches no resource of Pinpoint: resources begin with apps/ID"
    if tail.startswith(("app/", "application/", "applications/", "project/", "projects/")):
        message += f", not {tail.partition('/')[0]}/"
    return None, Finding(path, "error", message)


def _coverage(
    matched: Mapping[str, list[Action]], resources: list[str], path: str
) -> Iterator[Finding]:
    """Say which actions the resources of their statement never allow."""
    projects = [tail for tail in resources if _PROJECT.fullmatch(tail)]
    below = 0
    for place, actions in matched.items():
        uncovered = [action for action in actions if not _is_covered(action, resources)]
        if projects and any(_is_below_a_project(action) for action in uncovered):
            below += sum(map(_is_below_a_project, uncovered))
        elif uncovered and len(uncovered) == len(actions):
            needed = " or ".join(uncovered[0].resources)
            yield Finding(
                place,
                "warning",
                f"{_PREFIX}:{uncovered[0].name} is never allowed on these resources: it needs"
                f" {needed}",
            )
    if below:
        yield Finding(
            path,
            "warning",
            f"{projects[0]} without /* leaves out what lies below the project, and with it {below}"
            f" of these actions: add {projects[0]}/*",
        )


def _is_covered(action: Action, resources: list[str]) -> bool:
    return any(
        tail == "*" or any(_overlap(tail, _as_pattern(needed)) for needed in action.resources)
        for tail in resources
    )


def _is_below_a_project(action: Action) -> bool:
    return any(resource.startswith("apps/${AppId}/") for resource in action.resources)


@functools.cache
def _as_pattern(resource: str) -> str:
    return _VARIABLE.sub(_ID, resource)


@functools.lru_cache(maxsize=20_000)
def _overlap(one: str, other: str) -> bool:
    """Return whether some text fits both patterns, in which `*` is any text and `?` one letter.

    The second may have `_ID` too, which is any text without a slash.
    """
    reachable = {0}
    for mark in one:
        reachable = _closed(reachable, other)
        following: set[int] = set(reachable) if mark == "*" else set()
        for at in reachable:
            if mark == "*":
                following.update(range(at, len(other) + 1))
            elif at < len(other):
                if other[at] == "*" or (other[at] == _ID and mark != "/"):
                    following.add(at)
                elif mark == "?" or other[at] in {"?", mark}:
                    following.add(at + 1)
        reachable = following
    return len(other) in _closed(reachable, other)


def _closed(reachable: set[int], pattern: str) -> set[int]:
    """Add the places behind stars, which may stand for nothing."""
    found = set(reachable)
    for at in sorted(reachable):
        place = at
        while place < len(pattern) and pattern[place] in {"*", _ID}:
            place += 1
            found.add(place)
    return found
