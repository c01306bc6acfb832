"""Purchases: `_monetization.purchase` with its documented attribute and metric names."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pinpoint_kit.recording.recorder import EventDetails, Recorder

__all__ = ["Purchases"]

PURCHASE = "_monetization.purchase"


class Purchases:
    """The purchases of one application. Recorded in the background, like `events.record`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def record(  # noqa: PLR0913 -- the documented parts of a purchase
        self,
        endpoint_id: str,
        *,
        product_id: str,
        price: float | Decimal | str,
        currency: str | None = None,
        quantity: float = 1,
        store: str | None = None,
        transaction_id: str | None = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record a purchase.

        Args:
            endpoint_id: where it was made.
            product_id: the product (attribute `_product_id`).
            price: of one item. A number is the metric `_item_price`; text such as `"9,99 €"`
                is the attribute `_item_price_formatted`, and then no revenue can be counted.
            currency: ISO 4217 code, for example `EUR` (attribute `_currency`).
            quantity: items bought (metric `_quantity`).
            store: for example `Apple` or `Virtual` (attribute `_store`).
            transaction_id: the store's id (attribute `_transaction_id`).
            **details: as in `events.record`; its attributes and metrics are added.

        Returns:
            The event id.

        Raises:
            InvalidTypeError: a value has the wrong type.

        Source: Mobile Analytics migration guide; the AWS mobile SDKs.
        """
        attributes = {
            "_product_id": product_id,
            "_currency": currency,
            "_store": store,
            "_transaction_id": transaction_id,
            "_item_price_formatted": price if isinstance(price, str) else None,
        }
        metrics: dict[str, float] = {"_quantity": quantity}
        if not isinstance(price, str):
            metrics["_item_price"] = float(price) if isinstance(price, Decimal) else price
        given = {name: value for name, value in attributes.items() if value is not None}
        details["attributes"] = {**(details.get("attributes") or {}), **given}
        details["metrics"] = {**(details.get("metrics") or {}), **metrics}
        return self._recorder.record(endpoint_id, PURCHASE, **details)
