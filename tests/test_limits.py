"""The limits: each number as the quotas say, with unit and source, and replaceable."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

import pinpoint_kit
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.limits import DEFAULT_LIMITS, QUOTAS, UNLIMITED, Limits, Quota

#: Section 3 of the semantics page: the 2023-04 quotas, and the 2026-08 rates.
PUBLISHED = {
    "max_request_bytes": 7_000_000,
    "max_events_per_request": 100,
    "max_event_request_bytes": 4_000_000,
    "max_event_bytes": 1_000_000,
    "max_event_keys": 40,
    "max_event_key_chars": 50,
    "max_event_value_chars": 200,
    "max_event_types": 1_500,
    "max_event_attribute_keys": 500,
    "max_event_metric_keys": 500,
    "max_event_attribute_values": 100_000,
    "max_endpoints_per_request": 100,
    "max_endpoint_request_bytes": 7_000_000,
    "max_endpoint_bytes": 15_000,
    "max_endpoint_attributes": 250,
    "max_endpoint_name_chars": 50,
    "max_endpoint_value_chars": 100,
    "max_values_per_attribute": 50,
    "max_endpoints_per_user": 15,
    "max_applications": 100,
    "max_application_name_chars": 64,
    "max_tags": 50,
    "max_import_bytes": 1_000_000_000,
    "max_import_files": 10_000,
    "max_import_jobs": 10,
    "max_segment_dimensions": 100,
    "max_imported_segment_endpoints": 100_000_000,
    "max_campaigns": 200,
    "max_event_campaigns": 25,
    "max_journeys": 50,
    "max_journey_activities": 40,
    "max_event_journeys": 20,
    "max_journey_days": 540,
    "max_hook_bytes": 6_000_000,
    "max_hook_seconds": 15,
    "max_hook_attributes": 5,
    "max_hook_attribute_chars": 128,
    "put_events_per_second": 15,
    "update_endpoint_per_second": 10,
    "update_endpoints_batch_per_second": 2,
    "get_endpoint_per_second": 10,
    "delete_endpoint_per_second": 5,
    "segment_changes_per_second": 25,
    "campaign_changes_per_second": 25,
    "send_messages_per_second": 4_000,
    "send_users_messages_per_second": 6_000,
    "phone_number_validate_per_second": 20,
    "template_changes_per_second": 10,
    "other_operations_per_second": 300,
    "analytics_retention_days": 90,
}
#: Numbers of other sections, not of the quotas.
ELSEWHERE = {
    "max_kpi_days",
    "max_recipients_per_request",
    "max_segment_value_chars",
    "max_segment_values",
}


@pytest.mark.parametrize(("name", "value"), PUBLISHED.items())
def test_each_number_is_the_quota(name: str, value: int) -> None:
    """The default is the documented number."""
    quota = QUOTAS.get(name)
    assert (quota.value if quota else getattr(DEFAULT_LIMITS, name)) == value


def test_the_table_above_is_complete() -> None:
    """A new limit must be added to the table, with its source read again."""
    enforced = {field.name for field in attrs.fields(Limits)}
    assert enforced | QUOTAS.keys() == PUBLISHED.keys() | ELSEWHERE
    assert enforced.isdisjoint(QUOTAS)


@pytest.mark.parametrize("field", attrs.fields(Limits), ids=lambda field: field.name)
def test_each_limit_is_enforced(field: attrs.Attribute[int]) -> None:
    """A limit that nobody reads would be an option that does nothing: it is a quota."""
    readers = [
        path
        for path in Path(pinpoint_kit.__file__).parent.rglob("*.py")
        if path.name != "limits.py" and re.search(rf"\.{field.name}\b", path.read_text())
    ]
    assert readers


@pytest.mark.parametrize("quota", QUOTAS.values(), ids=lambda quota: quota.meaning)
def test_each_quota_says_what_it_is(quota: Quota) -> None:
    """Value, unit, source and meaning are there, since a page is generated from them."""
    assert quota.value >= 1
    assert all(text.strip() for text in (quota.unit, quota.source, quota.meaning))


def test_what_is_not_enforced_is_no_option() -> None:
    """A quota cannot be given as a limit."""
    with pytest.raises(TypeError, match="max_event_types"):
        Limits(max_event_types=1)  # type: ignore[call-arg]  # that is the point


@pytest.mark.parametrize("field", attrs.fields(Limits), ids=lambda field: field.name)
def test_each_limit_says_what_it_is(field: attrs.Attribute[int]) -> None:
    """Unit, source and meaning are there, since a page is generated from them."""
    assert set(field.metadata) == {"unit", "source", "meaning"}
    assert all(text.strip() for text in field.metadata.values())


def test_limits_are_replaced_by_value() -> None:
    """Another value is another object; the defaults stay."""
    changed = attrs.evolve(DEFAULT_LIMITS, max_endpoints_per_user=10, max_event_bytes=UNLIMITED)
    assert (changed.max_endpoints_per_user, DEFAULT_LIMITS.max_endpoints_per_user) == (10, 15)
    assert Limits() == DEFAULT_LIMITS
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        changed.max_tags = 1  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("value", [True, 1.0, "100", None])
def test_a_limit_is_a_whole_number(value: object) -> None:
    """A truth value is no limit either."""
    with pytest.raises(ConfigurationError, match=r"max_tags is \w+: pass an int"):
        Limits(max_tags=value)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_at_least_one(value: int) -> None:
    """Nothing could ever be sent under a limit of none."""
    with pytest.raises(ConfigurationError, match="pass 1 or more"):
        Limits(max_tags=value)
