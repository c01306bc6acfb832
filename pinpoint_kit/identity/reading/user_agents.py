"""A user agent's text: the device that it names, and what of it tells two devices apart.

The text itself never leaves this module: it is long, it changes weekly, and with rare software it
names its person. `ua-parser` (extra `identity`) is imported when it is first used.
"""

from __future__ import annotations

import functools
import re
from importlib.util import find_spec
from typing import Any

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.reading.values import label, printable
from pinpoint_kit.models.endpoint import Demographic

__all__ = ["demographic_of", "family_of", "require_parser"]

#: Longer texts are cut before they are looked at: no browser's is so long, and the patterns of the
#: parser take time in proportion.
_LONGEST = 512
_REMEMBERED = 4_096
_NUMBERS = re.compile(r"[0-9]+(?:[._][0-9]+)*")


@functools.lru_cache(maxsize=_REMEMBERED)
def family_of(user_agent: str) -> str:
    """Return the user agent without its numbers: the same before and after an update.

    It is a part of what endpoint ids are made from, so it depends on no library's data.
    """
    return _NUMBERS.sub("", user_agent[:_LONGEST])


def require_parser() -> None:
    """Find out whether user agents can be parsed.

    Raises:
        ConfigurationError: the extra `identity` is not installed.
    """
    if find_spec("ua_parser") is None:
        raise ConfigurationError(
            "ua-parser is missing, which reads user agents: pip install 'pinpoint-kit[identity]'"
        )


@functools.lru_cache(maxsize=_REMEMBERED)
def demographic_of(user_agent: str) -> Demographic | None:
    """Return platform, make and model; None when the text names none, or without the extra.

    Args:
        user_agent: any length.
    """
    try:
        from ua_parser import Domain, parser  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError:
        return None
    # Without the browser, which is not kept.
    found: Any = parser(printable(user_agent, _LONGEST), Domain.OS | Domain.DEVICE)
    os, device = found.os, found.device
    platform = None if os is None else label(os.family)
    make = None if device is None else label(device.brand)
    model = None if device is None else label(device.model)
    if platform is None and make is None and model is None:
        return None
    version = None if os is None else ".".join(filter(None, (os.major, os.minor, os.patch)))
    return Demographic(
        make=make, model=model, platform=platform, platform_version=label(version or None)
    )
