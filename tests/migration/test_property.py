"""For any endpoint, the output and the report together account for every member."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinpoint_kit.migration.customer_profiles import ConversionReport, convert
from pinpoint_kit.migration.customer_profiles.mapping.packing import Plan
from tests.migration.outputs import (
    contacts,
    everything,
    profiles,
    snapshot,
    suppressed,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHANNELS = (
    "ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "CUSTOM", "EMAIL",
    "GCM", "IN_APP", "PUSH", "SMS", "VOICE",
)  # fmt: skip
PLAIN = {
    "Id", "Address", "ChannelType", "OptOut", "EndpointStatus", "EffectiveDate", "CreationDate",
    "CohortId", "RequestId", "ApplicationId",
}  # fmt: skip
GROUPS = {
    "Demographic": {
        "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion",
        "Timezone",
    },
    "Location": {"City", "Country", "Latitude", "Longitude", "PostalCode", "Region"},
}  # fmt: skip

_signs = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))
_texts = st.text(_signs, max_size=12) | st.sampled_from(
    ["", "pro", "x" * 255, "x" * 256, "ã" * 300]
)
_names = st.text(_signs, min_size=1, max_size=6) | st.sampled_from(
    [
        *(
            "plan",
            "plan_0",
            "plan_1",
            "a b",
            "a_b",
            "a-b",
            "User_plan",
            "pinpoint_Id",
            "optOut_SMS",
        ),
        *("Demographic_Make", "Metrics_level", "EmailAddress_3", "n" * 300, "level"),
    ]
)
_lists = st.dictionaries(_names, st.lists(_texts, max_size=4), max_size=5)
_numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
_dates = st.datetimes().map(lambda at: at.isoformat() + "Z") | st.just("2026-01-01T00:00:00.000Z")


def _some(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


#: Endpoints as the service model has them: members may be missing, texts may be anything.
MODEL: dict[str, st.SearchStrategy[Any]] = {
    "ChannelType": st.sampled_from(CHANNELS),
    "Address": st.sampled_from(["a@example.com", "A@example.com ", "+351 21", "token", ""])
    | _texts,
    "OptOut": st.sampled_from(["ALL", "NONE"]),
    "EndpointStatus": st.sampled_from(["ACTIVE", "INACTIVE"]),
    "EffectiveDate": _dates,
    "CreationDate": _dates,
    "CohortId": st.integers(0, 99).map(str),
    "RequestId": _texts,
    "ApplicationId": _texts,
    "Attributes": _lists,
    "Metrics": st.dictionaries(_names, _numbers, max_size=4),
    "Demographic": _some(dict.fromkeys(sorted(GROUPS["Demographic"]), _texts)),
    "Location": _some(
        {
            name: _numbers if name in {"Latitude", "Longitude"} else _texts
            for name in sorted(GROUPS["Location"])
        }
    ),
    "User": _some(
        {"UserId": st.sampled_from(["u1", "u2", "endpoint:0"]) | _texts, "UserAttributes": _lists}
    ),
}
_some_text = st.text(_signs, min_size=1, max_size=6) | st.sampled_from(["pro", "x" * 255, 'a/b"c'])
_full_lists = st.dictionaries(_names, st.lists(_some_text, min_size=1, max_size=3), max_size=4)
#: Endpoints that lose nothing.
WHOLE: dict[str, st.SearchStrategy[Any]] = {
    **MODEL,
    "Address": st.sampled_from(["a@example.com", "A@example.com ", "+351 21", "token", "t" * 300]),
    "RequestId": _some_text,
    "ApplicationId": _some_text,
    "Attributes": _full_lists,
    "Demographic": _some(dict.fromkeys(sorted(GROUPS["Demographic"]), _some_text)),
    "Location": _some(
        {
            name: _numbers if name in {"Latitude", "Longitude"} else _some_text
            for name in sorted(GROUPS["Location"])
        }
    ),
    "User": _some({"UserId": st.sampled_from(["u1", "u2"]), "UserAttributes": _full_lists}),
}
_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)
#: Anything may stand anywhere.
HOSTILE = _some(
    {**{name: strategy | _anything for name, strategy in MODEL.items()}, "Id": _anything}
) | st.dictionaries(_names | st.sampled_from(sorted(PLAIN)), _anything, max_size=6)


def _leaves(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values())) or 1
    if isinstance(value, list):
        return sum(map(_leaves, value)) or 1
    return 1


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def members(endpoint: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Every value of an endpoint of the model, with its member."""
    for name, value in endpoint.items():
        if name in PLAIN:
            yield name, value
        elif name == "Metrics":
            yield from ((name, number) for number in value.values())
        elif name == "Attributes":
            yield from ((name, each) for values in value.values() for each in values or [None])
        elif name == "User":
            for inner, each in value.items():
                if inner == "UserId":
                    yield "User.UserId", each
                else:
                    yield from (
                        ("User.UserAttributes", text)
                        for texts in each.values()
                        for text in texts or [None]
                    )
        else:
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())


def _converted(endpoints: Sequence[object], folder: str) -> tuple[ConversionReport, Path]:
    out = Path(folder) / "out"
    source = write_lines(Path(folder) / "endpoints.json", *endpoints)
    return convert(source, out), out


