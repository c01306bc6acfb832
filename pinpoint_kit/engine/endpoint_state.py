"""`EndpointState`: one stored endpoint as a value, how a patch changes it, how it is shown.

The merge rules of one endpoint stand here. Rules that touch several endpoints (same address, same
user) stand in endpoint_writer.py. No SQL.

Maps are kept as JSON text and opened only when a patch touches them, so that reading an endpoint
decodes nothing.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import attrs
import orjson

from pinpoint_kit.engine import instants, schema
from pinpoint_kit.engine.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.engine.endpoint_patch import Patch
    from pinpoint_kit.limits import Limits

__all__ = [
    "COLUMNS",
    "EndpointState",
    "check",
    "merge_lists",
    "merged",
    "new_state",
    "opened_lists",
    "rendered",
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
        """Returns the values in the order of `COLUMNS`."""
        values: tuple[object, ...] = _row(self)
        return values

    @property
    def contact(self) -> tuple[str, str] | None:
        """What only one active endpoint may have: channel type and address, if known."""
        if self.channel_type and self.address:
            return self.channel_type, self.address
        return None


COLUMNS = tuple(field.name for field in attrs.fields(EndpointState))
_row = attrgetter(*COLUMNS)
_texts = attrgetter(
    "id", "address", "channel_type", *schema.DEMOGRAPHIC.values(), "city", "country",
    "postal_code", "region", "user_id", "attributes", "metrics",
)  # fmt: skip


def new_state(app: int, key: str, endpoint_id: str, now: int, unique_id: str) -> EndpointState:
    """Returns an endpoint that nothing is known about. Its cohort is drawn from `unique_id`."""
    return EndpointState(
        app=app, endpoint=key, id=endpoint_id, creation_date=now, cohort=int(unique_id, 16) % 100
    )


def merged(state: EndpointState, patch: Patch, now: int, request_id: str) -> EndpointState:
    """Returns the endpoint after an update; the user is the caller's business.

    An update makes an endpoint active unless it says otherwise, and dates it now unless it
    carries its own date.
    """
    after = EndpointState(*state.row())  # type: ignore[arg-type]
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
        after.metrics = orjson.dumps({**_opened(after.metrics), **patch.metrics}).decode()
    return after


def merge_lists(stored: str | None, changes: Mapping[str, Sequence[str]]) -> str | None:
    """Returns the map as JSON: a list replaces the whole list of its name, `[]` clears it."""
    if not changes:
        return stored
    values = {**_opened(stored), **changes}
    kept = {name: value for name, value in values.items() if value}
    return orjson.dumps(kept).decode() if kept else None


def opened_lists(text: str) -> dict[str, list[str]]:
    """Returns stored lists by name."""
    lists: dict[str, list[str]] = orjson.loads(text)
    return lists


def check(state: EndpointState, user_attributes: str | None, limits: Limits) -> None:
    """Checks what can only be said of the whole endpoint.

    Raises:
        Refusal: exactly one of channel type and address is known, or it has become too large.
    """
    if bool(state.address) != bool(state.channel_type):
        raise bad_request("Missing Address" if state.channel_type else "Missing ChannelType")
    maps = (state.attributes, state.metrics, user_attributes)
    if sum(len(_opened(text)) for text in maps) > limits.max_endpoint_attributes:
        raise bad_request("Too many custom attributes")
    size = sum(len(text.encode()) for text in (*_texts(state), user_attributes) if text)
    if size > limits.max_endpoint_bytes:
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
    """Returns the endpoint as GetEndpoint shows it, for orjson to write."""
    user: dict[str, object] = {}
    if state.user_id is not None:
        user = {"UserId": state.user_id, "UserAttributes": _fragment(user_attributes)}
    elif state.user_attributes is not None:
        user = {"UserAttributes": _fragment(state.user_attributes)}
    answer: dict[str, object] = {
        "ApplicationId": application_id,
        "Attributes": _fragment(state.attributes),
        "CohortId": str(state.cohort),
        "CreationDate": instants.from_ms(state.creation_date),
        "Demographic": _members(state, schema.DEMOGRAPHIC),
        "EffectiveDate": instants.from_ms(state.effective_date),
        "EndpointStatus": state.status,
        "Id": state.id,
        "Location": _members(state, schema.LOCATION),
        "Metrics": _fragment(state.metrics),
        "OptOut": state.opt_out,
        "RequestId": state.request_id,
        "User": user,
    }
    if state.address is not None:
        answer["Address"] = state.address
    if state.channel_type is not None:
        answer["ChannelType"] = state.channel_type
    return answer


def _members(state: EndpointState, columns: Mapping[str, str]) -> dict[str, object]:
    values = ((member, getattr(state, column)) for member, column in columns.items())
    return {member: value for member, value in values if value is not None}


def _fragment(text: str | None) -> object:
    """Stored JSON goes into the answer as it is, without being decoded."""
    return orjson.Fragment(text) if text else {}
