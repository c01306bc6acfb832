"""`pinpoint-kit template`: what messages are made from, and what one would look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example, printing_warnings
from pinpoint_kit.cli.output import print_json, shown
from pinpoint_kit.cli.pairs import lists, pair
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.errors import ConfigurationError, ValidationError
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["template"]

_COLUMNS = (
    Column("Name", 20),
    Column("Type"),
    Column("Version", is_number=True),
    Column("Modified", is_optional=True),
    Column("Description", 16, is_optional=True),
)
_TYPES = click.Choice([kind.value for kind in pk.TemplateType], case_sensitive=False)
_MODELS: dict[str, Callable[..., Any]] = {
    "EMAIL": pk.EmailTemplate,
    "INAPP": pk.InAppTemplate,
    "PUSH": pk.PushTemplate,
    "SMS": pk.SMSTemplate,
    "VOICE": pk.VoiceTemplate,
}


@click.group()
def template() -> None:
    """Keep the templates of messages, and show what one would look like."""


_name = click.argument("name", metavar="NAME")
_type = click.option("--type", "kind", type=_TYPES, required=True, help="What it is for.")
_perhaps_type = click.option(
    "--type", "kind", type=_TYPES, help="What it is for; needed where NAME has several types."
)
_version = click.option("--version", metavar="N", help="A version of it.")


def _content(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what a template holds."""
    command = function
    for option in reversed(
        (
            click.option(
                "--file",
                "source",
                type=click.File("r", encoding="utf-8"),
                help="A JSON object with members of Pinpoint, such as `template get --json`"
                " prints; - for stdin.",
            ),
            click.option("--subject", metavar="TEXT", help="The subject of an email."),
            click.option(
                "--html", type=click.File("r", encoding="utf-8"), help="A file with its HTML."
            ),
            click.option(
                "--text", type=click.File("r", encoding="utf-8"), help="A file with its text."
            ),
            click.option("--title", metavar="TEXT", help="The title of a push notification."),
            click.option("--body", metavar="TEXT", help="The text of SMS, voice and push."),
            click.option(
                "--default",
                "defaults",
                type=pair,
                metavar="NAME=VALUE",
                multiple=True,
                help="What stands in for a variable without a value; repeat it.",
            ),
            click.option("--description", metavar="TEXT", help="What it is for, in words."),
        )
    ):
        command = option(command)
    return command


@example(
    "template create hi --type EMAIL --subject Hi --html hi.html",
    "template create code --type SMS --body 'Hi {{Id}}'",
)
@template.command("create")
@_name
@_type
@_content
@common
def create(settings: Settings, name: str, kind: str, **given: Any) -> None:  # noqa: ANN401 -- the options of _content, with the types that they name
    """Make the template NAME, from options or from --file.

    A text that no message can be made of is kept, with a warning that says where it is wrong.
    """
    made = _made(name, kind, **given)
    with settings.opened() as pinpoint, printing_warnings():
        stored = pinpoint.templates.create(made)
    _print_written(settings, stored, "created")


@example("template update code --type SMS --body 'Hi!' --new-version")
@template.command("update")
@_name
@_type
@_content
@click.option("--new-version", is_flag=True, help="Keep the latest version, and make another.")
@common
def update(settings: Settings, name: str, kind: str, *, new_version: bool, **given: Any) -> None:  # noqa: ANN401 -- as above
    """Replace the whole content of the template NAME."""
    made = _made(name, kind, **given)
    with settings.reading() as pinpoint, printing_warnings():
        stored = pinpoint.templates.update(made, new_version=new_version)
    _print_written(settings, stored, "updated")


def _made(  # noqa: PLR0913 -- one parameter an option
    name: str,
    kind: str,
    *,
    source: TextIO | None,
    subject: str | None,
    html: TextIO | None,
    text: TextIO | None,
    title: str | None,
    body: str | None,
    defaults: tuple[tuple[str, str], ...],
    description: str | None,
) -> Any:  # noqa: ANN401 -- one of the five models
    given: dict[str, object] = {
        "subject": subject,
        "html_part": None if html is None else html.read(),
        "text_part": None if text is None else text.read(),
        "body": body,
        "default_substitutions": dict(defaults) or None,
        "description": description,
    }
    if kind == "PUSH":
        given["default"] = (
            pk.PushTemplatePart(title=title, body=body) if title is not None or body else None
        )
        del given["body"]
    elif title is not None:
        raise click.UsageError("--title is for --type PUSH")
    members = {member: value for member, value in given.items() if value is not None}
    if source is not None:
        if members:
            raise click.UsageError("give --file or the other options, not both")
        return _read(name, kind, source.read())
    try:
        return _MODELS[kind](name=name, **members)
    except TypeError as error:
        if isinstance(error, ValidationError):
            raise
        raise click.UsageError(f"a template of type {kind} has no such part") from None


def _read(name: str, kind: str, content: str) -> Any:  # noqa: ANN401 -- as above
    members = wire.from_json(content)
    if not isinstance(members, dict):
        raise ValidationError("expected an object with members of Pinpoint's templates", "$")
    given = {key: value for key, value in members.items() if key != "TemplateType"}
    model: Any = _MODELS[kind]
    return wire.from_wire(model, {**given, "TemplateName": name}, strict=True)


def _print_written(settings: Settings, stored: Any, what: str) -> None:  # noqa: ANN401 -- as above
    if settings.as_json:
        print_json(stored.to_dict())
    else:
        click.echo(f"{what} {shown(stored.name)}, version {stored.version}")


