"""Moved to `pinpoint_kit.recording.details`; answers from there for one release."""

from pinpoint_kit.system.moved import forward

__getattr__ = forward(__name__, "pinpoint_kit.recording.details")
