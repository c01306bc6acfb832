"""Who stands for an address: of several endpoints of a run that have it, one gets the message.

It is the first of those that the checks before let through, by their numbers, whatever becomes of
it after that. It is found among the endpoints, so neither a cleared outbox nor the size of a step
changes it. For addresses that change hands during a run the outbox is asked, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from pinpoint_kit.engine.storage.statements import Lookup, Statement, padded
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.campaigns.running.position import Position
    from pinpoint_kit.engine.campaigns.running.targets import Target

__all__ = ["HAS_MOVED", "holders"]

#: What is said of a message whose endpoint had another address when its turn came.
HAS_MOVED = "The endpoint has another address by now"
_LISTS = (1, 10, 100, 500)
#: Requests leave one active endpoint of an address and channel, and any number of others. So this
#: finds little, and asks an index alone.
_SHARED = Lookup(
    select(ENDPOINTS.c.address)
    .where(ENDPOINTS.c.status == "ACTIVE")
    .group_by(ENDPOINTS.c.address)
    .having(func.count() > 1),
    ENDPOINTS.c.address,
)
_WITH_ADDRESS = Lookup(
    select(
        ENDPOINTS.c.number,
        ENDPOINTS.c.endpoint,
        ENDPOINTS.c.channel_type,
        ENDPOINTS.c.address,
        ENDPOINTS.c.opt_out,
    ).where(ENDPOINTS.c.status == "ACTIVE"),
    ENDPOINTS.c.address,
)
#: Addresses that a campaign has sent to since a run has begun.
_SENT_TO = {
    size: Statement(
        select(MESSAGES.c.channel, MESSAGES.c.address, MESSAGES.c.endpoint)
        .where(MESSAGES.c.app == bindparam("app_"))
        .where(MESSAGES.c.campaign == bindparam("campaign_"))
        .where(MESSAGES.c.number > bindparam("after_"))
        # Those that were kept back: the address may be another's by now.
        .where(MESSAGES.c.status != "OPT_OUT")
        .where(MESSAGES.c.status_text != HAS_MOVED)
        .where(MESSAGES.c.address.in_([bindparam(f"address_{n}") for n in range(size)])),
        "app_",
        "campaign_",
        "after_",
        *(f"address_{n}" for n in range(size)),
    )
    for size in _LISTS
}


def holders(
    connection: Connection,
    activity: Activity,
    position: Position,
    targets: Sequence[Target],
    belonging: Callable[[Sequence[int]], Collection[int]],
) -> dict[tuple[str, str], str]:
    """Return the endpoints that stand for the addresses of a step, by channel type and address.

    Args:
        connection: for reading.
        activity: the run.
        position: how far it is.
        targets: the endpoints of the step.
        belonging: returns which of some endpoints belong to the segment, by their numbers.
    """
    addresses = list({each.address for each in targets if each.address})
    found = _first(connection, activity.app, addresses, targets, belonging)
    head = (activity.app, activity.campaign, position.first_message)
    for part in padded(addresses, _LISTS):
        for channel, address, endpoint in _SENT_TO[len(part)].rows(connection, *head, *part):
            found[channel, address] = endpoint
    return found


def _first(
    connection: Connection,
    app: int,
    addresses: Sequence[str],
    targets: Sequence[Target],
    belonging: Callable[[Sequence[int]], Collection[int]],
) -> dict[tuple[str, str], str]:
    """Return the first endpoint of each address; none where a single one has it."""
    by_contact: dict[tuple[str, str], dict[int, str]] = {}
    several = [row[0] for row in _SHARED.rows(connection, app, addresses)]
    rows = _WITH_ADDRESS.rows(connection, app, several)
    for number, endpoint, channel, address, opt_out in rows:
        if opt_out != "ALL":
            by_contact.setdefault((channel or "", address), {})[number] = endpoint
    shared = {contact: having for contact, having in by_contact.items() if len(having) > 1}
    if not shared:
        return {}
    known = {target.number for target in targets}
    last = max(known)
    asked = {n for having in shared.values() for n in having if n < last and n not in known}
    members = known | set(belonging(sorted(asked))) if asked else known
    return {
        contact: having[min(here)]
        for contact, having in shared.items()
        if (here := members & having.keys())
    }
