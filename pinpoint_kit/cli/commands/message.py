"""`pinpoint-kit message`: send messages and one-time passwords, and look at telephone numbers."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json, print_pairs, say
from pinpoint_kit.cli.pairs import lists, pair
from pinpoint_kit.models.wire.channels import CHANNEL_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["message"]

_RESULTS = (
    Column("To", 20),
    Column("Status"),
    Column("Code", is_number=True),
    Column("Id", 12, is_optional=True),
    Column("Text", 20, is_optional=True),
)
_CHANNELS = click.Choice([channel.value for channel in pk.ChannelType], case_sensitive=False)
_SENDING = click.Choice(["EMAIL", "SMS", "VOICE", *sorted(CHANNEL_KEYS)], case_sensitive=False)
_TEMPLATES = frozenset({"email", "push", "sms", "voice"})


@click.group()
def message() -> None:
    """Send messages and one-time passwords.

    On the embedded engine and our server they stay in the outbox, see `pinpoint-kit outbox`.
    """


@example(
    "message enable EMAIL --from shop@example.com",
    "message enable GCM --keys keys.json",
)
@message.command("enable")
@click.argument("channel", type=_SENDING)
@click.option("--from", "from_address", metavar="ADDRESS", help="Whom e-mail is from.")
@click.option(
    "--keys",
    type=click.File("rb"),
    help='For push: a JSON object with the platform\'s keys, such as {"ApiKey": "any"}; - for'
    " stdin. The engine does not keep them.",
)
@common
def enable(
    settings: Settings, channel: str, from_address: str | None, keys: BinaryIO | None
) -> None:
    """Turn a CHANNEL on; without it, nothing is sent through it.

    E-mail needs --from, push needs --keys.
    """
    if channel == "EMAIL" and not from_address:
        raise click.UsageError("EMAIL needs --from ADDRESS: whom e-mail is from")
    if keys is None and channel in CHANNEL_KEYS:
        wanted = ", or ".join(" and ".join(names) for names in CHANNEL_KEYS[channel])
        raise click.UsageError(f"{channel} needs --keys FILE, a JSON object with {wanted}")
    given = None if keys is None else _keys(keys)
    with settings.opened() as pinpoint:
        pinpoint.messages.enable(channel, from_address=from_address, keys=given)
    if settings.as_json:
        print_json({"Channel": channel})
    else:
        click.echo(f"enabled {channel}")


@example("message disable SMS")
@message.command("disable")
@click.argument("channel", type=_SENDING)
@common
def disable(settings: Settings, channel: str) -> None:
    """Turn a CHANNEL off, and remove its settings."""
    with settings.reading() as pinpoint:
        pinpoint.messages.disable(channel)
    if settings.as_json:
        print_json({"Channel": channel})
    else:
        click.echo(f"disabled {channel}")


@example("message channels")
@message.command("channels")
@output_options
@common
def channels(settings: Settings, form: Form | None) -> None:
    """List the channels that have settings, and whether each is on."""
    with settings.reading() as pinpoint:
        found = pinpoint.messages.channels()
    listing = Listing(
        (Column("Channel"), Column("Enabled")),
        [(kind, "yes" if is_on else "no") for kind, is_on in found.items()],
        [{"Channel": kind, "Enabled": is_on} for kind, is_on in found.items()],
        empty="no channel is on: `pinpoint-kit message enable CHANNEL` turns one on",
    )
    print_list(listing, form, as_json=settings.as_json)


@example(
    "message send --to ann@example.com --channel EMAIL --body Hi",
    "message send --user user-1 --body 'Your order is here'",
)
@message.command("send")
@click.option("--to", "addresses", metavar="ADDRESS", multiple=True, help="An address; repeat it.")
@click.option("--channel", type=_CHANNELS, metavar="CHANNEL", help="The channel of the addresses.")
@click.option("--endpoint", "endpoints", metavar="ID", multiple=True, help="An endpoint.")
@click.option("--user", "users", metavar="ID", multiple=True, help="All endpoints of a user.")
@click.option("--body", metavar="TEXT", help="The text, for every channel.")
@click.option("--subject", "--title", "title", metavar="TEXT", help="The subject, or the title.")
@click.option("--html", metavar="TEXT", help="The HTML of e-mail.")
@click.option(
    "--template",
    "templates",
    type=pair,
    metavar="KIND=NAME",
    multiple=True,
    help="A template: email=NAME, sms=NAME, push=NAME or voice=NAME.",
)
@click.option(
    "--set",
    "substitutions",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="The value of a variable.",
)
@click.option("--trace-id", metavar="ID", help="An id of your own.")
@output_options
@common
def send(  # noqa: PLR0913, PLR0917 -- one parameter an option
    settings: Settings,
    addresses: tuple[str, ...],
    channel: str | None,
    endpoints: tuple[str, ...],
    users: tuple[str, ...],
    body: str | None,
    title: str | None,
    html: str | None,
    templates: tuple[tuple[str, str], ...],
    substitutions: tuple[tuple[str, str], ...],
    trace_id: str | None,
    form: Form | None,
) -> None:
    """Send a message, and show what became of it for each recipient.

    Exits with 1 when somebody gets nothing.
    """
    if users and (addresses or endpoints):
        raise click.UsageError("give --user, or --to and --endpoint, not both")
    if not (users or addresses or endpoints):
        raise click.UsageError("say to whom: --to, --endpoint or --user")
    if addresses and channel is None:
        raise click.UsageError("an address needs --channel")
    made = _message(body, title, html, dict(templates), lists(substitutions))
    with settings.opened() as pinpoint:
        if users:
            found = pinpoint.messages.send_to_users(made, users, trace_id=trace_id)
        else:
            kind = (channel or "").upper()
            found = pinpoint.messages.send(
                made,
                addresses=dict.fromkeys(addresses, kind),
                endpoints=endpoints or None,
                trace_id=trace_id,
            )
    _print_results(settings, form, found)


@example("message otp +12065550100 --brand Go --reference 1 --from 55")
@message.command("otp")
@click.argument("address", metavar="NUMBER")
@click.option("--brand", metavar="NAME", required=True, help="Whom it is from.")
@click.option("--reference", metavar="ID", required=True, help="What it is for.")
@click.option("--from", "origination", metavar="NUMBER", required=True, help="The sending number.")
@click.option(
    "--length",
    type=click.IntRange(5, 8),
    default=6,
    show_default=True,
    help="How many digits the code has.",
)
@click.option(
    "--minutes",
    type=click.IntRange(5, 60),
    default=15,
    show_default=True,
    help="How long it is valid.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 5),
    default=3,
    show_default=True,
    help="How many wrong codes are forgiven.",
)
@click.option("--language", metavar="CODE", help="Such as de-DE. [default: en-US]")
@common
def otp(  # noqa: PLR0913, PLR0917 -- one parameter an option
    settings: Settings,
    address: str,
    brand: str,
    reference: str,
    origination: str,
    length: int,
    minutes: int,
    attempts: int,
    language: str | None,
) -> None:
    """Send a one-time password to the telephone NUMBER.

    The code is in the outbox, unless the server has a transport for text messages.
    """
    with settings.opened() as pinpoint:
        result = pinpoint.messages.send_otp(
            address,
            brand=brand,
            reference=reference,
            origination=origination,
            code_length=length,
            minutes=minutes,
            attempts=attempts,
            language=language,
        )
    _print_results(settings, None, [result])


@example("message verify-otp +12065550100 123456 --reference log-in")
@message.command("verify-otp")
@click.argument("address", metavar="NUMBER")
@click.argument("code", metavar="CODE")
@click.option("--reference", metavar="ID", required=True, help="As in `message otp`.")
@common
def verify_otp(settings: Settings, address: str, code: str, reference: str) -> None:
    """Check the CODE that was sent to NUMBER; exits with 1 when it is not right."""
    with settings.reading() as pinpoint:
        is_valid = pinpoint.messages.verify_otp(address, code, reference=reference)
    if settings.as_json:
        print_json({"Valid": is_valid})
    else:
        click.echo("valid" if is_valid else "not valid")
    if not is_valid:
        sys.exit(REFUSED)


@example("message validate-phone +12065550142")
@message.command("validate-phone")
@click.argument("number", metavar="NUMBER")
@click.option("--country", metavar="CODE", help="For a number without its calling code.")
@common
def validate_phone(settings: Settings, number: str, country: str | None) -> None:
    """Show what is known of a telephone NUMBER; exits with 1 when there is no such number."""
    with settings.opened() as pinpoint:
        found = pinpoint.messages.validate_phone(number, country=country)
    if settings.as_json:
        print_json(found.to_dict())
    else:
        print_pairs(found.to_dict())
    if not found.is_valid:
        sys.exit(REFUSED)


def _keys(source: BinaryIO) -> dict[str, str]:
    """Read the keys of a platform; no error shows them."""
    try:
        found = json.load(source)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise click.UsageError("--keys takes a JSON object of texts")
    return found


def _message(
    body: str | None,
    title: str | None,
    html: str | None,
    templates: Mapping[str, str],
    substitutions: Mapping[str, Sequence[str]],
) -> pk.DirectMessage:
    """Return the message that the options describe."""
    if not (body or html or templates):
        raise click.UsageError("say what: --body, --html or --template")
    unknown = sorted(templates.keys() - _TEMPLATES)
    if unknown:
        raise click.UsageError(f"--template is for one of {', '.join(sorted(_TEMPLATES))}")
    named = {kind: pk.TemplateReference(name=name) for kind, name in templates.items()}
    email = pk.DirectEmail(
        subject=title, text=body if html else None, html=html, template=named.get("email")
    )
    return pk.DirectMessage(
        body=body,
        email=email,
        sms=pk.DirectSms(template=named["sms"]) if "sms" in named else None,
        push=pk.DirectPush(title=title, template=named.get("push")),
        voice=pk.DirectVoice(template=named["voice"]) if "voice" in named else None,
        substitutions=substitutions or None,
    )


def _print_results(
    settings: Settings, form: Form | None, found: Iterable[pk.MessageResult]
) -> None:
    results = list(found)
    rows = [
        (
            result.address or result.endpoint_id or "",
            result.delivery_status,
            "" if result.status_code is None else result.status_code,
            result.message_id or "",
            "" if result.is_sent else result.status_message or "",
        )
        for result in results
    ]
    listing = Listing(
        _RESULTS, rows, [result.to_dict() for result in results], empty="nobody has an endpoint"
    )
    print_list(listing, form, as_json=settings.as_json)
    lost = sum(not result.is_sent for result in results)
    if settings.is_engine and lost < len(results) and not settings.as_json:
        say(
            "it is in the outbox of this database, and went no further: `pinpoint-kit outbox list`"
            " shows it; `pinpoint-kit serve --transport CHANNEL=URL` lets messages leave"
        )
    if lost:
        if not settings.as_json:
            say(f"{lost} of {len(results)} get nothing")
        sys.exit(REFUSED)
