"""Elastic Common Schema: what Elastic's own integrations make of a provider's log.

Only the table and the bringing of dotted names into nested ones belong here.

Source: Elastic Common Schema, "Authentication events" (`event.category`, `.outcome`, `.type`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, STOP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["TABLE", "read"]

_MOST_MEMBERS = 2_000


def _nested(record: Record) -> dict[str, object]:
    """Return `{"event.action": x}` as `{"event": {"action": x}}`."""
    result: dict[str, object] = {}
    for name, value in list(record.items())[:_MOST_MEMBERS]:
        *outer, last = name.split(".")[:10] if isinstance(name, str) else [str(name)]
        place = result
        for step in outer:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = dict(inner) if isinstance(inner, Mapping) else {}
                place[step] = inner
            place = inner
        if not (isinstance(value, Mapping) and isinstance(place.get(last), dict)):
            place[last] = dict(value) if isinstance(value, Mapping) else value
    return result


def _words(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _one_form(record: Record) -> Record:
    if any(isinstance(name, str) and "." in name for name in record):
        record = _nested(record)
    event = record.get("event")
    if not isinstance(event, Mapping):
        return record
    categories, kinds = _words(event.get("category")), _words(event.get("type"))
    category, kind = (categories or [""])[0], "start"
    if "authentication" in categories:
        category, kind = "authentication", "end" if "end" in kinds else "start"
    elif "iam" in categories:
        is_new = "user" in kinds and "creation" in kinds
        category, kind = "iam", "creation" if is_new else "change"
    return {**record, "_type": {"category": category, "kind": kind}}


TABLE = ProviderTable(
    name="ecs",
    parts=["_type.category", "_type.kind", "event.outcome"],
    rules={
        "authentication:start:success": SIGN_IN,
        "authentication:start:failure": AUTH_FAIL,
        "authentication:end:success": STOP,
        "authentication:end:": STOP,
        "authentication:*": leave_out("part_of_a_sign_in"),
        "iam:creation:success": SIGN_UP,
        "iam:*": leave_out("account_change"),
        "session:*": leave_out("part_of_a_sign_in"),
    },
    fields={
        "id": ("event.id", "_id"),
        "time": ("@timestamp", "event.created"),
        "user": ("user.target.id", "user.id"),
        "tenant": ("organization.id", "cloud.account.id"),
        "client": ("service.id", "client.id"),
        "device": ("device.id", "host.id"),
        "user_agent": "user_agent.original",
        "platform": ("user_agent.os.name", "host.os.name"),
        "session": "session.id",
        "country": (
            "source.geo.country_iso_code",
            "client.geo.country_iso_code",
            "source.geo.country_name",
        ),
        "region": ("source.geo.region_name", "client.geo.region_name"),
        "city": ("source.geo.city_name", "client.geo.city_name"),
        "reason": ("event.reason", "error.code"),
    },
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one ECS document says; never raises for what it holds.

    Args:
        record: the document (`_source` of a hit), with nested or with dotted names.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({
        ...     "@timestamp": "2024-08-13T15:58:20.353Z", "user.id": "u-1",
        ...     "event.category": ["authentication"], "event.outcome": "success",
        ... }).user_id
        'u-1'
    """
    return table.read(record)
