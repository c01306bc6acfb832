"""The object type: how Customer Profiles reads the profile objects, and which key makes them one.

A request of PutProfileObjectType but for the domain. Values whose names it does not list stay in
the object, and do not become attributes of the profile.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pinpoint_kit.migration.customer_profiles.mapping.tables import EMAIL_SLOTS, PHONE_SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KEY_NAME", "OBJECT_TYPE", "columns", "object_type"]

OBJECT_TYPE = "PinpointProfile"
#: Its name is the domain's: other object types that use it find the same profiles.
KEY_NAME = "pinpointKey"
_MAX_LABEL_CHARS = 64
_HASH_CHARS = 16


def object_type(region_field: str, attributes: Iterable[str]) -> dict[str, object]:
    """Return the object type.

    Args:
        region_field: the field of `Address` that has the region.
        attributes: the names of all attributes.
    """
    fields = {"AccountNumber": _field("AccountNumber")}
    fields["PartyTypeString"] = _field("PartyTypeString")
    fields |= {slot: _field(slot, "EMAIL_ADDRESS") for slot in EMAIL_SLOTS}
    fields |= {slot: _field(slot, "PHONE_NUMBER") for slot in PHONE_SLOTS}
    for name in ("City", "Country", "PostalCode", region_field):
        fields[f"Address.{name}"] = _field(f"Address.{name}")
    for name in sorted(attributes):
        fields[_label(name)] = _field(f"Attributes.{name}")
    return {
        "ObjectTypeName": OBJECT_TYPE,
        "Description": "Endpoints and users of Amazon Pinpoint",
        "AllowProfileCreation": True,
        "Fields": fields,
        "Keys": {
            KEY_NAME: [
                {"StandardIdentifiers": ["PROFILE", "UNIQUE"], "FieldNames": ["AccountNumber"]}
            ],
            "_email": [{"StandardIdentifiers": [], "FieldNames": [slot]} for slot in EMAIL_SLOTS],
            "_phone": [{"StandardIdentifiers": [], "FieldNames": [slot]} for slot in PHONE_SLOTS],
        },
    }


def columns(region_field: str, attributes: Iterable[str]) -> list[str]:
    """Return the columns of the profiles as a table, in the order of the object type."""
    return [
        *("AccountNumber", "PartyTypeString", *EMAIL_SLOTS, *PHONE_SLOTS),
        *(f"Address.{name}" for name in ("City", "Country", "PostalCode", region_field)),
        *(f"Attributes.{name}" for name in sorted(attributes)),
    ]


def _field(path: str, kind: str = "STRING") -> dict[str, str]:
    return {"Source": f"_source.{path}", "Target": f"_profile.{path}", "ContentType": kind}


def _label(name: str) -> str:
    """Return the name of a field, which is shorter than that of an attribute may be."""
    label = f"Attributes.{name}"
    if len(label) <= _MAX_LABEL_CHARS:
        return label
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARS]
    return f"{label[: _MAX_LABEL_CHARS - _HASH_CHARS - 1]}.{digest}"
