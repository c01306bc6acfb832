"""What a few 429s at random do to the pace of requests."""

from __future__ import annotations

import random

from pinpoint_kit.delivery.pacing import Pacer


def test_a_few_429s_do_not_bring_delivery_to_a_halt() -> None:
    """With 429 for one request in fifteen, whatever the pace, an hour sees more than 5/s."""
    draw = random.Random(1)  # noqa: S311 -- repeatable
    now, sent = 0.0, 0
    pacer = Pacer({}, lambda: now)
    while now < 3_600.0:
        wait = pacer.spend("PutEvents")
        now += max(wait, 0.01)
        if not wait:
            sent += 1
            if draw.random() < 1 / 15:
                pacer.throttled("PutEvents")
            else:
                pacer.succeeded("PutEvents")
    assert sent / 3_600 > 5
