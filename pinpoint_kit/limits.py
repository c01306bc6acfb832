"""Every limit of the service, once: value, unit and source.

Packing, validation, pacing and the engine read their numbers here and nowhere else. `Limits` holds
what is enforced and is a plain value: replace what differs for you and hand it to
`connect(limits=...)`. `QUOTAS` holds what was published and nothing here enforces.

Nothing but attrs and the errors may be imported here.

    >>> from pinpoint_kit.limits import Limits
    >>> Limits().max_events_per_request
    100
    >>> Limits(max_endpoints_per_user=10).max_endpoints_per_user   # as it was in 2018
    10
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_LIMITS", "MOST_IMPORTED_EVENTS", "QUOTAS", "UNLIMITED", "Limits", "Quota"]

_QUOTAS = "Developer Guide, Quotas (2023-04)"
_RATES = "Amazon Pinpoint endpoints and quotas (2026-08)"
_MODEL = "service model pinpoint/2016-12-01"

#: Use it for a limit that should not apply.
UNLIMITED = 2**63 - 1
#: Events, and lines, of one ImportEvents, which is ours: one transaction that others wait for.
MOST_IMPORTED_EVENTS = 1_000


def _check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(
            f"{attribute.name} is {type(value).__name__}: pass an int, or UNLIMITED for no limit"
        )
    if value < 1:
        raise ConfigurationError(
            f"{attribute.name} is {value}: pass 1 or more, or UNLIMITED for no limit"
        )


def _limit(value: int, unit: str, source: str, meaning: str) -> int:
    # attrs.field() returns a marker that type checkers must see as the field's own type.
    return attrs.field(
        default=value,
        validator=_check,
        metadata={"unit": unit, "source": source, "meaning": meaning},
    )


@attrs.frozen(kw_only=True)
class Limits:
    """The limits that are enforced. MB is 1,000,000 bytes and KB 1,000 bytes, the stricter reading.

    Every attribute carries `unit`, `source` and `meaning` in its attrs metadata; the limits
    page of the documentation is generated from them. `UNLIMITED` switches a limit off.

    Raises:
        ConfigurationError: a value is no whole number of 1 or more.
    """

    # Requests
    max_request_bytes: int = _limit(7_000_000, "bytes", _QUOTAS, "payload of any request")

    # Events
    max_events_per_request: int = _limit(
        100, "events", _QUOTAS, "events in one PutEvents request, over all its endpoints"
    )
    max_event_request_bytes: int = _limit(4_000_000, "bytes", _QUOTAS, "one PutEvents request")
    max_event_bytes: int = _limit(1_000_000, "bytes", _QUOTAS, "one event")
    max_event_keys: int = _limit(
        40, "keys", _QUOTAS, "attribute keys and metric keys of one event together"
    )
    max_event_key_chars: int = _limit(50, "characters", _QUOTAS, "event attribute or metric key")
    max_event_value_chars: int = _limit(
        200, "characters", _QUOTAS, "event attribute value; beyond it the event is dropped"
    )

    # Endpoints
    max_endpoints_per_request: int = _limit(
        100, "endpoints", _QUOTAS, "items in one UpdateEndpointsBatch request"
    )
    max_endpoint_request_bytes: int = _limit(
        7_000_000, "bytes", _QUOTAS, "one UpdateEndpointsBatch request"
    )
    max_endpoint_bytes: int = _limit(15_000, "bytes", _QUOTAS, "one endpoint")
    max_endpoint_attributes: int = _limit(
        250,
        "names",
        _QUOTAS + "; 40 in 2018",
        "names in Attributes, Metrics and UserAttributes together",
    )
    max_endpoint_name_chars: int = _limit(
        50, "characters", _QUOTAS, "endpoint attribute, metric or user attribute name"
    )
    max_endpoint_value_chars: int = _limit(
        100, "characters", _QUOTAS, "endpoint or user attribute value"
    )
    max_values_per_attribute: int = _limit(
        50, "values", _QUOTAS, "values of one endpoint or user attribute"
    )
    max_endpoints_per_user: int = _limit(
        15, "endpoints", _QUOTAS + "; 10 until 2021", "endpoints with the same user id"
    )

    # Applications
    max_application_name_chars: int = _limit(
        64, "characters", "User Guide, Managing projects", "name of an application"
    )
    max_tags: int = _limit(50, "tags", _RATES, "tags per resource")

    # Jobs
    max_import_files: int = _limit(10_000, "files", _RATES, "files in one import job")
    max_import_jobs: int = _limit(
        10, "jobs", _QUOTAS + "; 2 in 2018", "import jobs running at once per account"
    )

    # Segments
    max_segment_dimensions: int = _limit(100, "dimensions", _QUOTAS, "dimensions of one segment")
    max_segment_values: int = _limit(
        100, "values", "User Guide, Building segments", "values over all dimensions of a segment"
    )
    max_segment_value_chars: int = _limit(
        100, "characters", "User Guide, Building segments", "one value of a dimension"
    )

    # Messages
    max_recipients_per_request: int = _limit(
        100,
        "recipients",
        _QUOTAS,
        "addresses and endpoints in one SendMessages request, users in one SendUsersMessages",
    )

    # Campaigns
    max_campaigns: int = _limit(
        200, "campaigns", _QUOTAS, "active campaigns per account, here per database"
    )
    max_event_campaigns: int = _limit(
        25, "campaigns", _QUOTAS, "active event-based campaigns per application"
    )

    # Request rates of the hosted service. The burst is the same number.
    put_events_per_second: int = _limit(15, "requests/s", _RATES, "PutEvents")
    update_endpoint_per_second: int = _limit(10, "requests/s", _RATES, "UpdateEndpoint")
    update_endpoints_batch_per_second: int = _limit(2, "requests/s", _RATES, "UpdateEndpointsBatch")
    get_endpoint_per_second: int = _limit(10, "requests/s", _RATES, "GetEndpoint")
    delete_endpoint_per_second: int = _limit(5, "requests/s", _RATES, "DeleteEndpoint")


DEFAULT_LIMITS = Limits()


@attrs.frozen
class Quota:
    """A number that the service published, and that nothing here enforces.

    Attributes:
        value: the number.
        unit: of what.
        source: where it was published.
        meaning: what it applies to.
    """

    value: int
    unit: str
    source: str
    meaning: str


#: Name -> what was published of the hosted service beyond `Limits`.
QUOTAS: Mapping[str, Quota] = MappingProxyType(
    {
        "max_event_types": Quota(1_500, "types", _QUOTAS, "custom event types per application"),
        "max_event_attribute_keys": Quota(
            500, "keys", _QUOTAS, "custom event attribute keys per application"
        ),
        "max_event_metric_keys": Quota(
            500, "keys", _QUOTAS, "custom event metric keys per application"
        ),
        "max_event_attribute_values": Quota(
            100_000, "values", _QUOTAS, "distinct values per event attribute key that charts show"
        ),
        "max_applications": Quota(100, "applications", _QUOTAS, "applications per Region"),
        "max_import_bytes": Quota(1_000_000_000, "bytes", _QUOTAS, "one import job"),
        "max_imported_segment_endpoints": Quota(
            100_000_000, "endpoints", _QUOTAS, "endpoints of an imported segment in a campaign"
        ),
        "max_journeys": Quota(50, "journeys", _RATES, "active journeys per account"),
        "max_journey_activities": Quota(40, "activities", _RATES, "activities of one journey"),
        "max_event_journeys": Quota(20, "journeys", _RATES, "event-triggered journeys"),
        "max_journey_days": Quota(540, "days", _RATES, "duration of one journey"),
        "max_hook_bytes": Quota(6_000_000, "bytes", _QUOTAS, "payload of one hook invocation"),
        "max_hook_seconds": Quota(15, "seconds", _QUOTAS, "duration of one hook invocation"),
        "max_hook_attributes": Quota(5, "attributes", _QUOTAS, "event attributes per endpoint"),
        "max_hook_attribute_chars": Quota(
            128, "characters", _QUOTAS, "key or value of such an event attribute"
        ),
        "segment_changes_per_second": Quota(
            25, "requests/s", _RATES, "CreateSegment, UpdateSegment, DeleteSegment, each"
        ),
        "campaign_changes_per_second": Quota(
            25, "requests/s", _RATES, "CreateCampaign, UpdateCampaign, DeleteCampaign, each"
        ),
        "send_messages_per_second": Quota(4_000, "requests/s", _QUOTAS, "SendMessages"),
        "send_users_messages_per_second": Quota(6_000, "requests/s", _QUOTAS, "SendUsersMessages"),
        "phone_number_validate_per_second": Quota(20, "requests/s", _QUOTAS, "PhoneNumberValidate"),
        "template_changes_per_second": Quota(10, "requests/s", _RATES, "template operations, each"),
        "other_operations_per_second": Quota(
            300, "requests/s", _RATES, "any other operation, each (CreateImportJob among them)"
        ),
        "analytics_retention_days": Quota(
            90, "days", "Developer Guide, Analytics", "how long the service kept analytics data"
        ),
        "max_kpi_days": Quota(
            31, "days", "Developer Guide, Analytics", "range of one KPI query, both ends included"
        ),
    }
)
