"""Checks of options that several rooms share, each for `attrs.field(validator=…)`.

What a model of the service may hold is checked in models/, and limits in limits.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    import attrs

__all__ = ["positive"]


def positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Check that an option is a number above 0.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"{attribute.name} must be a number above 0, and is {value!r}")
