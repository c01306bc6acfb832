"""What goes where, what is refused, and what becomes of lines that nobody should have written."""

from __future__ import annotations

import gzip
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest

import pinpoint_kit as pk
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError
from pinpoint_kit.migration.customer_profiles import convert, converting, staging
from pinpoint_kit.migration.customer_profiles.gathering import Gatherer
from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
from pinpoint_kit.migration.customer_profiles.mapping.packing import Plans
from tests.migration.outputs import (
    contacts,
    devices,
    problems,
    profiles,
    snapshot,
    suppressed,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ENDPOINT: dict[str, Any] = {
    "Id": "e-1",
    "ChannelType": "EMAIL",
    "Address": "ana@example.com",
    "OptOut": "NONE",
    "EndpointStatus": "ACTIVE",
    "EffectiveDate": "2026-03-04T05:06:07.890Z",
    "CohortId": "7",
    "Attributes": {"plan": ["pro"], "interests": ["music", "travel"]},
    "Metrics": {"level": 7.0, "spend": 1.5},
    "Demographic": {"Make": "Apple", "Platform": "ios"},
    "Location": {"City": "Lisboa", "Country": "PT", "Region": "Lisboa", "Latitude": 38.7},
    "User": {"UserId": "ana", "UserAttributes": {"plan": ["team"]}},
}


def _one(tmp_path: Path, *lines: object, **options: Any) -> Path:
    out = tmp_path / "out"
    convert(write_lines(tmp_path / "endpoints.json", *lines), out, **options)
    return out


def test_each_member_has_its_place(tmp_path: Path) -> None:
    """An endpoint with a user is one profile, whose fields are those of the table in the guide."""
    (profile,) = profiles(_one(tmp_path, ENDPOINT))
    assert profile == {
        "AccountNumber": "ana",
        "EmailAddress": "ana@example.com",
        "Address": {"City": "Lisboa", "Country": "PT", "Province": "Lisboa"},
        "Attributes": {
            "pinpoint_Id": "e-1",
            "pinpoint_ChannelType": "EMAIL",
            "pinpoint_OptOut": "NONE",
            "pinpoint_EndpointStatus": "ACTIVE",
            "pinpoint_EffectiveDate": "2026-03-04T05:06:07.890Z",
            "pinpoint_CohortId": "7",
            "Demographic_Make": "Apple",
            "Demographic_Platform": "ios",
            "Location_Latitude": "38.7",
            "User_plan": "team",
            "plan": "pro",
            "interests_0": "music",
            "interests_1": "travel",
            "Metrics_level": "7",
            "Metrics_spend": "1.5",
        },
    }


def test_the_region_goes_where_it_is_wanted(tmp_path: Path) -> None:
    """`region_field` names the field of the address."""
    out = _one(tmp_path, ENDPOINT, region_field="County")
    assert profiles(out)[0]["Address"]["County"] == "Lisboa"
    fields = json.loads((out / "object-type.json").read_bytes())["Fields"]
    assert "Address.County" in fields
    assert "Address.Province" not in fields


def test_the_official_scripts_losses_are_none(tmp_path: Path) -> None:
    """What the sample script crashes on, drops or changes is here, or in the report."""
    no_demographic = {"Id": "1", "ChannelType": "EMAIL", "Address": "1@example.com"}
    partial = {**no_demographic, "Id": "2", "Location": {"Country": "PT"}}
    token = {"Id": "3", "ChannelType": "GCM", "Address": "token", "User": {"UserId": "u"}}
    refused = {**no_demographic, "Id": "4", "Address": "4@example.com", "OptOut": "ALL"}
    same_key = {
        "Id": "5",
        "User": {"UserId": "v", "UserAttributes": {"k": ["user"]}},
        "Attributes": {"k": ["endpoint"]},
    }
    other = {**same_key, "Id": "6", "Attributes": {"k": ["second"]}}
    phones = [
        {
            **no_demographic,
            "Id": f"7{n}",
            "ChannelType": "SMS",
            "Address": f"+{n}",
            "User": {"UserId": "w"},
        }
        for n in range(3)
    ]
    long = {"Id": "8", "Attributes": {"long": ["x" * 300]}, "Location": {"Latitude": 1.5}}
    out = _one(tmp_path, no_demographic, partial, token, refused, same_key, other, *phones, long)
    found = {profile["AccountNumber"]: profile for profile in profiles(out)}
    assert found["endpoint:1"]["PartyTypeString"] == "anonymous"
    assert found["endpoint:2"]["Address"] == {"Country": "PT"}
    assert [(row["device_id"], row["token"]) for row in devices(out)] == [("3", "token")]
    assert "EmailAddress" not in found["endpoint:4"]
    assert found["endpoint:4"]["Attributes"]["optOut_EMAIL"] == "ALL"
    assert [(row["address"], row["reason"]) for row in suppressed(out)] == [
        ("4@example.com", "OPT_OUT")
    ]
    attributes = found["v"]["Attributes"]
    assert (attributes["k_0"], attributes["k_1"], attributes["User_k"]) == (
        "endpoint",
        "second",
        "user",
    )
    assert [
        found["w"][name] for name in ("PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber")
    ] == [*("+0", "+1", "+2")]
    assert found["endpoint:8"]["Attributes"]["long"] == "x" * 255
    assert found["endpoint:8"]["Attributes"]["Location_Latitude"] == "1.5"
    assert {
        "file": "endpoints.json",
        "line": "10",
        "member": "Attributes.long",
    }.items() <= problems(out)[0].items()


def test_what_has_no_field_any_more_is_an_attribute(tmp_path: Path) -> None:
    """The fourth e-mail address and the fifth number are attributes, the newest come first."""
    endpoints = [
        {
            "Id": f"{channel}-{number}",
            "ChannelType": channel,
            "Address": f"{channel.lower()}-{number}@example.com",
            "EffectiveDate": f"2026-01-0{number + 1}T00:00:00Z",
            "User": {"UserId": "ana"},
        }
        for channel in ("EMAIL", "SMS")
        for number in range(6)
    ]
    (profile,) = profiles(_one(tmp_path, *endpoints))
    assert profile["EmailAddress"] == "email-5@example.com"
    assert profile["Attributes"]["EmailAddress_3"] == "email-2@example.com"
    assert profile["BusinessPhoneNumber"] == "sms-2@example.com"
    assert profile["Attributes"]["PhoneNumber_4"] == "sms-1@example.com"


def test_an_address_that_opted_out_anywhere_is_a_contact_nowhere(tmp_path: Path) -> None:
    """Spelling, channel and user of an address do not matter when somebody has opted out by it."""
    out = _one(
        tmp_path,
        {"Id": "1", "ChannelType": "EMAIL", "Address": "Ana@Example.com ", "OptOut": "ALL"},
        {"Id": "2", "ChannelType": "EMAIL", "Address": "ana@example.com", "User": {"UserId": "b"}},
        {"Id": "3", "ChannelType": "SMS", "Address": "+351 (21) 000", "OptOut": "ALL"},
        {"Id": "4", "ChannelType": "VOICE", "Address": "0035121000"},
        {"Id": "5", "ChannelType": "GCM", "Address": "t", "OptOut": "ALL"},
        {"Id": "6", "ChannelType": "GCM", "Address": "t"},
        {"Id": "7", "ChannelType": "EMAIL", "Address": "odd@example.com", "OptOut": "maybe"},
        {"Id": "8", "ChannelType": "EMAIL", "Address": "odd2@example.com", "OptOut": ["ALL"]},
    )
    assert contacts(out) == set()
    assert sorted((row["endpoint_id"], row["reason"]) for row in suppressed(out)) == [
        ("1", "OPT_OUT"),
        ("2", "ADDRESS_OPTED_OUT"),
        ("3", "OPT_OUT"),
        ("4", "ADDRESS_OPTED_OUT"),
        ("5", "OPT_OUT"),
        ("6", "ADDRESS_OPTED_OUT"),
        ("7", "OPT_OUT"),
        ("8", "OPT_OUT"),
    ]


def test_an_inactive_address_stays_a_contact_where_it_is_in_use(tmp_path: Path) -> None:
    """An endpoint that is inactive says nothing of another that has the same address."""
    inactive = {"ChannelType": "EMAIL", "EndpointStatus": "INACTIVE"}
    out = _one(
        tmp_path,
        {**inactive, "Id": "1", "Address": "a@example.com", "User": {"UserId": "a"}},
        {"Id": "2", "ChannelType": "EMAIL", "Address": "a@example.com", "User": {"UserId": "b"}},
        {**inactive, "Id": "3", "Address": "c@example.com", "User": {"UserId": "c"}},
    )
    found = {profile["AccountNumber"]: profile for profile in profiles(out)}
    assert "EmailAddress" not in found["a"]
    assert found["b"]["EmailAddress"] == "a@example.com"
    assert [(row["address"], row["reason"]) for row in suppressed(out)] == [
        ("c@example.com", "INACTIVE")
    ]


def test_the_newest_record_of_an_endpoint_counts(tmp_path: Path) -> None:
    """Of several records with one id the newest is taken; undated, the one that refuses."""
    base = {"Id": "1", "ChannelType": "EMAIL", "Address": "a@example.com"}
    old = {**base, "EffectiveDate": "2026-01-01T00:00:00.5Z", "OptOut": "ALL"}
    new = {**base, "EffectiveDate": "2026-01-01T01:00:01+01:00"}
    undated = {**base, "Id": "2", "Address": "b@example.com"}
    source = write_lines(
        tmp_path / "endpoints.json", new, old, undated, {**undated, "OptOut": "ALL"}
    )
    report = convert(source, tmp_path / "out")
    assert (report.endpoints, report.superseded, report.profiles) == (4, 2, 2)
    assert contacts(tmp_path / "out") == {"a@example.com"}
    reasons = [(row["line"], row["reason"]) for row in problems(tmp_path / "out")]
    assert [line for line, reason in reasons if "newer" in reason] == ["2", "3"]


def test_of_records_of_one_instant_the_one_that_refuses_counts(tmp_path: Path) -> None:
    """However the instant is written; and so where one of them says none."""
    lines: list[object] = []
    for number, (refused, allowed) in enumerate(
        [
            ("2026-01-01T10:00:00.5Z", "2026-01-01T10:00:00.500Z"),
            ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01T10:00:00.5Z", "2026-01-01T11:00:00.500+01:00"),
            ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00"),
            ("", "2026-01-01T10:00:00Z"),
            ("yesterday", "2026-01-01T10:00:00Z"),
        ]
    ):
        base = {"Id": f"{number}", "ChannelType": "EMAIL", "Address": f"{number}@example.com"}
        lines.append({**base, "EffectiveDate": allowed})
        lines.append({**base, "EffectiveDate": refused, "OptOut": "ALL"})
    out = _one(tmp_path, *lines)
    assert contacts(out) == set()
    assert len(suppressed(out)) == 6


def test_bad_lines_are_counted_with_their_numbers(tmp_path: Path) -> None:
    """Whatever stands on a line, the others are converted."""
    lines: tuple[object, ...] = (
        ENDPOINT,
        b"\xff\xfe not utf-8",
        b'{"Id": "broken"',
        b"[1, 2]",
        b'"text"',
        b'{"Id": "\xc3("}',
        b"",
        {**ENDPOINT, "Id": "e-2", "User": {"UserId": "ben"}, "Address": "ben@example.com"},
    )
    source = write_lines(tmp_path / "endpoints.json", *lines)
    report = convert(source, tmp_path / "out")
    assert (report.endpoints, report.profiles) == (2, 2)
    assert [(each.file, each.line) for each in report.first_bad_lines] == [
        ("endpoints.json", number) for number in range(2, 7)
    ]
    assert report.bad_lines == 5
    assert not any("Id" in each.reason for each in report.first_bad_lines)


def test_what_is_nested_too_deeply_is_a_loss(tmp_path: Path) -> None:
    """Lists in lists, as far as a reader of JSON goes, harm nothing else of the endpoint."""
    deep = b"[" * 900 + b"]" * 900
    source = write_lines(
        tmp_path / "endpoints.json",
        b'{"Id":"1","Attributes":{"a":%b,"b":["x"]},"Odd":%b,"Metrics":{"m":%b}}'
        % (deep, deep, deep),
        b'{"Address":%b,"OptOut":%b,"User":{"UserId":%b}}' % (deep, deep, deep),
        b'{"Id":"2","Id":"3","Attributes":{"a":%b}}' % deep,
    )
    report = convert(source, tmp_path / "out")
    assert report.endpoints + report.bad_lines == 3
    assert "x" in {
        text for each in profiles(tmp_path / "out") for text in each["Attributes"].values()
    }
    for member in report.members:
        assert member.read == member.written + member.lost


def test_members_of_wrong_types_are_counted(tmp_path: Path) -> None:
    """Numbers in the place of texts are written as text; what cannot be is a loss."""
    endpoint = {
        "Id": "a/b?c#d",
        "ChannelType": "EMAIL",
        "Address": 351210000,
        "Attributes": {"n": [1, True, None, ""], "x": "single", "": ["nameless"]},
        "Metrics": "none",
        "Demographic": {"Make": ["a", "b"], "Colour": "red"},
        "Location": [1],
        "User": {"UserId": 7, "UserAttributes": None, "Shoe": 42},
        "Colour": {"a": [1, 2]},
    }
    source = write_lines(tmp_path / "endpoints.json", endpoint)
    report = convert(source, tmp_path / "out")
    (profile,) = profiles(tmp_path / "out")
    assert profile["AccountNumber"] == "7"
    assert profile["Attributes"]["n_0"] == "1"
    assert profile["Attributes"]["n_1"] == "true"
    assert profile["Attributes"]["x"] == "single"
    assert profile["Attributes"]["Demographic_Make"] == '["a","b"]'
    lost = {(loss.member, loss.reason): loss.count for loss in report.lost}
    assert lost == {
        ("(unknown)", "no member of an endpoint"): 4,
        ("Address", "not text"): 1,
        ("Attributes", "empty"): 2,
        ("Attributes", "null"): 1,
        ("Location", "not an object"): 1,
        ("Metrics", "not an object"): 1,
        ("User.UserAttributes", "null"): 1,
    }


def test_a_repeated_name_does_not_make_anybody_contactable(tmp_path: Path) -> None:
    """Of a repeated OptOut the one that refuses counts, wherever it stands and however written."""
    source = write_lines(
        tmp_path / "endpoints.json",
        b'{"Id":"1","ChannelType":"EMAIL","Address":"a@b.c","OptOut":"ALL","OptOut":"NONE"}',
        b'{"Id":"2","ChannelType":"EMAIL","Address":"d@b.c","OptOut" :"ALL","OptOut":"NONE"}',
        b'{"Id":"3","ChannelType":"EMAIL","Address":"e@b.c","OptOut"\t :"ALL","OptOut":"NONE"}',
        b'{"Id":"4","ChannelType":"EMAIL","Address":"f@b.c","Attributes":{"a":["\\":"],"a":["2"]}}',
    )
    report = convert(source, tmp_path / "out")
    assert contacts(tmp_path / "out") == {"f@b.c"}
    lost = {loss.reason: loss.count for loss in report.lost}
    assert lost == {"a name that stands there more than once": 4}


def test_a_refusal_under_another_name_is_one(tmp_path: Path) -> None:
    """It is no member of an endpoint, and counts as lost; but what it says is kept."""
    refusals: tuple[dict[str, Any], ...] = (
        {"optOut": "ALL"},
        {"opt_out": "ALL"},
        {"OPT-OUT": 1},
        {"endpointStatus": "OFF"},
    )
    others: tuple[dict[str, Any], ...] = (
        {"optOut": "NONE"},
        {"opt_out": None},
        {"endpointstatus": "ACTIVE"},
        {"x": "ALL"},
    )
    lines = [
        {"Id": f"{number}", "ChannelType": "EMAIL", "Address": f"{number}@b.c", **extra}
        for number, extra in enumerate([*refusals, *others])
    ]
    report = convert(write_lines(tmp_path / "e.json", *lines), tmp_path / "out")
    assert {row["address"] for row in suppressed(tmp_path / "out")} == {
        *("0@b.c", "1@b.c", "2@b.c", "3@b.c")
    }
    assert contacts(tmp_path / "out") == {"4@b.c", "5@b.c", "6@b.c", "7@b.c"}
    assert [(loss.member, loss.count) for loss in report.lost] == [("(unknown)", 8)]


def test_a_user_who_is_named_twice_is_counted(tmp_path: Path) -> None:
    """So is what stands twice on a line that says nothing else."""
    line = b'{"User":{"UserId":"ana"},"User":{"UserId":"ben"}}'
    report = convert(write_lines(tmp_path / "e.json", line), tmp_path / "out")
    assert report.endpoints == 1
    assert [loss.count for loss in report.lost] == [1]


def test_names_stay_apart(tmp_path: Path) -> None:
    """Names that would become the same, or that are ours, each keep their value."""
    endpoint = {
        "Id": "1",
        "Attributes": {
            "a b": ["1"],
            "a_b": ["2"],
            "a-b": ["3"],
            "k": ["x", "y"],
            "k_0": ["z"],
            "pinpoint_Id": ["mine"],
            "User_u": ["4"],
            "Metrics_m": ["5"],
            "é" * 300: ["6"],
        },
        "Metrics": {"m": 1},
        "User": {"UserId": "u", "UserAttributes": {"u": ["7"]}},
    }
    report = convert(write_lines(tmp_path / "e.json", endpoint), tmp_path / "out")
    (profile,) = profiles(tmp_path / "out")
    attributes = profile["Attributes"]
    assert {*"1234567xyz", "mine"} <= set(attributes.values())
    assert attributes["a_b"] == "2"
    assert attributes["User_u"] == "7"
    assert attributes["Metrics_m"] == "1"
    assert attributes["pinpoint_Id"] == "1"
    assert report.renamed["Attributes.a b"] == "a_b"


def test_a_user_that_looks_like_an_endpoint_is_nobody_else(tmp_path: Path) -> None:
    """Keys of users and of endpoints without a user can never be the same."""
    out = _one(
        tmp_path,
        {"Id": "1"},
        {"Id": "2", "User": {"UserId": "endpoint:1"}},
        {"Id": "3", "User": {"UserId": "user:endpoint:1"}},
        {"Id": "4", "User": {"UserId": "x" * 300}},
        {"Id": "5", "User": {"UserId": "x" * 299 + "y"}},
    )
    keys = [profile["AccountNumber"] for profile in profiles(out)]
    assert len(set(keys)) == 5
    assert max(map(len, keys)) == 255


def test_a_profile_is_no_larger_than_the_service_takes(tmp_path: Path) -> None:
    """A user with far too much is cut to 250 KB, and what is cut is counted."""
    endpoints = [
        {
            "Id": f"e-{number}",
            "ChannelType": "EMAIL",
            "Address": f"{number}@example.com",
            "User": {"UserId": "everyone"},
            "Attributes": {f"name-{index}": [f"{number}-{index}"] for index in range(100)},
        }
        for number in range(1_000)
    ]
    report = convert(write_lines(tmp_path / "e.json", *endpoints), tmp_path / "out")
    (line,) = (tmp_path / "out" / "profiles" / "profiles-00001.jsonl").read_bytes().splitlines()
    assert len(line) <= 250_000
    for member in report.members:
        assert member.read == member.written + member.lost
    assert any("250 KB" in loss.reason for loss in report.lost)


def test_forms_of_a_source_give_the_same(tmp_path: Path) -> None:
    """A file, compressed or not, named anyhow, in a folder, or in several pieces."""
    second = {**ENDPOINT, "Id": "e-2", "User": {"UserId": "ben"}, "Address": "ben@example.com"}
    plain = write_lines(tmp_path / "one.json", ENDPOINT, second)
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "part.gz").write_bytes(gzip.compress(json.dumps(second).encode()))
    (folder / "deep" / "part.ndjson").write_bytes(json.dumps(ENDPOINT).encode())
    (folder / "_SUCCESS").write_bytes(b"not an endpoint")
    (folder / "notes.txt").write_bytes(b"not an endpoint")
    misnamed = tmp_path / "export"
    misnamed.write_bytes(gzip.compress(plain.read_bytes()))
    results = []
    for number, source in enumerate((plain, folder, misnamed)):
        out = tmp_path / f"out-{number}"
        report = convert(source, out)
        assert (report.endpoints, report.bad_lines) == (2, 0)
        results.append(snapshot(out / "profiles"))
    assert results[0] == results[1] == results[2]


