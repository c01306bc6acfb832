"""Which functions and URLs campaigns call, so that somebody can map them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pinpoint_kit as pk

__all__ = ["called_by"]


def called_by(campaigns: Iterable[pk.Campaign]) -> dict[str, list[str]]:
    """Return what campaigns that may still run call, each with the names of the campaigns."""
    found: dict[str, list[str]] = defaultdict(list)
    for campaign in campaigns:
        if campaign.is_finished:
            continue
        others = campaign.additional_treatments or ()
        custom = [campaign.custom_delivery_configuration]
        custom += [each.custom_delivery_configuration for each in others]
        hook = campaign.hook
        names = [each.delivery_uri for each in custom if each is not None]
        names += [hook.web_url or hook.lambda_function_name or ""] if hook is not None else []
        for name in dict.fromkeys(filter(None, names)):
            found[name].append(campaign.name or campaign.id or "")
    return dict(found)
