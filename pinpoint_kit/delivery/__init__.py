"""Background delivery: recording, batches, requests. Threads of the SDK live only here."""

from pinpoint_kit.delivery.delivery import Delivery
from pinpoint_kit.delivery.options import DeliveryOptions, WhenFull
from pinpoint_kit.delivery.report import DeadLetter, DeliveryReport, DeliveryStats

__all__ = [
    "DeadLetter",
    "Delivery",
    "DeliveryOptions",
    "DeliveryReport",
    "DeliveryStats",
    "WhenFull",
]