def test_csv_is_read_and_written(tmp_path: Path) -> None:
    """A table of endpoints is a source, and profiles can be a table."""
    source = tmp_path / "people.csv"
    source.write_text(
        "Id,ChannelType,Address,User.UserId,Attributes.plan,Metrics.level\n"
        "1,EMAIL,ana@example.com,ana,pro,7\n"
        "2,EMAIL,ben@example.com,ben,,x\n"
        '3,EMAIL,"cy@example.com",cy,"a,b",\n'
    )
    out = tmp_path / "out"
    report = convert(source, out, format="csv")
    assert (report.endpoints, report.bad_lines) == (2, 1)
    (part,) = (out / "profiles").iterdir()
    header, *rows = part.read_text().splitlines()
    assert header.startswith("AccountNumber,PartyTypeString,EmailAddress,")
    assert "Attributes.plan" in header.split(",")
    assert [row.split(",")[0] for row in rows] == ["ana", "cy"]


def test_a_damaged_file_is_one_bad_line(tmp_path: Path) -> None:
    """What stands before the damage, and in other files, is converted."""
    folder = tmp_path / "folder"
    folder.mkdir()
    lines = b"".join(json.dumps({"Id": str(number)}).encode() + b"\n" for number in range(5_000))
    (folder / "a.json.gz").write_bytes(gzip.compress(lines)[:-5_000])
    (folder / "b.json").write_bytes(b'{"Id": "other"}')
    report = convert(folder, tmp_path / "out")
    assert report.bad_lines == 1
    assert report.first_bad_lines[0].file == "a.json.gz"
    assert "endpoint:other" in {each["AccountNumber"] for each in profiles(tmp_path / "out")}


