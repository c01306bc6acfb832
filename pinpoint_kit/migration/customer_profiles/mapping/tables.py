"""Which members an endpoint has, and under which names they stand in a profile."""

from __future__ import annotations

from pinpoint_kit.migration.customer_profiles.mapping.members import DEFAULTS, PLAIN

__all__ = [
    "DEMOGRAPHIC_NAMES",
    "DEMOGRAPHIC_PATHS",
    "DEVICE_MEMBERS",
    "EMAIL_SLOTS",
    "GROUPS",
    "KNOWN_REFUSALS",
    "LOCATION_NAMES",
    "LOCATION_PATHS",
    "MAX_VALUE_CHARS",
    "NUMERIC",
    "OUR_PREFIXES",
    "PATHS",
    "PHONE_SLOTS",
    "PLAIN_NAMES",
    "PREFIXES",
    "PREFIX_OF",
    "TOP_PATHS",
    "USER_NAMES",
    "USUAL",
]

EMAIL_SLOTS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")
PHONE_SLOTS = ("PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber", "BusinessPhoneNumber")
_LOCATION = ("City", "Country", "PostalCode", "Region")
_COORDINATES = ("Latitude", "Longitude")
_DEMOGRAPHIC = (
    "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion",
    "Timezone",
)  # fmt: skip
LOCATION_PATHS = {name: f"Location.{name}" for name in (*_LOCATION, *_COORDINATES)}
NUMERIC = frozenset({"Metrics", *(f"Location.{name}" for name in _COORDINATES)})
DEMOGRAPHIC_PATHS = {name: f"Demographic.{name}" for name in _DEMOGRAPHIC}
DEMOGRAPHIC_NAMES = {
    name: (path, f"Demographic_{name}") for name, path in DEMOGRAPHIC_PATHS.items()
}
LOCATION_NAMES = {name: (path, f"Location_{name}") for name, path in LOCATION_PATHS.items()}
PLAIN_NAMES = {name: f"pinpoint_{name}" for name in PLAIN}
#: Up to so many values of a name, and endpoints of a user, are usual.
USUAL = 16
MAX_VALUE_CHARS = 255
USER_NAMES = frozenset({"UserId", "UserAttributes"})
#: What `Demographic` says of a device, in the order of the table of devices.
DEVICE_MEMBERS = ("Platform", "AppVersion", "Make", "Model")
KNOWN_REFUSALS = ("ALL", "INACTIVE", *DEFAULTS.values(), None)
PATHS = frozenset(
    {*DEMOGRAPHIC_PATHS.values(), *LOCATION_PATHS.values(), "User.UserId", "User.UserAttributes"}
)
#: What counts for a group that is no object.
TOP_PATHS = {"User": "User.UserId"}
#: How attributes begin that are made of other members.
PREFIXES = {
    "Address_": "Address",
    "EmailAddress_": "Address",
    "PhoneNumber_": "Address",
    "Demographic_": "Demographic",
    "Location_": "Location",
    "Metrics_": "Metrics",
    "User_": "User.UserAttributes",
}
#: What names of attributes begin with that are made here: an endpoint's own may be the same.
OUR_PREFIXES = (*PREFIXES, "pinpoint_", "optOut_", "inactive_")
PREFIX_OF = {"Metrics": "Metrics_", "User.UserAttributes": "User_"}
GROUPS = frozenset({"Address", "Attributes", "Demographic", "Location", "Metrics", "User"})