@example("template get welcome --type EMAIL --json")
@template.command("get")
@_name
@_perhaps_type
@_version
@common
def get(settings: Settings, name: str, kind: str | None, version: str | None) -> None:
    """Show the template NAME with its texts; the active version unless another one is named."""
    with settings.reading() as pinpoint:
        found = pinpoint.templates.get(name, kind or _only_type(pinpoint, name), version=version)
    if settings.as_json:
        print_json(found.to_dict())
        return
    for member, value in found.to_dict().items():
        click.echo(f"{member}: {_lines(value)}")


def _lines(value: object) -> str:
    """Return a text that moves no cursor; its own lines stay lines."""
    return "\n".join(shown(line) for line in str(value).split("\n"))


@example("template list --type EMAIL", "template list --prefix welcome --json")
@template.command("list")
@click.option("--type", "kind", type=_TYPES, help="Only those of this type.")
@click.option("--prefix", metavar="TEXT", help="Only those whose name begins so.")
@output_options
@common
def list_templates(
    settings: Settings, kind: str | None, prefix: str | None, form: Form | None
) -> None:
    """List templates, each with its active version."""
    with settings.reading() as pinpoint:
        found = list(pinpoint.templates.list(kind, prefix=prefix))
    _print(settings, form, found, empty="no templates")


@example("template versions welcome --type EMAIL")
@template.command("versions")
@_name
@_perhaps_type
@output_options
@common
def versions(settings: Settings, name: str, kind: str | None, form: Form | None) -> None:
    """List the versions of the template NAME, the latest first."""
    with settings.reading() as pinpoint:
        found = list(pinpoint.templates.versions(name, kind or _only_type(pinpoint, name)))
    _print(settings, form, found, empty="no versions")


def _print(
    settings: Settings, form: Form | None, found: Iterable[pk.TemplateSummary], *, empty: str
) -> None:
    summaries = list(found)
    rows = [
        (
            each.name,
            each.type.value if each.type else "",
            each.version or "",
            f"{each.last_modified_date:%Y-%m-%d %H:%M}Z" if each.last_modified_date else "",
            each.description or "",
        )
        for each in summaries
    ]
    listing = Listing(_COLUMNS, rows, [each.to_dict() for each in summaries], empty=empty)
    print_list(listing, form, as_json=settings.as_json)


@example("template activate welcome --type EMAIL --version 2")
@template.command("activate")
@_name
@_perhaps_type
@_version
@common
def activate(settings: Settings, name: str, kind: str | None, version: str | None) -> None:
    """Say which version of NAME messages are made from; the latest unless one is named."""
    with settings.reading() as pinpoint:
        known = kind or _only_type(pinpoint, name)
        pinpoint.templates.activate(name, known, version or "latest")
        found = pinpoint.templates.get(name, known)
    _print_written(settings, found, "activated")


@example("template delete welcome --type EMAIL --yes")
@template.command("delete")
@_name
@_type
@_version
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete(settings: Settings, name: str, kind: str, version: str | None, *, yes: bool) -> None:
    """Delete the template NAME with all of its versions, or one version."""
    what = f"version {version} of {name}" if version else name
    confirm(f"Delete {what}?", yes=yes)
    with settings.reading() as pinpoint:
        pinpoint.templates.delete(name, kind, version=version)
    if settings.as_json:
        print_json({"TemplateName": name, "TemplateType": kind})
    else:
        click.echo(f"deleted {shown(what)}")


@example(
    "template preview welcome --endpoint device-1",
    "template preview welcome --user user-1 --set promo=SPRING",
)
@template.command("preview")
@_name
@_perhaps_type
@_version
@click.option("--endpoint", metavar="ID", help="For this endpoint.")
@click.option("--user", metavar="ID", help="For all endpoints of this user.")
@click.option(
    "--set",
    "substitutions",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="A value that wins over the endpoint's own; repeat it.",
)
@click.option(
    "--default",
    "defaults",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="A value for what the endpoint lacks; repeat it.",
)
@common
def preview(  # noqa: PLR0913, PLR0917 -- one parameter an option
    settings: Settings,
    name: str,
    kind: str | None,
    version: str | None,
    endpoint: str | None,
    user: str | None,
    substitutions: tuple[tuple[str, str], ...],
    defaults: tuple[tuple[str, str], ...],
) -> None:
    """Show the texts of the template NAME as a recipient would get them: personal data.

    Nothing is sent. Without a recipient, variables have their default values.
    """
    if endpoint is not None and user is not None:
        raise click.UsageError("give --endpoint or --user, not both")
    given: dict[str, Any] = {
        "version": version,
        "substitutions": lists(substitutions),
        "defaults": lists(defaults),
    }
    with settings.reading() as pinpoint:
        known = kind or _only_type(pinpoint, name)
        if user is None:
            found = [pinpoint.templates.preview(name, known, endpoint=endpoint, **given)]
        else:
            found = [*pinpoint.templates.preview_for_user(name, known, user_id=user, **given)]
    if settings.as_json:
        items = [each.to_dict() for each in found]
        print_json(items if user is not None else items[0])
        return
    for each in found:
        if user is not None:
            click.echo(f"== {shown(each.endpoint_id)} ({shown(each.channel_type)})")
        for part, text in each.parts.items():
            click.echo(f"{shown(part)}: {_lines(text)}")


def _only_type(pinpoint: pk.Pinpoint, name: str) -> str:
    """Return the type of the template of this name, where there is one.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    found = [each.type for each in pinpoint.templates.list(prefix=name) if each.name == name]
    kinds = [each.value for each in found if each is not None]
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        raise ConfigurationError(
            f"there is no template {name}: see `pinpoint-kit template list`, or make it with"
            " `pinpoint-kit template create`"
        )
    raise ConfigurationError(
        f"there are templates {name} of the types {', '.join(kinds)}: give one with --type"
    )
