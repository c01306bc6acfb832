"""`pinpoint-kit iam`: policies, roles and trust documents, and a check of what one has.

These commands open no connection; documents go to stdout as JSON.
"""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, BinaryIO

import attrs
import click

from pinpoint_kit import iam as documents
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import ANSWER_OPTIONS, example
from pinpoint_kit.cli.output import print_json, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.cli.options import Option

__all__ = ["iam"]

_LARGEST = 1_000_000


@click.group()
def iam() -> None:
    """Make and check IAM policies, roles and trust documents."""


def placed(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for where it holds, as `place`; None when none is given."""

    @functools.wraps(function)
    def command(
        *,
        app: str | None,
        region: str | None,
        account: str | None,
        partition: str | None,
        as_json: bool,  # noqa: ARG001 -- the answer is JSON; a failure becomes JSON as well
        **own: object,
    ) -> None:
        given = {"app": app, "region": region, "account": account, "partition": partition}
        parts = {name: value for name, value in given.items() if value is not None}
        function(place=documents.Place(**parts) if parts else None, **own)

    with_options: Callable[..., None] = command
    options: tuple[Option, ...] = (
        *reversed(ANSWER_OPTIONS),
        click.option("--partition", metavar="NAME", help="aws, aws-us-gov or aws-cn."),
        click.option("--account", metavar="ID", help="The account, 12 digits; any unless given."),
        click.option("--region", metavar="NAME", help="The Region; any unless given."),
        click.option("--app", metavar="ID", help="The application's id; any unless given."),
    )
    for option in options:
        with_options = option(with_options)
    return with_options


@example(
    "iam policy --for PutEvents --for UpdateEndpoint --app ID",
    "iam policy --name read-only --app ID",
)
@iam.command("policy")
@click.option(
    "--for",
    "operations",
    multiple=True,
    metavar="OPERATION",
    help="An operation that it allows; repeat it for several.",
)
@click.option(
    "--name",
    type=click.Choice(documents.POLICIES),
    metavar="NAME",
    help=f"One of the guide's policies instead: {', '.join(documents.POLICIES)}.",
)
@placed
def policy(operations: tuple[str, ...], name: str | None, place: documents.Place | None) -> None:
    """Print a policy that allows these operations and no others."""
    if bool(operations) == (name is not None):
        raise click.UsageError("say what it is for: --for OPERATION, or --name NAME")
    if name is not None:
        print_json(documents.named_policy(name, place))
    else:
        print_json(documents.policy_for(operations, place))


@example("iam role export --target my-bucket/exports --account ID")
@iam.command("role")
@click.argument("name", type=click.Choice(list(documents.ROLES)))
@click.option(
    "--target",
    required=True,
    metavar="NAME",
    help="The bucket (BUCKET/FOLDER), the stream or the function.",
)
@placed
def role(name: str, target: str, place: documents.Place | None) -> None:
    """Print the trust document and the permissions of a role for Pinpoint.

    lambda has no role: its permissions are the statement for the function's own policy.
    """
    print_json(attrs.asdict(documents.role(name, target, place)))


@example("iam cognito-role --app ID --account ID --external-id X")
@iam.command("cognito-role")
@click.option("--external-id", metavar="TEXT", help="What Cognito has to present.")
@click.option("--user-pool", default="*", metavar="ID", help="The pool; any unless given.")
@placed
def cognito_role(external_id: str | None, user_pool: str, place: documents.Place | None) -> None:
    """Print the documents of the role that a Cognito app client names."""
    print_json(
        attrs.asdict(documents.cognito_role(place, external_id=external_id, user_pool=user_pool))
    )


@example("iam trust --account ID --app ID")
@iam.command("trust")
@click.option(
    "--service",
    default="pinpoint.amazonaws.com",
    show_default=True,
    metavar="NAME",
    help="The service that takes the role on.",
)
@click.option("--external-id", metavar="TEXT", help="What the service has to present.")
@placed
def trust(service: str, external_id: str | None, place: documents.Place | None) -> None:
    """Print the trust document of a role."""
    print_json(documents.trust_policy(service, place=place, external_id=external_id))


def _answering(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(ANSWER_OPTIONS):
        function = option(function)
    return function


@example("iam check policy.json")
@iam.command("check")
@click.argument("source", metavar="FILE", type=click.File("rb"))
@_answering
def check(source: BinaryIO, *, as_json: bool) -> None:
    """Check a policy or a trust document; FILE - is stdin.

    Found are unknown actions, an invalid Version, ARNs that match nothing, and resources that
    leave out what lies below a project. The exit status is 1 when something was found.
    """
    content = source.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise click.UsageError("FILE is larger than a policy can be")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise click.UsageError("FILE is not JSON") from None
    findings = _findings(document)
    if as_json:
        print_json([attrs.asdict(finding) for finding in findings])
    elif findings:
        for finding in findings:
            click.echo(shown(str(finding)))
    else:
        click.echo("nothing found")
    sys.exit(REFUSED if findings else 0)


def _findings(document: object) -> list[documents.Finding]:
    """Check a document, or both of what `iam role` prints."""
    if not isinstance(document, dict) or not document.keys() <= {"trust", "permissions"}:
        return documents.check_policy(document)
    return [
        attrs.evolve(finding, path=f"$.{name}{finding.path[1:]}")
        for name, part in document.items()
        if part
        for finding in documents.check_policy(part)
    ]
