"""Amazon Cognito user pools: their records, a hook for boto3 clients, and a trigger handler.

Only imports belong here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.identity.cognito.hook import with_analytics
    from pinpoint_kit.identity.cognito.reader import TABLE, read
    from pinpoint_kit.identity.cognito.regions import RegionCheck, check_regions
    from pinpoint_kit.identity.cognito.trigger import trigger_handler

__all__ = ["TABLE", "RegionCheck", "check_regions", "read", "trigger_handler", "with_analytics"]

_HOME_OF = {
    "TABLE": "reader",
    "RegionCheck": "regions",
    "check_regions": "regions",
    "read": "reader",
    "trigger_handler": "trigger",
    "with_analytics": "hook",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
