"""`EndpointState`: one stored endpoint as a value, how a patch changes it, how it is shown.

The merge rules of one endpoint stand here. Rules that touch several endpoints (same address, same
user) stand in endpoints/writer.py. No SQL.

Maps are kept as JSON text and opened only when a patch touches them, so that reading an endpoint
decodes nothing.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.engine.storage.tables.endpoints import DEMOGRAPHIC, LOCATION
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.engine.endpoints.parsing import Patch
    from pinpoint_kit.limits import Limits

__all__ = [
    "COLUMNS",
    "EndpointState",
    "check",
    "copied",
    "decoded",
    "merge",
    "merge_lists",
    "new_state",
    "opened_lists",
    "rendered",
    "rendered_row",
]


@attrs.define(slots=True)
class EndpointState:
    """A row of `endpoints` but for its number, in the order of the columns."""

    app: int
    endpoint: str
    id: str = attrs.field(repr=False)
    channel_type: str | None = None
    address: str | None = attrs.field(default=None, repr=False)
    status: str = "ACTIVE"
    opt_out: str = "NONE"
    effective_date: int = 0
    creation_date: int = 0
    cohort: int = 0
    request_id: str = ""
    user_id: str | None = attrs.field(default=None, repr=False)
    user_attributes: str | None = attrs.field(default=None, repr=False)
    attributes: str | None = attrs.field(default=None, repr=False)
    metrics: str | None = attrs.field(default=None, repr=False)
    app_version: str | None = None
    locale: str | None = None
    make: str | None = None
    model: str | None = None
    model_version: str | None = None
    platform: str | None = None
    platform_version: str | None = None
    timezone: str | None = None
    city: str | None = attrs.field(default=None, repr=False)
    country: str | None = None
    latitude: float | None = attrs.field(default=None, repr=False)
    longitude: float | None = attrs.field(default=None, repr=False)
    postal_code: str | None = attrs.field(default=None, repr=False)
    region: str | None = attrs.field(default=None, repr=False)

    def row(self) -> tuple[object, ...]:
        """Return the values in the order of `COLUMNS`."""
        values: tuple[object, ...] = _row(self)
        return values

    @property
    def contact(self) -> tuple[str, str] | None:
        """What only one active endpoint may have: channel type and address, if known."""
        if self.channel_type and self.address:
            return self.channel_type, self.address
        return None


#: Channels whose messages would go nowhere without an address. Devices get theirs later.
_NEED_ADDRESSES = frozenset({"SMS", "VOICE", "EMAIL", "CUSTOM"})
_DEMOGRAPHIC = tuple(DEMOGRAPHIC)
_LOCATION = tuple(LOCATION)
_SPLIT = len(_DEMOGRAPHIC)
COLUMNS = tuple(field.name for field in attrs.fields(EndpointState))
_GROUPED = (*DEMOGRAPHIC.values(), *LOCATION.values())
if COLUMNS[-len(_GROUPED) :] != _GROUPED:  # `rendered_row` counts on it
    raise TypeError("EndpointState must end with the columns of Demographic and Location in order")
_row = attrgetter(*COLUMNS)
_texts = attrgetter(
    "id", "address", "channel_type", *DEMOGRAPHIC.values(), "city", "country",
    "postal_code", "region", "user_id", "attributes", "metrics",
)  # fmt: skip


def new_state(app: int, key: str, endpoint_id: str, now: int, unique_id: str) -> EndpointState:
    """Return an endpoint that nothing is known about. Its cohort is drawn from `unique_id`."""
    return EndpointState(
        app=app, endpoint=key, id=endpoint_id, creation_date=now, cohort=int(unique_id, 16) % 100
    )


def copied(state: EndpointState) -> EndpointState:
    """Return a copy to be changed."""
    return EndpointState(*state.row())  # type: ignore[arg-type]


def merge(after: EndpointState, patch: Patch, now: int, request_id: str) -> None:
    """Change an endpoint by an update; the user is the caller's business.

    An update makes an endpoint active unless it says otherwise, and dates it now unless it
    carries its own date.
    """
    if patch.address is not None:
        after.address = patch.address or None
    if patch.channel_type is not None:
        after.channel_type = patch.channel_type
    after.status = patch.status or "ACTIVE"
    after.opt_out = patch.opt_out or after.opt_out
    after.effective_date = now if patch.effective_date is None else patch.effective_date
    after.request_id = patch.request_id or request_id
    for column, value in patch.columns.items():
        setattr(after, column, None if value == "" else value)
    after.attributes = merge_lists(after.attributes, patch.attributes)
    if patch.metrics:
        values = {**_opened(after.metrics), **patch.metrics} if after.metrics else patch.metrics
        after.metrics = orjson.dumps(values).decode()


def merge_lists(stored: str | None, changes: Mapping[str, Sequence[str]]) -> str | None:
    """Return the map as JSON: a list replaces the whole list of its name, `[]` clears it."""
    if not changes:
        return stored
    values = {**_opened(stored), **changes} if stored else changes
    if not all(values.values()):
        values = {name: value for name, value in values.items() if value}
    return orjson.dumps(values).decode() if values else None


def opened_lists(text: str) -> dict[str, list[str]]:
    """Return stored lists by name."""
    lists: dict[str, list[str]] = orjson.loads(text)
    return lists


def check(state: EndpointState, user_attributes: str | None, limits: Limits) -> None:
    """Check what can only be said of the whole endpoint.

    An app registers before it has a push token: a push or in-app channel needs no address yet,
    and neither does an endpoint that opted out of everything.

    Raises:
        ApiError: an address has no channel type, a channel that sends to addresses has none, or
            the endpoint has become too large.
    """
    if state.address and not state.channel_type:
        raise bad_request("Missing ChannelType")
    if state.channel_type in _NEED_ADDRESSES and not state.address and state.opt_out != "ALL":
        raise bad_request("Missing Address")
    # Every name has a colon, and no character more than 4 bytes: mostly nothing must be opened.
    attributes, metrics = state.attributes or "", state.metrics or ""
    of_user = user_attributes or ""
    most = limits.max_endpoint_attributes
    if (
        attributes.count(":") + metrics.count(":") + of_user.count(":") > most
        and sum(len(_opened(text)) for text in (attributes, metrics, of_user)) > most
    ):
        raise bad_request("Too many custom attributes")
    texts = [of_user, *filter(None, _texts(state))]
    if 4 * sum(map(len, texts)) <= limits.max_endpoint_bytes:
        return
    if sum(len(text.encode()) for text in texts) > limits.max_endpoint_bytes:
        raise bad_request(
            f"Too many custom attributes: the endpoint is larger than "
            f"{limits.max_endpoint_bytes} bytes"
        )


def _opened(text: str | None) -> dict[str, object]:
    opened: dict[str, object] = orjson.loads(text) if text else {}
    return opened


def rendered(
    state: EndpointState, application_id: str, user_attributes: str | None
) -> dict[str, object]:
    """Return the endpoint as GetEndpoint shows it, for orjson to write."""
    return rendered_row((*state.row(), user_attributes), application_id)


def rendered_row(row: Sequence[Any], application_id: str) -> dict[str, object]:
    """Return an endpoint as `rendered` does.

    Args:
        row: the values of `COLUMNS`, then the attributes (JSON) of its user.
        application_id: the application.
    """
    (
        _, _, endpoint_id, channel_type, address, status, opt_out, effective_date, creation_date,
        cohort, request_id, user_id, waiting, attributes, metrics, *others, user_attributes,
    ) = row  # fmt: skip
    user: dict[str, object] = {}
    if user_id is not None:
        user = {"UserId": user_id, "UserAttributes": _fragment(user_attributes)}
    elif waiting is not None:
        user = {"UserAttributes": _fragment(waiting)}
    created = instants.from_ms(creation_date)
    is_new = effective_date == creation_date
    pairs = zip(_DEMOGRAPHIC, others[:_SPLIT], strict=True)
    demographic = {name: value for name, value in pairs if value is not None}
    pairs = zip(_LOCATION, others[_SPLIT:], strict=True)
    location = {name: value for name, value in pairs if value is not None}
    answer: dict[str, object] = {
        "ApplicationId": application_id,
        "Attributes": _fragment(attributes),
        "CohortId": str(cohort),
        "CreationDate": created,
        "Demographic": demographic,
        "EffectiveDate": created if is_new else instants.from_ms(effective_date),
        "EndpointStatus": status,
        "Id": endpoint_id,
        "Location": location,
        "Metrics": _fragment(metrics),
        "OptOut": opt_out,
        "RequestId": request_id,
        "User": user,
    }
    if address is not None:
        answer["Address"] = address
    if channel_type is not None:
        answer["ChannelType"] = channel_type
    return answer


def decoded(shown: object) -> Any:  # noqa: ANN401 -- whatever JSON says
    """Return what `rendered` gives, or some of it, as plain values that can be read."""
    return orjson.loads(orjson.dumps(shown))


def _fragment(text: str | None) -> object:
    """Return stored JSON so that it goes into the answer as it is, without being decoded."""
    return orjson.Fragment(text) if text else {}
