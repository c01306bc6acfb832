"""What opt-outs are asked: ListOptOuts, AddOptOuts and RemoveOptOuts.

Extension operations, see wire/routes.py. Addresses stand in bodies, never in a path or a query,
which logs may show; and no refusal repeats one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints.parsing import CHANNEL_TYPES
from pinpoint_kit.engine.messages.opt_outs import store
from pinpoint_kit.engine.messages.recipients import problem_of
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.records.contacts import PHONE_CHANNELS, comparable, may_be_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call, Context, Handler
    from pinpoint_kit.engine.messages.opt_outs.store import Contact, OptedOut

__all__ = ["HANDLERS"]

#: Begins with the code of a country, as digits alone are taken to do in messages.
_INTERNATIONAL = re.compile(
    r"[0-9]+|(?:tel:)?(?:[\s(]*(?:\+|00)|1[^0-9]).*", re.IGNORECASE | re.DOTALL
)


def list_opt_outs(context: Context, call: Call) -> object:
    """ListOptOuts: the addresses that get nothing, the oldest opt-out first."""
    with apps.checked_first(context, call.application_id):
        size, after = paging.size(call.query), paging.number(call.query)
        source = body.known_members(call.body, {"Address", "Channel", "Reason"})
        address = body.optional_text(source, "Address")
        channel = body.optional_choice(source, "Channel", CHANNEL_TYPES)
        reason = body.optional_choice(source, "Reason", store.REASONS)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = store.find(
            connection,
            app.number,
            address=address,
            channel=channel,
            reason=reason,
            after=after,
            most=size + 1,
        )
    return paging.page(found, size, lambda each: each.number, _shown)


def add_opt_outs(context: Context, call: Call) -> object:
    """AddOptOuts: send nothing to these addresses any more; those that are there stay."""
    with apps.checked_first(context, call.application_id):
        source = body.known_members(call.body, {"Addresses", "Channel", "Reason"})
        reason = body.optional_choice(source, "Reason", store.REASONS) or store.REASONS[0]
        contacts = _contacts(context, source)
        for place, (channel, address) in enumerate(contacts):
            if problem := _problem(channel, address):
                raise bad_request(problem, f".Addresses[{place}]")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        count = store.add(connection, app.number, contacts, reason=reason, now=call.now)
    return {"OptOuts": count}


def remove_opt_outs(context: Context, call: Call) -> object:
    """RemoveOptOuts: these addresses may be sent to again. Their endpoints stay as they are."""
    with apps.checked_first(context, call.application_id):
        contacts = _contacts(context, body.known_members(call.body, {"Addresses", "Channel"}))
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        count = store.remove(connection, app.number, contacts)
        if count:
            remnants.leave(context.store, connection, context.new_id(), call.now)
    context.store.scrub()
    context.announce()
    return {"OptOuts": count}


def _problem(channel: str, address: str) -> str:
    """Return why an address can be none of its channel, in whatever spelling; "" if it can."""
    if channel in PHONE_CHANNELS:
        plain = unicodedata.normalize("NFKC", address).strip()
        if not may_be_number(address) or not _INTERNATIONAL.fullmatch(plain):
            return problem_of(channel, "no number")
    return problem_of(channel, comparable(channel, address))


def _shown(found: OptedOut) -> dict[str, object]:
    return {
        "Address": found.address,
        "ChannelType": found.channel,
        "Reason": found.reason,
        "Since": instants.from_ms(found.since),
    }


def _contacts(context: Context, source: Mapping[str, object]) -> list[Contact]:
    channel = body.optional_choice(source, "Channel", CHANNEL_TYPES)
    if channel is None:
        raise bad_request("Missing Channel: say on which channel nothing may be sent")
    given = source.get("Addresses")
    if not isinstance(given, list) or not given:
        raise bad_request("must be a list of addresses", ".Addresses")
    most = context.limits.max_recipients_per_request
    if len(given) > most:
        raise bad_request(f"has {len(given)} addresses; a request has at most {most}", ".Addresses")
    for place, address in enumerate(given):
        if not isinstance(address, str) or not address.strip():
            raise bad_request("must be a text that is not empty", f".Addresses[{place}]")
    return [(channel, cast("str", address)) for address in given]


HANDLERS: Mapping[str, Handler] = {
    "AddOptOuts": add_opt_outs,
    "ListOptOuts": list_opt_outs,
    "RemoveOptOuts": remove_opt_outs,
}
