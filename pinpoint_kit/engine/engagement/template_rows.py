"""Stored message templates and their versions: finding them, and what their parts are called.

Templates belong to the account, not to an application; one is told by its name and its type.
Reading only: what operations do with them stands in engagement/templates.py and
engagement/template_versions.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, select

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.engagement import TEMPLATE_VERSIONS, TEMPLATES
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = [
    "TYPES",
    "Template",
    "Version",
    "find",
    "kind_of",
    "require",
    "require_version",
    "version_at",
    "version_number",
    "version_of",
    "versions",
]

#: The types of templates, as the wire has them.
TYPES = ("EMAIL", "INAPP", "PUSH", "SMS", "VOICE")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

_VERSIONS = TEMPLATE_VERSIONS

_BY_NAME = Statement(
    select(TEMPLATES)
    .where(TEMPLATES.c.name == bindparam("name_"))
    .where(TEMPLATES.c.kind == bindparam("kind_")),
    "name_",
    "kind_",
)
_ALL_VERSIONS = Statement(
    select(_VERSIONS)
    .where(_VERSIONS.c.template == bindparam("template_"))
    .order_by(_VERSIONS.c.version.desc()),
    "template_",
)


@attrs.frozen
class Template:
    """A stored template.

    Attributes:
        number: what its versions call it by.
        name: its name, case-sensitive.
        kind: one of `TYPES`.
        active: the version that is used when none is named.
        made: how many versions were ever made; their numbers are not used again.
        created: when it was made.
        modified: when a version was last made or changed.
    """

    number: int
    name: str
    kind: str
    active: int
    made: int
    created: int
    modified: int

    @property
    def resource(self) -> str:
        """The last part of its ARN."""
        return f"templates/{self.name}/{self.kind}"

    def rendered(self) -> dict[str, object]:
        """Return what every answer about it has, with the active version."""
        return {
            "CreationDate": instants.from_ms(self.created),
            "LastModifiedDate": instants.from_ms(self.modified),
            "TemplateName": self.name,
            "TemplateType": self.kind,
            "Version": str(self.active),
        }


@attrs.frozen
class Version:
    """One stored version of a template. `content` holds the members as they were sent."""

    template: int
    number: int
    content: Mapping[str, object]
    created: int
    modified: int


def find(connection: Connection, name: str, kind: str) -> Template | None:
    """Return the template, or None."""
    rows = _BY_NAME.rows(connection, name, kind)
    return Template(*rows[0]) if rows else None


def require(connection: Connection, name: str, kind: str) -> Template:
    """Return the template.

    Raises:
        ApiError: there is none of this name and type.
    """
    template = find(connection, name, kind)
    if template is None:
        raise not_found("Template not found")
    return template


def versions(connection: Connection, template: Template) -> list[Version]:
    """Return all versions, the latest first; there is always one."""
    rows = _ALL_VERSIONS.rows(connection, template.number)
    return [
        Version(owner, number, orjson.loads(content), *dates)
        for owner, number, content, *dates in rows
    ]


def require_version(stored: Sequence[Version], number: int) -> Version:
    """Return one of a template's versions.

    Raises:
        ApiError: there is none of this number.
    """
    for version in stored:
        if version.number == number:
            return version
    raise not_found("Template version not found")


def version_at(connection: Connection, template: Template, number: int | None) -> Version:
    """Return a version of a template, the active one where the number is None.

    Raises:
        ApiError: there is none of this number.
    """
    return require_version(versions(connection, template), number or template.active)


def kind_of(text: str) -> str:
    """Return the type that a path or a query names, in capitals or in small letters.

    Raises:
        ApiError: there is no such type.
    """
    for kind in TYPES:
        if text in {kind, kind.lower()}:
            return kind
    raise bad_request(f"The template type must be one of {', '.join(TYPES)}")


def version_number(text: str) -> int:
    """Return the number of a version that a request names.

    Raises:
        ApiError: it is no number of a version.
    """
    if _NUMBER.fullmatch(text) is None:
        raise bad_request("The version must be a whole number, as answers give it")
    return int(text)


def version_of(query: Mapping[str, Sequence[str]]) -> int | None:
    """Return the version that a query names, or None.

    Raises:
        ApiError: it is no number of a version.
    """
    text = paging.last(query, "version")
    return None if text is None else version_number(text)
