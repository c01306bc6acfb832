"""The cases of segment evaluation: worlds of endpoints, definitions, and who belongs to them.

Expectations are written by hand. Each world is a set of endpoints by id; a case names its world, a
definition, and the ids of its members. `NOW` is the time of evaluation.
"""

from __future__ import annotations

from typing import Any

NOW = "2026-01-02T03:04:05.678Z"

NUL = "\0"


def a(name: str, how: str | None, *values: str) -> dict[str, Any]:
    """One attribute."""
    dimension = {"Values": list(values)} | ({"AttributeType": how} if how else {})
    return {"Dimensions": {"Attributes": {name: dimension}}}


def u(name: str, how: str, *values: str) -> dict[str, Any]:
    """One user attribute."""
    return {
        "Dimensions": {"UserAttributes": {name: {"AttributeType": how, "Values": list(values)}}}
    }


def m(name: str, comparison: str, value: float) -> dict[str, Any]:
    """One metric."""
    return {"Dimensions": {"Metrics": {name: {"ComparisonOperator": comparison, "Value": value}}}}


def d(member: str, how: str | None, *values: str) -> dict[str, Any]:
    """One member of Demographic."""
    dimension = {"Values": list(values)} | ({"DimensionType": how} if how else {})
    return {"Dimensions": {"Demographic": {member: dimension}}}


def c(how: str, *values: str) -> dict[str, Any]:
    """Return the country."""
    return {"Dimensions": {"Location": {"Country": {"DimensionType": how, "Values": list(values)}}}}


def g(latitude: float, longitude: float, kilometers: float) -> dict[str, Any]:
    """Return a point with a range."""
    coordinates = {"Latitude": latitude, "Longitude": longitude}
    point = {"Coordinates": coordinates, "RangeInKilometers": kilometers}
    return {"Dimensions": {"Location": {"GPSPoint": point}}}


def r(kind: str, duration: str) -> dict[str, Any]:
    """Recency."""
    return {"Dimensions": {"Behavior": {"Recency": {"Duration": duration, "RecencyType": kind}}}}


def groups(*given: dict[str, Any], include: str | None = None) -> dict[str, Any]:
    """Segment groups."""
    return {"SegmentGroups": {"Groups": list(given)} | ({"Include": include} if include else {})}


def group(
    *entries: dict[str, Any],
    on: tuple[str, ...] = (),
    type_: str | None = None,
    source_type: str | None = None,
) -> dict[str, Any]:
    """One group; sources are named by their names in `SOURCES`."""
    made: dict[str, Any] = {"Dimensions": [entry["Dimensions"] for entry in entries]}
    if on:
        made["SourceSegments"] = [{"Id": name} for name in on]
    if type_:
        made["Type"] = type_
    if source_type:
        made["SourceType"] = source_type
    return made


def lists(**values: list[str]) -> dict[str, Any]:
    """Return an endpoint with attributes."""
    return {"Attributes": values}


def at(*values: str) -> dict[str, Any]:
    """Return an endpoint with dates."""
    return {"Attributes": {"at": list(values)}}


def place(latitude: float | None, longitude: float | None) -> dict[str, Any]:
    """Return an endpoint with coordinates."""
    given = {"Latitude": latitude, "Longitude": longitude}
    return {"Location": {name: value for name, value in given.items() if value is not None}}


def channel(name: str) -> dict[str, Any]:
    """Return an endpoint of a channel."""
    return {"ChannelType": name, "Address": f"address of {name}"}


ODD_NAMES = {
    "apostrophe": "it's",
    "quote": 'a"b',
    "backslash": "a\\b",
    "percent": "a%b",
    "underscore": "a_b",
    "dot": "a.b",
    "dollar": "$",
    "bracket": "a[0]",
    "empty": "",
    "space": " ",
    "accent": "né",
    "emoji": "🎉",
    "newline": "a\nb",
    "nul": f"a{NUL}b",
    "injection": "a') OR 1=1 --",
    "pathlike": '"].x',
}
ODD_VALUES = {**ODD_NAMES, "comma": ",", "list": '","', "close": '"]', "star": "*", "glob": "[a]"}

