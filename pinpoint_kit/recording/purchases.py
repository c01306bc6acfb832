"""Purchases: `_monetization.purchase` with its documented attribute and metric names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.recording.details import Defaults

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder

__all__ = ["Purchases"]

PURCHASE = "_monetization.purchase"


class Purchases:
    """The purchases of one application. Recorded in the background, like `events.record`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def record(  # noqa: PLR0913 -- the documented parts of a purchase
        self,
        endpoint_id: Id,
        *,
        product_id: AttributeValue,
        price: MetricValue,
        currency: AttributeValue = None,
        quantity: MetricValue = 1,
        store: AttributeValue = None,
        transaction_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record a purchase. It never blocks and never raises, like `events.record`.

        Args:
            endpoint_id: where it was made.
            product_id: the product (attribute `_product_id`). Never cut.
            price: of one item. A number is the metric `_item_price`; text such as `"9,99 €"`
                is the attribute `_item_price_formatted`, and then no revenue can be counted.
            currency: ISO 4217 code, for example `EUR` (attribute `_currency`). Never cut.
            quantity: items bought (metric `_quantity`).
            store: for example `Apple` or `Virtual` (attribute `_store`).
            transaction_id: the store's id (attribute `_transaction_id`). Never cut.
            **details: as in `events.record`; its attributes and metrics are added.

        Returns:
            The event id.

        Raises:
            ValidationError: strict, and the event cannot be sent as it is.
            ClosedError: strict, and the client was closed.

        Source: Mobile Analytics migration guide; the AWS mobile SDKs.
        """
        attributes: dict[str, AttributeValue] = {
            "_product_id": product_id,
            "_currency": currency,
            "_store": store,
            "_transaction_id": transaction_id,
        }
        metrics: dict[str, MetricValue] = {"_quantity": quantity}
        if isinstance(price, str):
            attributes["_item_price_formatted"] = price
        else:
            metrics["_item_price"] = price
        more = Defaults(details.pop("attributes", None), details.pop("metrics", None))
        details["attributes"] = {
            name: item for name, item in attributes.items() if item is not None
        }
        details["metrics"] = metrics
        return self._recorder.record(endpoint_id, PURCHASE, defaults=more, **details)
