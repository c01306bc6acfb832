"""PhoneNumberValidate, and the country of a number: what the library `phonenumbers` knows.

The library is the extra `phone`; it works offline, from its own tables. It knows neither carriers
of countries where numbers move between them, nor postal codes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine.wire.refusals import bad_request, not_implemented

if TYPE_CHECKING:
    from types import ModuleType

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["country_of", "phone_number_validate"]

#: Types of the library -> what the service calls them, and its code.
_TYPES = {
    "MOBILE": ("MOBILE", 0),
    # Numbers of North America do not tell: what takes an SMS is asked for mostly.
    "FIXED_LINE_OR_MOBILE": ("MOBILE", 0),
    "FIXED_LINE": ("LANDLINE", 1),
    "VOIP": ("VOIP", 2),
}
_INVALID = ("INVALID", 3)
_OTHER = ("OTHER", 4)
_MAX_CHARS = 64


def phone_number_validate(context: Context, call: Call) -> object:  # noqa: ARG001 -- see Handler
    """PhoneNumberValidate: what is known of a number, without asking anybody."""
    request = call.members()
    given = str(request.get("PhoneNumber") or "")
    country = str(request.get("IsoCountryCode") or "")
    if not given:
        raise bad_request("Missing PhoneNumber")
    if len(given) > _MAX_CHARS:
        raise bad_request(f"has more than {_MAX_CHARS} characters", ".PhoneNumber")
    library = _library()
    if library is None:
        raise not_implemented(
            'PhoneNumberValidate needs the library phonenumbers: pip install "pinpoint-kit[phone]"'
        )
    answer: dict[str, object] = {"OriginalPhoneNumber": given}
    if country:
        answer["OriginalCountryCodeIso2"] = country
    number = _parsed(library, given, country)
    if number is None or not library.is_valid_number(number):
        answer["PhoneType"], answer["PhoneTypeCode"] = _INVALID
        return answer
    return {**answer, **_known(library, number)}


def country_of(number: str) -> str:
    """Return the country of a number in ISO 3166-1 alpha-2; "" where it is not known.

    It is not known without the extra `phone`.
    """
    library = _library()
    parsed = None if library is None else _parsed(library, number, "")
    if library is None or parsed is None:
        return ""
    return str(library.region_code_for_number(parsed) or "")


def _library() -> ModuleType | None:
    try:
        return import_module("phonenumbers")
    except ImportError:
        return None


def _parsed(library: Any, given: str, country: str) -> Any:
    """Return the number, None when it is none. Digits with a country's code need no plus sign."""
    texts = [(given, country.upper() or None)]
    if not given.startswith("+"):
        texts.append((f"+{given}", None))
    for text, region in texts:
        try:
            number = library.parse(text, region)
        except library.NumberParseException:
            continue
        if library.is_valid_number(number):
            return number
    return None


def _known(library: Any, number: Any) -> dict[str, object]:
    region = library.region_code_for_number(number) or ""
    kind = library.PhoneNumberType.to_string(library.number_type(number))
    name, code = _TYPES.get(kind, _OTHER)
    forms = library.PhoneNumberFormat
    zones = import_module("phonenumbers.timezone").time_zones_for_number(number)
    geocoder = import_module("phonenumbers.geocoder")
    country = geocoder.country_name_for_number(number, "en")
    place = geocoder.description_for_number(number, "en")
    national = library.format_number(number, forms.NATIONAL)
    known = {
        "Carrier": import_module("phonenumbers.carrier").name_for_number(number, "en"),
        "City": "" if place == country else place,
        "CleansedPhoneNumberE164": library.format_number(number, forms.E164),
        "CleansedPhoneNumberNational": "".join(filter(str.isdigit, national)),
        "Country": country,
        "CountryCodeIso2": region,
        "CountryCodeNumeric": str(number.country_code),
        "PhoneType": name,
        "PhoneTypeCode": code,
        "Timezone": "" if zones[:1] == ("Etc/Unknown",) else next(iter(zones), ""),
    }
    return {member: value for member, value in known.items() if value != ""}