WORLDS: dict[str, dict[str, dict[str, Any]]] = {
    "lists": {
        "none": {},
        "pro": lists(plan=["pro"]),
        "free": lists(plan=["free"]),
        "both": lists(plan=["free", "pro"]),
        "upper": lists(plan=["PRO"]),
        "longer": lists(plan=["professional"]),
        "blank": lists(plan=[""]),
        "other": lists(tier=["pro"]),
        "cut": lists(plan=[f"pro{NUL}x"]),
        "many": lists(plan=[f"v{number}" for number in range(50)]),
    },
    "names": {key: {"Attributes": {name: ["x"]}} for key, name in ODD_NAMES.items()},
    "values": {key: lists(plan=["first", value]) for key, value in ODD_VALUES.items()},
    "dates": {
        "none": {},
        "noon": at("2026-01-10T12:00:00Z"),
        "start": at("2026-01-10T00:00:00Z"),
        "last": at("2026-01-10T23:59:59.999999999Z"),
        "next": at("2026-01-11T00:00:00.000Z"),
        "nano": at("2026-01-10T12:00:00.000000001Z"),
        "lower": at("2026-01-10t12:00:00z"),
        "early": at("1999-12-31T23:59:59Z"),
        "late": at("9999-12-31T23:59:59Z"),
        "several": at("soon", "2026-01-10T12:00:00.5Z"),
        "naive": at("2026-01-10T12:00:00"),
        "day": at("2026-01-10"),
        "offset": at("2026-01-10T12:00:00+00:00"),
        "space": at("2026-01-10 12:00:00Z"),
        "padded": at(" 2026-01-10T12:00:00Z"),
        "minutes": at("2026-01-10T12:00Z"),
        "basic": at("20260110T120000Z"),
        "february": at("2026-02-30T12:00:00Z"),
        "hour24": at("2026-01-09T24:00:00Z"),
        "leap": at("2026-01-10T12:00:60Z"),
        "fraction": at("2026-01-10T12:00:00.Z"),
        "fine": at("2026-01-10T12:00:00.0000000001Z"),
        "comma": at("2026-01-10T12:00:00,5Z"),
        "zero": at("0000-01-10T12:00:00Z"),
        "arabic": at("٢٠٢٦-01-10T12:00:00Z"),
        "cut": at(f"2026-01-10T12:00:00Z{NUL}"),
        "blank": at(""),
    },
    "users": {
        "phone": {"User": {"UserId": "u1", "UserAttributes": {"team": ["Lakers"]}}},
        "mail": {"User": {"UserId": "u1"}},
        "rival": {"User": {"UserId": "u2", "UserAttributes": {"team": ["Bulls", "Nets"]}}},
        "fan": {"User": {"UserId": "u3", "UserAttributes": {"sport": ["Lakers"]}}},
        "plain": {"User": {"UserId": "u4"}},
        "waiting": {"User": {"UserAttributes": {"team": ["Lakers"]}}},
        "stranger": {"Attributes": {"team": ["Lakers"]}},
        "since": {"User": {"UserId": "u5", "UserAttributes": {"since": ["2026-01-10T12:00:00Z"]}}},
    },
    "metrics": {
        "none": {},
        "other": {"Metrics": {"score": 5}},
        "five": {"Metrics": {"level": 5}},
        "fivefold": {"Metrics": {"level": 5.0}},
        "more": {"Metrics": {"level": 5.5}},
        "less": {"Metrics": {"level": 4.999999999999999}},
        "zero": {"Metrics": {"level": 0}},
        "minus": {"Metrics": {"level": -0.0}},
        "negative": {"Metrics": {"level": -1e300}},
        "tenth": {"Metrics": {"level": 0.1}},
        "huge": {"Metrics": {"level": 9007199254740993}},
        "odd": {"Metrics": {'a"b': 5, "": 6, "a.b": 7}},
    },
    "texts": {
        "none": {},
        "ios": {
            "Demographic": {
                "Platform": "ios",
                "Make": "Apple",
                "Model": "iPhone",
                "AppVersion": "1.0",
            }
        },
        "android": {"Demographic": {"Platform": "android", "Make": "Google", "AppVersion": "1.1"}},
        "upper": {"Demographic": {"Platform": "iOS"}},
        "odd": {"Demographic": {"Platform": "i_s%'\"\\🎉"}},
        "portugal": {"Location": {"Country": "PT"}},
        "spain": {"Location": {"Country": "ES"}},
    },
    "channels": {
        "none": {},
        **{
            name.lower(): channel(name)
            for name in (
                "PUSH",
                "GCM",
                "APNS",
                "APNS_SANDBOX",
                "APNS_VOIP",
                "APNS_VOIP_SANDBOX",
                "ADM",
                "BAIDU",
                "SMS",
                "VOICE",
                "EMAIL",
                "CUSTOM",
                "IN_APP",
            )
        },
        "gone": {**channel("EMAIL"), "Address": "other", "EndpointStatus": "INACTIVE"},
        "out": {**channel("SMS"), "Address": "other", "OptOut": "ALL"},
    },
    "places": {
        "nowhere": {},
        "half": place(0.0, None),
        "other_half": place(None, 0.0),
        "zero": place(0.0, 0.0),
        "east": place(0.0, 1.0),
        "north": place(1.0, 0.0),
        "far": place(0.0, 180.0),
        "lisbon": place(38.7, -9.1),
        "porto": place(41.1, -8.6),
        "fiji": place(-17.0, 179.9),
        "beyond": place(-17.0, -179.9),
        "pole": place(90.0, 0.0),
        "near_pole": place(89.9, 180.0),
        "near_pole_too": place(89.9, -90.0),
        "south_pole": place(-90.0, 45.0),
        "wrong": place(123.0, 123.0),
        "around": place(0.0, 361.0),
    },
    "recency": {
        "now": {"EffectiveDate": NOW},
        "day": {"EffectiveDate": "2026-01-01T03:04:05.678Z"},
        "day_more": {"EffectiveDate": "2026-01-01T03:04:05.677Z"},
        "week": {"EffectiveDate": "2025-12-26T03:04:05.678Z"},
        "week_more": {"EffectiveDate": "2025-12-26T03:04:05.677Z"},
        "fortnight": {"EffectiveDate": "2025-12-19T03:04:05.678Z"},
        "fortnight_more": {"EffectiveDate": "2025-12-19T03:04:05.677Z"},
        "month": {"EffectiveDate": "2025-12-03T03:04:05.678Z"},
        "month_more": {"EffectiveDate": "2025-12-03T03:04:05.677Z"},
        "old": {"EffectiveDate": "2001-01-01T00:00:00Z"},
        "future": {"EffectiveDate": "2030-01-01T00:00:00Z"},
        "old_event": {"EffectiveDate": "2001-01-01T00:00:00Z"},
        "day_event": {"EffectiveDate": "2001-01-01T00:00:00Z"},
        "week_event": {"EffectiveDate": "2001-01-01T00:00:00Z"},
        "several_events": {"EffectiveDate": "2001-01-01T00:00:00Z"},
        "fresh_old_event": {"EffectiveDate": NOW},
    },
    "groups": {
        "none": {},
        "x": lists(x=["1"]),
        "y": lists(y=["1"]),
        "z": lists(z=["1"]),
        "xy": lists(x=["1"], y=["1"]),
        "yz": lists(y=["1"], z=["1"]),
        "xyz": lists(x=["1"], y=["1"], z=["1"]),
        "listed": {},
        "of_user": {"User": {"UserId": "u1"}},
        "of_user_too": {"User": {"UserId": "u1"}, "Attributes": {"x": ["1"]}},
    },
}
#: Timestamps of events by endpoint of the world "recency".
EVENTS = {
    "old_event": ["2001-01-02T00:00:00Z"],
    "day_event": ["2026-01-01T03:04:05.678Z"],
    "week_event": ["2025-12-26T03:04:05.677Z"],
    "several_events": ["2026-01-02T00:00:00Z", "2001-01-02T00:00:00Z"],
    "fresh_old_event": ["2001-01-02T00:00:00Z"],
}
X, Y, Z = (a(name, None, "1") for name in "xyz")
#: Segments of the world "groups" to build on, in the order in which they are made.
SOURCES: dict[str, dict[str, Any]] = {
    "X": X,
    "Y": Y,
    "X and Y": groups(group(on=("X", "Y"))),
    "not X": groups(group(on=("X",), source_type="NONE")),
    "not (X and Y)": groups(group(on=("X and Y",), source_type="NONE")),
}
#: Imported segments of the same world: ids and user ids.
IMPORTED: dict[str, tuple[list[str], list[str]]] = {
    "list": (["listed", "xyz"], []),
    "user list": ([], ["u1", "nobody"]),
    "mixed list": (["x", "of_user"], ["u1"]),
}

