"""A sender with all channels on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from tests.engine.conftest import Wire


@pytest.fixture
def sender(wire: Wire) -> Sender:
    """Give a sender of an application with all channels on."""
    made = Sender(wire)
    made.enable()
    return made