def test_a_client_is_a_source_and_so_is_a_segment(tmp_path: Path) -> None:
    """Endpoints of the engine are converted with its segments and templates."""
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.endpoints.update(
            pk.Endpoint(id="e-1", channel_type="EMAIL", address="a@example.com")
        )
        pinpoint.endpoints.update(pk.Endpoint(id="e-2", attributes={"plan": "pro"}))
        segment = pinpoint.segments.create("pros", pk.where.attribute("plan").is_in("pro"))
        pinpoint.call(
            "CreateSmsTemplate",
            TemplateName="hello",
            SMSTemplateRequest={"Body": "Hi {{User.UserAttributes.name}}"},
        )
        whole = convert(pinpoint, tmp_path / "all")
        part = convert(pinpoint, tmp_path / "part", segment=segment.id)
    assert (whole.profiles, whole.segments, whole.templates) == (2, 1, 1)
    assert part.profiles == 1
    (request,) = json.loads((tmp_path / "all" / "templates.json").read_bytes())["requests"]
    assert request["content"]["sms"]["body"]["plainText"]["content"] == (
        "Hi {{Attributes.Customer.Attributes.User_name}}"
    )


def test_s3_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The objects below a prefix are read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="exports")
        s3.put_object(
            Bucket="exports", Key="job/1.gz", Body=gzip.compress(json.dumps(ENDPOINT).encode())
        )
        report = convert("s3://exports/job/", tmp_path / "out")
        with pytest.raises(ConfigurationError, match="no object"):
            convert("s3://exports/other/", tmp_path / "none")
    assert report.profiles == 1


