"""Moved to `pinpoint_kit.audience.applications`; answers from there for one release."""

from pinpoint_kit.system.moved import forward

__getattr__ = forward(__name__, "pinpoint_kit.audience.applications")
