"""Policies and trust documents, made from operations and a place.

A document is what `json.dumps` turns into the text that IAM takes.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.iam.actions import ACTIONS, known

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Document", "Place", "arn", "policy_for", "statement", "trust_policy"]

Document: TypeAlias = dict[str, object]

#: The version of the policy language. Source: IAM User Guide, "Version".
VERSION = "2012-10-17"
_ACCOUNT = re.compile("[0-9]{12}", re.ASCII)
_NOT_IN_A_PLACE = frozenset(" \"'\\,{}")


def _part(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value or not value.isprintable() or not _NOT_IN_A_PLACE.isdisjoint(value):
        raise ConfigurationError(f"{attribute.name} {value!r} cannot stand in an ARN")


def _account(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value != "*" and not _ACCOUNT.fullmatch(value):
        raise ConfigurationError(
            f"{attribute.name} {value!r} is no account: write its 12 digits, or leave it out"
        )


@attrs.frozen(kw_only=True)
class Place:
    """Where resources are; `*` for any.

    Args:
        app: the application's id.
        region: such as `us-east-1`.
        account: twelve digits.
        partition: `aws`, `aws-us-gov` or `aws-cn`.

    Raises:
        ConfigurationError: a part cannot stand in an ARN.
    """

    app: str = attrs.field(default="*", validator=_part)
    region: str = attrs.field(default="*", validator=_part)
    account: str = attrs.field(default="*", validator=[_part, _account])
    partition: str = attrs.field(default="aws", validator=_part)


def arn(place: Place, resource: str) -> str:
    """Return the ARN of a Pinpoint resource.

    Args:
        place: where.
        resource: what stands behind the account, with `${AppId}` and other ids as variables.
    """
    named = resource.replace("${AppId}", place.app)
    segments = ("*" if part.startswith("${") else part for part in named.split("/"))
    return ":".join(
        ("arn", place.partition, "mobiletargeting", place.region, place.account, "/".join(segments))
    )


def statement(actions: Iterable[str], resources: Iterable[str] | str) -> Document:
    """Return a statement that allows actions on resources."""
    return {
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources if isinstance(resources, str) else sorted(resources),
    }


def policy_for(operations: Iterable[str], place: Place | None = None) -> Document:
    """Return the smallest policy that allows these operations.

    Args:
        operations: names of the API, such as `PutEvents`; `GetReports` is an action too.
        place: where they are allowed; everywhere unless given.

    Returns:
        A policy with one statement for each group of operations with the same resources.

    Raises:
        ConfigurationError: there is no such operation, or none is named.

    Examples:
        >>> policy_for(["PutEvents"], Place(app="abc", region="us-east-1", account="111122223333"))[
        ...     "Statement"
        ... ][0]["Resource"]
        ['arn:aws:mobiletargeting:us-east-1:111122223333:apps/abc/events']
    """
    at = Place() if place is None else place
    groups: dict[tuple[str, ...], set[str]] = {}
    for operation in operations:
        action = known(operation.removeprefix("mobiletargeting:"))
        if action is None:
            raise ConfigurationError(f"no such operation: {operation}{_meant(operation)}")
        resources = tuple(sorted(arn(at, resource) for resource in action.resources))
        groups.setdefault(resources, set()).add(f"mobiletargeting:{action.name}")
    if not groups:
        raise ConfigurationError("name the operations that the policy is for, such as PutEvents")
    return {
        "Version": VERSION,
        "Statement": [
            statement(actions, resources) for resources, actions in sorted(groups.items())
        ],
    }


def trust_policy(
    service: str = "pinpoint.amazonaws.com",
    *,
    place: Place | None = None,
    external_id: str | None = None,
) -> Document:
    """Return the trust document of a role that a service takes on.

    Args:
        service: the service's principal.
        place: restricts the trust to requests from there: the account, and the application if it
            is named. Unrestricted unless given.
        external_id: what the service has to present.

    Raises:
        ConfigurationError: the place has an application but no account.

    Examples:
        >>> trust_policy()["Statement"][0]["Principal"]
        {'Service': 'pinpoint.amazonaws.com'}
    """
    conditions: dict[str, dict[str, object]] = {}
    if place is not None and place.account != "*":
        conditions["StringEquals"] = {"aws:SourceAccount": place.account}
        if place.app != "*":
            whole = arn(place, "apps/${AppId}")
            conditions["ArnLike"] = {"aws:SourceArn": [whole, f"{whole}/*"]}
    elif place is not None and place.app != "*":
        raise ConfigurationError("a trust document for one application needs its account")
    if external_id is not None:
        conditions.setdefault("StringEquals", {})["sts:ExternalId"] = external_id
    trust: Document = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        trust["Condition"] = conditions
    return {"Version": VERSION, "Statement": [trust]}


def _meant(operation: str) -> str:
    close = difflib.get_close_matches(operation, ACTIONS, n=1)
    return f"; did you mean {close[0]}?" if close else ""
