"""What clients report of push messages, by the library and by the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

IDS = {"campaign_id": "c-1", "campaign_activity_id": "a-1", "treatment_id": "0"}


def test_each_is_an_event_of_the_sdks() -> None:
    """With the ids as their attributes, and what else is given."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        notifications = pinpoint.notifications
        ids = {"campaign_id": "c-1", "activity_id": "a-1", "treatment_id": 0}
        notifications.opened("device-1", **ids, attributes={"screen": "cart"}, event_id="1")  # type: ignore[arg-type]
        notifications.received("device-1", campaign_id="c-1", in_foreground=True, event_id="2")
        notifications.received("device-1", campaign_id="c-1", in_foreground=False, event_id="3")
        assert pinpoint.flush().accepted == 3
        found = {event.id: event for event in pinpoint.events.find()}
    assert found["1"].attributes == {**IDS, "screen": "cart"}
    assert {key: event.type for key, event in found.items()} == {
        "1": "_campaign.opened_notification",
        "2": "_campaign.received_foreground",
        "3": "_campaign.received_background",
    }
    assert found["3"].attributes == {"campaign_id": "c-1"}


@pytest.mark.parametrize(
    ("arguments", "event_type", "ids"),
    [
        (
            ["opened", "device-1", *("--campaign", "c-1", "--activity", "a-1", "--treatment", "0")],
            "_campaign.opened_notification",
            IDS,
        ),
        (
            ["received", "device-1", "--campaign", "c-1", "--background"],
            "_campaign.received_background",
            {"campaign_id": "c-1"},
        ),
    ],
)
def test_the_command_line(
    tmp_path: Path, arguments: list[str], event_type: str, ids: dict[str, str]
) -> None:
    """It waits until the event is taken."""
    url = f"sqlite:///{tmp_path}/shop.db"
    with pk.connect(url, application="shop"):
        pass
    place = ["--url", url, "--application", "shop", "--json"]
    result = CliRunner().invoke(cli, ["notification", *arguments, *place])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["accepted"] is True
    with pk.connect(url, application="shop") as pinpoint:
        (stored,) = pinpoint.events.find()
    assert (stored.id, stored.type) == (answer["event_id"], event_type)
    assert stored.attributes == ids
