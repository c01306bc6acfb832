"""Opt-outs: the addresses that get nothing on a channel, found, added and lifted.

They are personal data: addresses come by forms that are sent, so that no URL, history or log holds
one. All of it goes through ListOptOuts, AddOptOuts and RemoveOptOuts, which the audit log names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from pinpoint_kit.errors import BadRequest, ValidationError
from pinpoint_kit.models.endpoint import ChannelType
from pinpoint_kit.server.console import problems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

_PAGE_SIZE = 100
#: Those whose addresses people write into a form come first.
_FIRST = ("EMAIL", "SMS", "VOICE")
_CHANNELS = (*_FIRST, *sorted({each.value for each in ChannelType} - set(_FIRST)))
_REASONS = ("opted_out", "complained", "bounced")


async def show(visit: Visit) -> Response:
    """List a page of opt-outs, the oldest first."""
    return await _listed(
        visit,
        channel=visit.parameter("channel"),
        reason=visit.parameter("reason"),
        after=visit.parameter("after"),
    )


async def find(visit: Visit) -> Response:
    """List the opt-outs of an address, which a URL must not hold."""
    address = visit.field("address")
    return await _listed(visit, address=address) if address else RedirectResponse("opt-outs", 303)


async def add(visit: Visit) -> Response:
    """Add an opt-out and show it, or say why there can be none of this address."""
    address, channel, reason = map(visit.field, ("address", "channel", "reason"))
    if not address:
        return await _listed(visit, wrong="Write an address to add.", status=400)
    try:
        count = await visit.run(
            lambda: visit.pinpoint.opt_outs.add(address, channel, reason=reason or _REASONS[0])
        )
    except (ValidationError, BadRequest) as error:
        status, _, advice = problems.of(error, visit.visitor)
        return await _listed(visit, wrong=advice, status=status, added=(address, channel, reason))
    state = "Added" if count else "It was there already"
    done = f"{state}: this address gets nothing on {channel} until its opt-out is lifted."
    return await _listed(visit, address=address, channel=channel, done=done)


async def remove(visit: Visit) -> Response:
    """Lift an opt-out, and lead back to the page on which it stood."""
    address, channel = visit.field("address"), visit.field("channel")
    await visit.run(lambda: visit.pinpoint.opt_outs.remove(address, channel))
    asked = {name: visit.field(f"of_{name}") for name in ("channel", "reason", "after")}
    query = urlencode({name: text for name, text in asked.items() if text})
    return RedirectResponse(f"../opt-outs?{query}" if query else "../opt-outs", 303)


async def _listed(  # noqa: PLR0913 -- what is asked, and what was done
    visit: Visit,
    *,
    address: str = "",
    channel: str = "",
    reason: str = "",
    after: str = "",
    done: str = "",
    wrong: str = "",
    added: tuple[str, str, str] = ("", "", ""),
    status: int = 200,
) -> Response:
    found, following = await visit.run(
        lambda: visit.pinpoint.opt_outs.page(
            size=_PAGE_SIZE,
            after=after or None,
            address=address or None,
            channel=channel or None,
            reason=reason or None,
        )
    )
    filters = {name: text for name, text in (("channel", channel), ("reason", reason)) if text}
    return visit.page(
        "opt_outs.html",
        status,
        title="Opt-outs",
        active="opt-outs",
        found=found,
        asked={"channel": channel, "reason": reason, "after": after, "address": address},
        # A page of an address is whole: no link may hold it.
        onward=urlencode({**filters, "after": following}) if following and not address else "",
        first=urlencode(filters),
        channels=_CHANNELS,
        reasons=_REASONS,
        done=done,
        wrong=wrong,
        added=added,
    )


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/opt-outs", show),
    ("POST", "/opt-outs", find),
    ("POST", "/opt-outs/add", add),
    ("POST", "/opt-outs/remove", remove),
]
