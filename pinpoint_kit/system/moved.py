"""Names of before: a module that was moved answers from its new home for one release."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["forward"]


def forward(old: str, new: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a module that was moved.

    Args:
        old: its dotted path of before.
        new: its dotted path now, which the warning names.
    """

    def getattribute(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        warnings.warn(
            f"{old} was moved: import {name} from {new}", DeprecationWarning, stacklevel=2
        )
        return getattr(import_module(new), name)

    return getattribute
