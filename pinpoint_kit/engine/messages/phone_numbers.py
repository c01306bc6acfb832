"""PhoneNumberValidate, and the country of a number: what the library `phonenumbers` knows.

The library is the extra `phone`, and is loaded when a number is asked about. It works offline, from
its own tables; it knows neither carriers of countries where numbers move between them, nor postal
codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.wire.refusals import bad_request, not_implemented

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["country_of", "phone_number_validate"]

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
    answer: dict[str, object] = {"OriginalPhoneNumber": given}
    if country:
        answer["OriginalCountryCodeIso2"] = country
    try:
        number = _parsed(given, country)
    except ImportError:
        raise not_implemented(
            "PhoneNumberValidate needs the library phonenumbers: install it where the engine runs,"
            ' pip install "pinpoint-kit[phone]"'
        ) from None
    if number is None:
        answer["PhoneType"], answer["PhoneTypeCode"] = _INVALID
        return answer
    return {**answer, **_known(number)}


def country_of(number: str) -> str:
    """Return the country of a number in ISO 3166-1 alpha-2; "" where it is not known.

    It is not known without the extra `phone`.
    """
    try:
        import phonenumbers  # noqa: PLC0415 -- an extra
    except ImportError:
        return ""
    parsed = _parsed(number, "")
    return "" if parsed is None else phonenumbers.region_code_for_number(parsed) or ""


def _parsed(given: str, country: str) -> PhoneNumber | None:
    """Return the number, None when it is none. Digits with a country's code need no plus sign."""
    import phonenumbers  # noqa: PLC0415 -- an extra

    texts = [(given, country.upper() or None)]
    if not given.startswith("+"):
        texts.append((f"+{given}", None))
    for text, region in texts:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def _known(number: PhoneNumber) -> dict[str, object]:
    import phonenumbers  # noqa: PLC0415 -- an extra
    from phonenumbers import carrier, geocoder, timezone  # noqa: PLC0415 -- large tables

    kinds = phonenumbers.PhoneNumberType
    types = {
        kinds.MOBILE: ("MOBILE", 0),
        # Numbers of North America do not tell: mostly it is asked whether an SMS would arrive.
        kinds.FIXED_LINE_OR_MOBILE: ("MOBILE", 0),
        kinds.FIXED_LINE: ("LANDLINE", 1),
        kinds.VOIP: ("VOIP", 2),
    }
    name, code = types.get(phonenumbers.number_type(number), _OTHER)
    forms = phonenumbers.PhoneNumberFormat
    zones = timezone.time_zones_for_number(number)
    country = geocoder.country_name_for_number(number, "en")
    place = geocoder.description_for_number(number, "en")
    national = phonenumbers.format_number(number, forms.NATIONAL)
    known = {
        "Carrier": carrier.name_for_number(number, "en"),
        "City": "" if place == country else place,
        "CleansedPhoneNumberE164": phonenumbers.format_number(number, forms.E164),
        "CleansedPhoneNumberNational": "".join(filter(str.isdigit, national)),
        "Country": country,
        "CountryCodeIso2": phonenumbers.region_code_for_number(number) or "",
        "CountryCodeNumeric": str(number.country_code),
        "PhoneType": name,
        "PhoneTypeCode": code,
        "Timezone": next((zone for zone in zones if zone != "Etc/Unknown"), ""),
    }
    return {member: value for member, value in known.items() if value != ""}