ALL = "*"
#: World, title, definition, ids of the members. `*` is everybody; `* -a -b` everybody but a and b.
CASES: list[tuple[str, str, dict[str, Any], str]] = [
    # Attributes that are one of the values, or none of them
    ("lists", "default is inclusive", a("plan", None, "pro"), "pro both"),
    ("lists", "inclusive", a("plan", "INCLUSIVE", "pro"), "pro both"),
    ("lists", "any of the values", a("plan", "INCLUSIVE", "pro", "free"), "pro free both"),
    ("lists", "a value twice", a("plan", "INCLUSIVE", "pro", "pro"), "pro both"),
    ("lists", "one of fifty values", a("plan", "INCLUSIVE", "v49"), "many"),
    ("lists", "upper and lower case differ", a("plan", "INCLUSIVE", "PRO"), "upper"),
    ("lists", "names too", a("Plan", "INCLUSIVE", "pro"), ""),
    ("lists", "a miss", a("plan", "INCLUSIVE", "team"), ""),
    ("lists", "no such attribute", a("nothing", "INCLUSIVE", "pro"), ""),
    ("lists", "an empty value", a("plan", "INCLUSIVE", ""), "blank"),
    ("lists", "a part is not the value", a("plan", "INCLUSIVE", "pr"), ""),
    ("lists", "a value in another list", a("tier", "INCLUSIVE", "pro"), "other"),
    ("lists", "cut at a nul", a("plan", "INCLUSIVE", f"pro{NUL}x"), "cut"),
    ("lists", "cut at another nul", a("plan", "INCLUSIVE", f"pro{NUL}"), ""),
    ("lists", "a name is no pattern", a("%", "INCLUSIVE", "pro"), ""),
    ("lists", "exclusive", a("plan", "EXCLUSIVE", "pro"), "* -pro -both"),
    ("lists", "none of the values", a("plan", "EXCLUSIVE", "pro", "free"), "* -pro -both -free"),
    ("lists", "exclusive of a miss", a("plan", "EXCLUSIVE", "team"), ALL),
    ("lists", "exclusive without such a name", a("nothing", "EXCLUSIVE", "pro"), ALL),
    ("lists", "exclusive of an empty value", a("plan", "EXCLUSIVE", ""), "* -blank"),
    ("lists", "exclusive and a nul", a("plan", "EXCLUSIVE", f"pro{NUL}x"), "* -cut"),
    # CONTAINS
    ("lists", "contains", a("plan", "CONTAINS", "ro"), "pro both longer cut"),
    ("lists", "contains the whole", a("plan", "CONTAINS", "professional"), "longer"),
    ("lists", "contains in upper case", a("plan", "CONTAINS", "RO"), "upper"),
    ("lists", "contains one of them", a("plan", "CONTAINS", "ess", "ree"), "longer free both"),
    ("lists", "contains nothing of it", a("plan", "CONTAINS", "xyz"), ""),
    ("lists", "contains the empty text", a("plan", "CONTAINS", ""), "* -none -other"),
    ("lists", "contains without such a name", a("nothing", "CONTAINS", ""), ""),
    ("lists", "contains behind a nul", a("plan", "CONTAINS", "x"), "cut"),
    ("lists", "contains a nul", a("plan", "CONTAINS", NUL), "cut"),
    ("lists", "contains across values", a("plan", "CONTAINS", 'free","pro'), ""),
    ("lists", "contains of a comma", a("plan", "CONTAINS", ","), ""),
    ("lists", "contains of a percent sign", a("plan", "CONTAINS", "p%o"), ""),
    ("lists", "contains of an underscore", a("plan", "CONTAINS", "p_o"), ""),
    ("lists", "contains of a star", a("plan", "CONTAINS", "*"), ""),
    *(("names", f"a name with {key}", a(name, None, "x"), key) for key, name in ODD_NAMES.items()),
    *(
        ("values", f"a value with {key}", a("plan", None, value), key)
        for key, value in ODD_VALUES.items()
        if key != "empty"
    ),
    ("values", "an empty value among others", a("plan", None, ""), "empty"),
    ("values", "contains an apostrophe", a("plan", "CONTAINS", "'"), "apostrophe injection"),
    ("values", "contains a backslash", a("plan", "CONTAINS", "\\"), "backslash"),
    ("values", "contains a percent sign", a("plan", "CONTAINS", "%"), "percent"),
    ("values", "contains an underscore", a("plan", "CONTAINS", "_"), "underscore"),
    ("values", "contains a letter of an escape", a("plan", "CONTAINS", "n"), "accent"),
    ("values", "contains an emoji", a("plan", "CONTAINS", "🎉"), "emoji"),
    ("values", "contains a newline", a("plan", "CONTAINS", "\n"), "newline"),
    ("values", "contains a quote", a("plan", "CONTAINS", '"'), "quote pathlike list close"),
    ("values", "contains a bracket", a("plan", "CONTAINS", "["), "bracket glob"),
    # Dates
    (
        "dates",
        "before",
        a("at", "BEFORE", "2026-01-10T12:00:00Z"),
        "start early",
    ),
    (
        "dates",
        "before is strict to the nanosecond",
        a("at", "BEFORE", "2026-01-10T12:00:00.000000001Z"),
        "start early noon lower",
    ),
    (
        "dates",
        "before a date alone",
        a("at", "BEFORE", "2026-01-11"),
        "start early noon lower nano several last",
    ),
    ("dates", "before any of two", a("at", "BEFORE", "1990-01-01", "2026-01-10"), "early"),
    ("dates", "before everything", a("at", "BEFORE", "1999-12-31T23:59:59Z"), ""),
    ("dates", "after", a("at", "AFTER", "2026-01-10T12:00:00Z"), "nano several last next late"),
    (
        "dates",
        "after is strict to the nanosecond",
        a("at", "AFTER", "2026-01-10T12:00:00.000000001Z"),
        "several last next late",
    ),
    (
        "dates",
        "after any of two",
        a("at", "AFTER", "2026-01-10T23:00:00Z", "9999-01-01"),
        "last next late",
    ),
    ("dates", "after everything", a("at", "AFTER", "9999-12-31T23:59:59Z"), ""),
    ("dates", "on", a("at", "ON", "2026-01-10"), "noon start last nano lower several"),
    (
        "dates",
        "on ignores the time",
        a("at", "ON", "2026-01-10T18:00:00Z"),
        "noon start last nano lower several",
    ),
    ("dates", "on one of two", a("at", "ON", "2026-01-11", "1999-12-31"), "next early"),
    ("dates", "on another day", a("at", "ON", "2026-01-12"), ""),
    ("dates", "on in lower case", a("at", "ON", "2026-01-11t05:00:00z"), "next"),
    (
        "dates",
        "between includes both",
        a("at", "BETWEEN", "2026-01-10T00:00:00Z", "2026-01-10T12:00:00Z"),
        "start noon lower",
    ),
    (
        "dates",
        "between whole days",
        a("at", "BETWEEN", "2026-01-10", "2026-01-11"),
        "start noon lower nano several last next",
    ),
    (
        "dates",
        "between the same",
        a("at", "BETWEEN", "2026-01-10T12:00:00Z", "2026-01-10T12:00:00Z"),
        "noon lower",
    ),
    ("dates", "no such attribute", a("when", "AFTER", "1990-01-01"), ""),
    ("dates", "a name with a quote", a('a"t', "AFTER", "1990-01-01"), ""),
    ("dates", "inclusive compares texts", a("at", None, "2026-01-10"), "day"),
    # User attributes
    ("users", "all endpoints of the user", u("team", "INCLUSIVE", "Lakers"), "phone mail waiting"),
    ("users", "one of several values", u("team", "INCLUSIVE", "Nets"), "rival"),
    ("users", "a miss", u("team", "INCLUSIVE", "Spurs"), ""),
    ("users", "another name", u("sport", "INCLUSIVE", "Lakers"), "fan"),
    ("users", "exclusive", u("team", "EXCLUSIVE", "Lakers"), "* -phone -mail -waiting"),
    ("users", "exclusive without such a name", u("x", "EXCLUSIVE", "Lakers"), ALL),
    ("users", "contains", u("team", "CONTAINS", "ull", "ets"), "rival"),
    ("users", "contains the empty text", u("team", "CONTAINS", ""), "phone mail rival waiting"),
    ("users", "dates", u("since", "ON", "2026-01-10"), "since"),
    ("users", "a name with a quote", u('te"am', "INCLUSIVE", "Lakers"), ""),
    ("users", "a name with a quote, turned round", u('te"am', "EXCLUSIVE", "Lakers"), ALL),
    ("users", "attributes are other lists", a("team", None, "Lakers"), "stranger"),
    # Metrics
    ("metrics", "equal", m("level", "EQUAL", 5), "five fivefold"),
    ("metrics", "equal to a fraction", m("level", "EQUAL", 0.1), "tenth"),
    ("metrics", "equal to zero", m("level", "EQUAL", 0), "zero minus"),
    ("metrics", "equal as doubles", m("level", "EQUAL", 9007199254740992), "huge"),
    ("metrics", "equal, a miss", m("level", "EQUAL", 7), ""),
    ("metrics", "greater", m("level", "GREATER_THAN", 5), "more huge"),
    (
        "metrics",
        "greater or equal",
        m("level", "GREATER_THAN_OR_EQUAL", 5),
        "five fivefold more huge",
    ),
    ("metrics", "less", m("level", "LESS_THAN", 5), "less zero minus negative tenth"),
    (
        "metrics",
        "less or equal",
        m("level", "LESS_THAN_OR_EQUAL", 5),
        "five fivefold less zero minus negative tenth",
    ),
    ("metrics", "less than a negative number", m("level", "LESS_THAN", -1), "negative"),
    ("metrics", "greater than nothing known", m("nothing", "GREATER_THAN", -1), ""),
    ("metrics", "less than nothing known", m("nothing", "LESS_THAN", 1e308), ""),
    ("metrics", "another name", m("score", "EQUAL", 5), "other"),
    ("metrics", "a name with a quote", m('a"b', "EQUAL", 5), "odd"),
    ("metrics", "an empty name", m("", "EQUAL", 6), "odd"),
    ("metrics", "a name with a dot", m("a.b", "EQUAL", 7), "odd"),
    ("metrics", "a name with a quote that nobody has", m('x"', "LESS_THAN", 5), ""),
    # Demographic, country, channel
    ("texts", "platform", d("Platform", None, "ios"), "ios"),
    ("texts", "any of the values", d("Platform", "INCLUSIVE", "ios", "android"), "ios android"),
    ("texts", "upper and lower case differ", d("Platform", "INCLUSIVE", "IOS"), ""),
    ("texts", "exclusive", d("Platform", "EXCLUSIVE", "ios"), "* -ios"),
    (
        "texts",
        "exclusive of several",
        d("Platform", "EXCLUSIVE", "ios", "iOS", "android"),
        "* -ios -upper -android",
    ),
    ("texts", "an empty value", d("Platform", "INCLUSIVE", ""), ""),
    ("texts", "odd characters", d("Platform", "INCLUSIVE", "i_s%'\"\\🎉"), "odd"),
    ("texts", "no pattern", d("Platform", "INCLUSIVE", "i%", "i_s", "i*"), ""),
    ("texts", "an injection", d("Platform", "INCLUSIVE", "' OR '1'='1"), ""),
    ("texts", "make", d("Make", "INCLUSIVE", "Apple"), "ios"),
    ("texts", "make, exclusive", d("Make", "EXCLUSIVE", "Apple"), "* -ios"),
    ("texts", "model", d("Model", "INCLUSIVE", "iPhone"), "ios"),
    ("texts", "model, a miss", d("Model", "INCLUSIVE", "Pixel"), ""),
    ("texts", "app version", d("AppVersion", "INCLUSIVE", "1.1"), "android"),
    ("texts", "app version is a text", d("AppVersion", "INCLUSIVE", "1.10", "1"), ""),
    ("texts", "device type", d("DeviceType", "INCLUSIVE", "phone"), ""),
    ("texts", "device type, exclusive", d("DeviceType", "EXCLUSIVE", "phone"), ALL),
    ("texts", "country", c("INCLUSIVE", "PT"), "portugal"),
    ("texts", "countries", c("INCLUSIVE", "PT", "ES"), "portugal spain"),
    ("texts", "country, exclusive", c("EXCLUSIVE", "PT"), "* -portugal"),
    ("texts", "country in lower case", c("INCLUSIVE", "pt"), ""),
    ("channels", "e-mail", d("Channel", None, "EMAIL"), "email gone"),
    ("channels", "opted out", d("Channel", None, "SMS"), "sms out"),
    (
        "channels",
        "push is every push channel",
        d("Channel", None, "PUSH"),
        "push gcm apns apns_sandbox apns_voip apns_voip_sandbox adm baidu",
    ),
    ("channels", "one push channel", d("Channel", None, "APNS"), "apns"),
    (
        "channels",
        "push, exclusive",
        d("Channel", "EXCLUSIVE", "PUSH"),
        "none sms voice email custom in_app gone out",
    ),
    (
        "channels",
        "push and another",
        d("Channel", None, "PUSH", "SMS"),
        "push gcm apns apns_sandbox apns_voip apns_voip_sandbox adm baidu sms out",
    ),
    (
        "channels",
        "exclusive without a channel",
        d("Channel", "EXCLUSIVE", "EMAIL"),
        "* -email -gone",
    ),
    ("channels", "no such channel", d("Channel", None, "PIGEON"), ""),
    # Distance; a degree of the equator is 111.195 km
    ("places", "on the spot", g(0.0, 0.0, 0.0), "zero"),
    ("places", "just within a degree", g(0.0, 0.0, 111.1951), "zero east north around"),
    ("places", "just short of a degree", g(0.0, 0.0, 111.195), "zero"),
    ("places", "exactly a degree", g(0.0, 0.0, 111.19508023353292), "zero east north around"),
    ("places", "half round the Earth", g(0.0, 0.0, 20015.2), "* -nowhere -half -other_half -wrong"),
    (
        "places",
        "short of half round the Earth",
        g(0.0, 0.0, 20015.0),
        "* -nowhere -half -other_half -wrong -far",
    ),
    ("places", "more than the Earth has", g(0.0, 0.0, 1e9), "* -nowhere -half -other_half -wrong"),
    ("places", "two towns", g(38.7, -9.1, 300.0), "lisbon porto"),
    ("places", "one town", g(38.7, -9.1, 200.0), "lisbon"),
    ("places", "east over the date line", g(-17.0, 179.9, 25.0), "fiji beyond"),
    ("places", "west over the date line", g(-17.0, -179.9, 25.0), "fiji beyond"),
    ("places", "on the date line", g(-17.0, 180.0, 11.0), "fiji beyond"),
    ("places", "on the date line from the west", g(-17.0, -180.0, 10.0), ""),
    ("places", "over the pole", g(89.9, 0.0, 23.0), "pole near_pole near_pole_too"),
    ("places", "at the pole", g(90.0, 77.0, 0.0), "pole"),
    ("places", "round the pole", g(90.0, 0.0, 11.2), "pole near_pole near_pole_too"),
    ("places", "at the south pole", g(-90.0, 0.0, 1.0), "south_pole"),
    (
        "places",
        "from pole to pole",
        g(90.0, 0.0, 20015.1),
        "* -nowhere -half -other_half -wrong -south_pole",
    ),
    ("places", "nobody there", g(10.0, 100.0, 5.0), ""),
    # Recency
    (
        "recency",
        "a day",
        r("ACTIVE", "HR_24"),
        "now day future day_event several_events fresh_old_event",
    ),
    (
        "recency",
        "a week",
        r("ACTIVE", "DAY_7"),
        "now day day_more week future day_event several_events fresh_old_event",
    ),
    (
        "recency",
        "a fortnight",
        r("ACTIVE", "DAY_14"),
        "* -fortnight_more -month -month_more -old -old_event",
    ),
    ("recency", "a month", r("ACTIVE", "DAY_30"), "* -month_more -old -old_event"),
    (
        "recency",
        "not for a day",
        r("INACTIVE", "HR_24"),
        "* -now -day -future -day_event -several_events -fresh_old_event",
    ),
    (
        "recency",
        "not for a week",
        r("INACTIVE", "DAY_7"),
        "week_more fortnight fortnight_more month month_more old old_event week_event",
    ),
    (
        "recency",
        "not for a fortnight",
        r("INACTIVE", "DAY_14"),
        "fortnight_more month month_more old old_event",
    ),
    ("recency", "not for a month", r("INACTIVE", "DAY_30"), "month_more old old_event"),
    # Groups: several dimensions, entries, sources, groups
    ("groups", "no definition", {}, ALL),
    ("groups", "no dimensions", {"Dimensions": {}}, ALL),
    (
        "groups",
        "empty members",
        {
            "Dimensions": {
                "Attributes": {},
                "Behavior": {},
                "Demographic": {},
                "Location": {},
                "Metrics": {},
                "UserAttributes": {},
            }
        },
        ALL,
    ),
    (
        "groups",
        "dimensions narrow",
        {
            "Dimensions": {
                "Attributes": {**X["Dimensions"]["Attributes"], **Y["Dimensions"]["Attributes"]}
            }
        },
        "xy xyz",
    ),
    ("groups", "no groups", groups(), ALL),
    ("groups", "any of no groups", groups(include="ANY"), ALL),
    ("groups", "none of no groups", groups(include="NONE"), ALL),
    ("groups", "an empty group", groups({}), ALL),
    ("groups", "none of an empty group", groups({}, include="NONE"), ""),
    ("groups", "any of no entries", groups(group(type_="ANY")), ALL),
    ("groups", "none of no entries", groups(group(type_="NONE")), ALL),
    ("groups", "none of an empty entry", groups(group({"Dimensions": {}}, type_="NONE")), ""),
    ("groups", "type absent", groups(group(X, Y)), "xy xyz"),
    ("groups", "all entries", groups(group(X, Y, type_="ALL")), "xy xyz"),
    ("groups", "any entry", groups(group(X, Y, type_="ANY")), "x y xy yz xyz of_user_too"),
    ("groups", "no entry", groups(group(X, Y, type_="NONE")), "none z listed of_user"),
    ("groups", "not one entry", groups(group(X, type_="NONE")), "* -x -xy -xyz -of_user_too"),
    ("groups", "include absent", groups(group(X), group(Z)), "xyz"),
    ("groups", "all groups", groups(group(X), group(Z), include="ALL"), "xyz"),
    ("groups", "any group", groups(group(X), group(Z), include="ANY"), "x z xy yz xyz of_user_too"),
    ("groups", "no group", groups(group(X), group(Z), include="NONE"), "none y listed of_user"),
    ("groups", "a group that excludes", groups(group(X), group(Y, type_="NONE")), "x of_user_too"),
    ("groups", "three groups", groups(group(X), group(Y), group(Z)), "xyz"),
    ("groups", "a source", groups(group(on=("X",))), "x xy xyz of_user_too"),
    ("groups", "all sources", groups(group(on=("X", "Y"))), "xy xyz"),
    (
        "groups",
        "any source",
        groups(group(on=("X", "Y"), source_type="ANY")),
        "x y xy yz xyz of_user_too",
    ),
    (
        "groups",
        "no source",
        groups(group(on=("X", "Y"), source_type="NONE")),
        "none z listed of_user",
    ),
    ("groups", "a source that is narrowed", groups(group(Z, on=("Y",))), "yz xyz"),
    ("groups", "sources and entries", groups(group(X, Z, on=("Y",), type_="ANY")), "xy yz xyz"),
    (
        "groups",
        "no source, any entry",
        groups(group(Y, Z, on=("X",), type_="ANY", source_type="NONE")),
        "y z yz",
    ),
    ("groups", "a source of sources", groups(group(on=("X and Y",))), "xy xyz"),
    (
        "groups",
        "turned round twice",
        groups(group(on=("not X",), source_type="NONE")),
        "x xy xyz of_user_too",
    ),
    (
        "groups",
        "turned round in depth",
        groups(group(on=("not (X and Y)",)), include="NONE"),
        "xy xyz",
    ),
    (
        "groups",
        "groups on sources",
        groups(group(on=("X",)), group(Z, on=("Y",)), include="ANY"),
        "x xy yz xyz of_user_too",
    ),
    ("groups", "a list", groups(group(on=("list",))), "listed xyz"),
    ("groups", "a list that is narrowed", groups(group(X, on=("list",))), "xyz"),
    ("groups", "not on a list", groups(group(on=("list",), source_type="NONE")), "* -listed -xyz"),
    ("groups", "a list of users", groups(group(on=("user list",))), "of_user of_user_too"),
    (
        "groups",
        "users without an attribute",
        groups(group(X, on=("user list",), type_="NONE")),
        "of_user",
    ),
    ("groups", "endpoints and users", groups(group(on=("mixed list",))), "x of_user of_user_too"),
    (
        "groups",
        "two lists",
        groups(group(on=("list",)), group(on=("mixed list",)), include="ANY"),
        "listed xyz x of_user of_user_too",
    ),
]