def test_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Also with the lines in another order; and parts of an earlier, larger run are gone."""
    endpoints = [
        {
            **ENDPOINT,
            "Id": f"e-{number}",
            "Address": f"{number}@example.com",
            "User": {"UserId": f"u{number % 7}"},
        }
        for number in range(40)
    ]
    source = write_lines(tmp_path / "endpoints.json", *endpoints)
    out = tmp_path / "out"
    report = convert(source, out, profiles_per_file=2)
    assert sum(1 for _ in (out / "profiles").iterdir()) == 4
    first = snapshot(out)
    assert sorted(first) == sorted(report.files)
    convert(source, out, profiles_per_file=2)
    assert snapshot(out) == first
    write_lines(source, *reversed(endpoints))
    convert(source, out, profiles_per_file=2)
    assert {**snapshot(out), "problems.csv": b""} == {**first, "problems.csv": b""}
    convert(source, out, profiles_per_file=5)
    assert sum(1 for _ in (out / "profiles").iterdir()) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Files have mode 600 and folders 700, and nothing else is left."""
    out = _one(tmp_path, ENDPOINT)
    for path in (out, *out.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not (out / ".work").exists()


def test_a_full_disk_is_told_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is kept; with more room, the same call ends with the same bytes."""
    endpoints = [
        {**ENDPOINT, "Id": f"e-{number}", "User": {"UserId": f"u-{number}"}}
        for number in range(900)
    ]
    source = write_lines(tmp_path / "endpoints.json", *endpoints)
    convert(source, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(staging, "_PRAGMAS", (*staging._PRAGMAS, "max_page_count=14"))
        with pytest.raises(ConfigurationError, match=r"is full; make room.*SQLITE_TMPDIR"):
            convert(source, tmp_path / "out")
    convert(source, tmp_path / "out")
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_the_losses_of_one_user_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go to the work file while the profile is made, and not behind it."""
    monkeypatch.setattr(converting, "_AT_ONCE", 50)
    sizes: list[int] = []
    add = staging.Staging.add_problems

    def counted(self: staging.Staging, problems: Iterable[staging.Problem]) -> None:
        found = list(problems)
        sizes.append(len(found))
        add(self, found)

    monkeypatch.setattr(staging.Staging, "add_problems", counted)
    lines = [{"Id": str(number), "User": {"UserId": "ana"}, "Odd": 1} for number in range(300)]
    report = convert(write_lines(tmp_path / "e.json", *lines), tmp_path / "out")
    assert (report.profiles, sum(sizes)) == (1, 300)
    assert max(sizes) <= 50


def test_a_text_that_no_file_can_hold_is_a_bad_line() -> None:
    """Half of a pair of signs, which another server of the protocol may send."""
    ledger = Ledger()
    gatherer = Gatherer(ledger, Plans())
    gatherer.endpoint(0, 1, {"Id": "\ud800"}, None)
    gatherer.endpoint(0, 2, {"Id": "e"}, None)
    assert [endpoint[2] for endpoint in gatherer.endpoints] == ["e"]
    assert [(problem.line, "surrogate" in problem.reason) for problem in ledger.taken()] == [
        (1, True)
    ]


def test_mistakes_are_told(tmp_path: Path) -> None:
    """Sources, folders and options that cannot be are refused, and nothing is written over."""
    source = write_lines(tmp_path / "endpoints.json", ENDPOINT)
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious.txt").write_text("mine")
    others = tmp_path / "others"
    others.mkdir()
    (others / "report.json").write_text('{"profiles": "mine"}')
    (tmp_path / "empty").mkdir()
    for given, out, options, match in (
        (tmp_path / "none.json", tmp_path / "out", {}, "no file or folder"),
        (tmp_path / "empty", tmp_path / "out", {}, "no file with endpoints"),
        (source, full, {}, "holds other files"),
        (source, others, {}, "holds other files"),
        (source, source, {}, "cannot be written"),
        (source, tmp_path / "out", {"region_field": "Planet"}, "region_field"),
        (source, tmp_path / "out", {"format": "xml"}, "format"),
        (source, tmp_path / "out", {"profiles_per_file": 0}, "profiles_per_file"),
        (source, tmp_path / "out", {"segment": "s"}, "segment"),
        ("sqlite:///shop.db", tmp_path / "out", {}, "pinpoint_kit.connect"),
    ):
        with pytest.raises(ConfigurationError, match=match):
            convert(given, out, **options)
    with pytest.raises(InvalidTypeError):
        convert(7, tmp_path / "out")  # type: ignore[arg-type]
    assert (full / "precious.txt").read_text() == "mine"
    assert [path.name for path in others.iterdir()] == ["report.json"]


def test_the_folder_can_be_inside_of_the_source(tmp_path: Path) -> None:
    """What a conversion has written is not read by the next one."""
    write_lines(tmp_path / "endpoints.json", ENDPOINT)
    convert(tmp_path, tmp_path / "out")
    assert convert(tmp_path, tmp_path / "out").endpoints == 1


def test_what_somebody_has_put_into_the_work_folder_stays(tmp_path: Path) -> None:
    """The conversion is over, and whole, with or without the folder."""
    out = _one(tmp_path, ENDPOINT)
    whole = snapshot(out)
    (out / ".work").mkdir()
    (out / ".work" / "note").write_text("mine")
    _one(tmp_path, ENDPOINT)
    assert snapshot(out) == {**whole, ".work/note": b"mine"}


def test_reports_hold_no_values(tmp_path: Path) -> None:
    """Neither the report nor the list of problems shows what an endpoint holds."""
    endpoint = {
        **ENDPOINT,
        "Attributes": {"secret": ["ana@example.com" * 30]},
        "Address": ["x@y.z"],
    }
    out = _one(tmp_path, endpoint, b'{"Address": "x@y.z"')
    for name in ("report.json", "problems.csv"):
        assert b"@" not in (out / name).read_bytes()
