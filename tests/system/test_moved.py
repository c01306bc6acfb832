"""Dotted paths that the documentation named before answer for one release, with a warning."""

from __future__ import annotations

from importlib import import_module

import pytest

MOVED = [
    ("analytics.auth", "recording.auth", "Auth"),
    ("analytics.events", "recording.events", "Events"),
    ("analytics.purchases", "recording.purchases", "Purchases"),
    ("analytics.recorder", "recording.details", "EventDetails"),
    ("analytics.sessions", "recording.sessions", "Sessions"),
    ("applications", "audience.applications", "Applications"),
]


@pytest.mark.parametrize(("old", "new", "name"), MOVED)
def test_a_path_of_before_answers(old: str, new: str, name: str) -> None:
    """The old path gives the same object, and the warning at the caller's line names the new."""
    module = import_module(f"pinpoint_kit.{old}")
    with pytest.warns(DeprecationWarning, match=f"import {name} from pinpoint_kit.{new}") as caught:
        value = getattr(module, name)
    assert value is getattr(import_module(f"pinpoint_kit.{new}"), name)
    assert caught[0].filename == __file__


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A moved module has no other names, and special ones are not looked for elsewhere."""
    module = import_module("pinpoint_kit.applications")
    with (
        pytest.warns(DeprecationWarning, match="Aplications"),
        pytest.raises(AttributeError, match="Aplications"),
    ):
        getattr(module, "Aplic" + "ations")
    with pytest.raises(AttributeError, match="__path__"):
        getattr(module, "__pa" + "th__")
