"""Shows the API reference the `__init__` that attrs writes at run time, and the values of enums.

The reference is read from the source without running it, where an attrs class has no `__init__`.
This adds one to each, from its annotated fields, so that signatures and types are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator


class AttrsInit(griffe.Extension):
    """Adds `__init__` to every class that attrs decorates."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:  # noqa: ANN401 -- griffe's own
        """Griffe calls this when the whole package was read and its names are known."""
        for found in _classes(pkg):
            decorators = [d for d in found.decorators if d.callable_path.startswith("attrs.")]
            if decorators and "__init__" not in found.members:
                is_keyword_only = any("kw_only=True" in str(d.value) for d in decorators)
                found.set_member("__init__", _init(found, is_keyword_only=is_keyword_only))
            if found.docstring is not None and any(str(base) == "Enum" for base in found.bases):
                found.docstring.value += f"\n\nOne of {', '.join(_values(found))}."


def _classes(scope: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    for member in list(scope.members.values()):
        if isinstance(member, griffe.Class):
            yield member
        if isinstance(member, (griffe.Module, griffe.Class)):
            yield from _classes(member)


def _values(enum: griffe.Class) -> Iterator[str]:
    for name, member in enum.members.items():
        if isinstance(member, griffe.Attribute) and name.isupper():
            yield f"`{name}`"


def _init(owner: griffe.Class, *, is_keyword_only: bool) -> griffe.Function:
    fields: dict[str, griffe.Attribute] = {}
    # As attrs does: the inherited fields first, and a field that is declared again moves back.
    for base in [*reversed(owner.mro()), owner]:
        for name, member in base.members.items():
            if isinstance(member, griffe.Attribute) and _is_field(member):
                fields.pop(name, None)
                fields[name] = member
    kind = griffe.ParameterKind("keyword-only" if is_keyword_only else "positional or keyword")
    parameters = [
        griffe.Parameter(
            name.lstrip("_"), annotation=field.annotation, kind=kind, default=_default(field)
        )
        for name, field in fields.items()
    ]
    itself = griffe.Parameter("self", kind=griffe.ParameterKind("positional or keyword"))
    return griffe.Function(
        "__init__", parameters=griffe.Parameters(itself, *parameters), parent=owner, returns="None"
    )


def _is_field(member: griffe.Attribute) -> bool:
    return (
        member.annotation is not None
        and {"class-attribute", "instance-attribute"} & member.labels != set()
        and "property" not in member.labels
        and not str(member.annotation).startswith(("ClassVar", "typing.ClassVar"))
        and "init=False" not in str(member.value)
    )


def _default(field: griffe.Attribute) -> griffe.Expr | str | None:
    value = field.value
    if not isinstance(value, griffe.ExprCall):
        return value
    given = {a.name: a.value for a in value.arguments if isinstance(a, griffe.ExprKeyword)}
    is_required = value.canonical_path == "attrs.field" and "factory" not in given
    return given.get("default", None if is_required else "...")