def _few(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def check_every_value(endpoints: list[dict[str, Any]]) -> None:
    """Fail unless each value is found in the files, or its member has a loss for it."""
    endpoints = [{"Id": f"e-{number}", **each} for number, each in enumerate(endpoints)]
    with tempfile.TemporaryDirectory() as folder:
        report, out = _converted(endpoints, folder)
        texts = everything(out)
        found = [each for endpoint in endpoints for each in members(endpoint)]
        read = Counter(name for name, _ in found)
        assert {member.name: member.read for member in report.members} == read
        for member in report.members:
            assert member.read == member.written + member.lost
        lost = {member.name: member.lost for member in report.members}
        changed = Counter[str]()
        for loss in report.changed:
            changed[loss.member] += loss.count
        missing = Counter(
            name
            for name, value in found
            if value is None or value == "" or not {_text(value), _text(value)[:255]} & texts
        )
        for name, count in missing.items():
            hidden = changed[name] if name in {"User.UserId", "Address"} else 0
            assert count <= lost[name] + hidden, name
        assert report.endpoints == len(endpoints)
        assert report.superseded == report.bad_lines == 0
        keys = [profile["AccountNumber"] for profile in profiles(out)]
        assert len(keys) == len(set(keys)) == report.profiles
        for profile in profiles(out):
            for name, text in profile.get("Attributes", {}).items():
                assert 1 <= len(name) <= 255
                assert 1 <= len(text) <= 255


def _plain(channel: str | None, address: str) -> str:
    if channel == "EMAIL":
        return address.strip().casefold()
    if channel in {"SMS", "VOICE"}:
        plain = unicodedata.normalize("NFKC", address.strip().casefold())
        digits = "".join(str(int(sign)) for sign in plain if sign.isdecimal())
        return digits.removeprefix("00") or plain
    return address


def check_refusals(endpoints: list[dict[str, Any]]) -> None:
    """Fail if an address that is opted out is a contact, or is not in the suppression list."""
    endpoints = [{"Id": f"e-{number}", **each} for number, each in enumerate(endpoints)]
    with tempfile.TemporaryDirectory() as folder:
        _, out = _converted(endpoints, folder)
        reachable = contacts(out)
        listed = {row["address"] for row in suppressed(out)}
        for endpoint in endpoints:
            channel, address = endpoint.get("ChannelType"), endpoint.get("Address")
            if not address or channel in {None, "CUSTOM", "IN_APP"}:
                continue
            if endpoint.get("OptOut") == "ALL":
                assert address in listed
                assert _plain(channel, address) not in {_plain(channel, each) for each in reachable}
            elif endpoint.get("EndpointStatus") == "INACTIVE":
                # Unless another endpoint that may be contacted has the same address.
                assert (
                    address in listed
                    or address in reachable
                    or any(
                        _plain(channel, address)
                        == _plain(other.get("ChannelType"), other.get("Address") or "")
                        for other in endpoints
                        if other is not endpoint
                    )
                )


def check_counts(lines: list[object]) -> None:
    """Fail unless each line is an endpoint or a bad line, and each value counts once."""
    with tempfile.TemporaryDirectory() as folder:
        report, _ = _converted(lines, folder)
        assert report.endpoints + report.bad_lines == len(lines)
        for member in report.members:
            assert member.read == member.written + member.lost
            assert member.lost >= 0
            assert member.written >= 0
        if not report.superseded and not report.bad_lines:
            read = sum(member.read for member in report.members)
            values = sum(_leaves(line) for line in lines)
            # A list or an object in the place of a text is one value that is written as text.
            assert read <= values


def check_packed(endpoints: list[dict[str, Any]]) -> int:
    """Fail unless packed endpoints come out as others do; return how many were packed."""
    endpoints = [{"Id": f"e-{number}", **each} for number, each in enumerate(endpoints)]
    packed = 0

    def counted(plan: Plan, *given: Any) -> str | None:
        nonlocal packed
        content = plan_packed(plan, *given)
        packed += content is not None
        return content

    plan_packed = Plan.packed
    with tempfile.TemporaryDirectory() as folder:
        source = write_lines(Path(folder) / "endpoints.json", *endpoints)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plan, "packed", counted)
            convert(source, Path(folder) / "packed")
            patch.setattr(Plan, "packed", lambda *_: None)
            convert(source, Path(folder) / "as-they-are")
        assert snapshot(Path(folder) / "packed") == snapshot(Path(folder) / "as-they-are")
    return packed


_MODELS = st.lists(_some(MODEL), min_size=1, max_size=6)
_MIXED = st.lists(_some(WHOLE) | _some(MODEL), min_size=2, max_size=8)
_LINES = st.lists(HOSTILE | _anything, min_size=1, max_size=5)


@_few(5)
@given(_MODELS)
def test_every_value_is_in_the_output_or_in_the_report(endpoints: list[dict[str, Any]]) -> None:
    """Each value of the model is found in the files, or its member has a loss for it."""
    check_every_value(endpoints)


@_few(5)
@given(_MODELS)
def test_nobody_who_opted_out_can_be_reached(endpoints: list[dict[str, Any]]) -> None:
    """No address that is opted out anywhere is a contact; each is in the suppression list."""
    check_refusals(endpoints)


@_few(5)
@given(_LINES)
def test_anything_at_all_is_counted(lines: list[object]) -> None:
    """Whatever JSON stands on a line, it is an endpoint or a bad line, and each value counts."""
    check_counts(lines)


@_few(8)
@given(_MIXED)
def test_packed_endpoints_come_out_as_others_do(endpoints: list[dict[str, Any]]) -> None:
    """What is flattened when it is read gives the same bytes as what is flattened later."""
    check_packed(endpoints)


@pytest.mark.slow
@_few(250)
@given(_MIXED)
def test_the_same_for_many_packed_endpoints(endpoints: list[dict[str, Any]]) -> None:
    """As above, many times."""
    check_packed(endpoints)


@pytest.mark.slow
@_few(250)
@given(_MODELS, _LINES)
def test_the_same_for_many_endpoints(endpoints: list[dict[str, Any]], lines: list[object]) -> None:
    """All of the above, many times."""
    check_every_value(endpoints)
    check_refusals(endpoints)
    check_counts(lines)
