"""Templates keep their text, with the names of variables that a profile has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.migration.customer_profiles import convert
from pinpoint_kit.migration.customer_profiles.templates import convert_templates, rewritten
from tests.migration.outputs import write_lines

if TYPE_CHECKING:
    from pathlib import Path

CUSTOM = "Attributes.Customer.Attributes."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{{User.UserAttributes.name}}", f"{{{{{CUSTOM}User_name}}}}"),
        ("{{ User.UserAttributes.[first name] }}", f"{{{{ {CUSTOM}User_first_name }}}}"),
        ("{{{Attributes.plan}}}", f"{{{{{{{CUSTOM}plan}}}}}}"),
        (
            "{{Attributes.plan.[0]}} {{Attributes.plan.[2]}}",
            f"{{{{{CUSTOM}plan}}}} {{{{{CUSTOM}plan_2}}}}",
        ),
        ("{{Metrics.level}}", f"{{{{{CUSTOM}Metrics_level}}}}"),
        ("{{Demographic.Make}}", f"{{{{{CUSTOM}Demographic_Make}}}}"),
        (
            "{{Location.City}} {{Location.Region}}",
            "{{Attributes.Customer.City}} {{Attributes.Customer.Province}}",
        ),
        (
            "{{User.UserId}} {{Id}}",
            f"{{{{Attributes.Customer.AccountNumber}}}} {{{{{CUSTOM}pinpoint_Id}}}}",
        ),
        ("{{Address}}", "{{Attributes.Customer.EmailAddress}}"),
        (
            "{{#if Attributes.plan}}yes{{else}}no{{/if}}",
            f"{{{{#if {CUSTOM}plan}}}}yes{{{{else}}}}no{{{{/if}}}}",
        ),
        (
            "{{! User.UserId }} \\{{User.UserId}} User.UserId",
            "{{! User.UserId }} \\{{User.UserId}} User.UserId",
        ),
        ("no tags, } or {", "no tags, } or {"),
        ("{{", "{{"),
    ],
)
def test_paths_are_rewritten(given: str, expected: str) -> None:
    """Every variable that Pinpoint has is found where the profile has it."""
    assert rewritten(given, "EMAIL", region_field="Province") == (expected, [])


def test_helpers_stay_and_are_noted() -> None:
    """A helper keeps its name and its texts; what it is given is rewritten."""
    text, notes = rewritten(
        '{{#eq Attributes.plan "User.UserId"}}{{upper (trim User.UserId)}}{{/eq}}{{Odd.path}}',
        "SMS",
        region_field="Province",
    )
    assert text == (
        f'{{{{#eq {CUSTOM}plan "User.UserId"}}}}'
        "{{upper (trim Attributes.Customer.AccountNumber)}}"
        "{{/eq}}{{Odd.path}}"
    )
    assert [note.split(":")[0] for note in notes] == [
        *("the helper eq", "the helper upper", "the helper trim", "the helper eq", "{{Odd.path}}")
    ]


@given(st.text(alphabet="{}[]\"'ab.#/!~\\ ", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    """Nothing raises, and what has no variable of Pinpoint comes back as it is."""
    assert rewritten(text, "SMS", region_field="Province")[0] == text


TEMPLATES: list[dict[str, Any]] = [
    {
        "TemplateType": "EMAIL",
        "TemplateName": "welcome",
        "Subject": "Hi {{User.UserAttributes.name}}",
        "HtmlPart": "<p>{{Attributes.plan}}</p>",
        "TextPart": "{{Attributes.plan}}",
        "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://example.com>"}],
        "DefaultSubstitutions": json.dumps({"Attributes.plan": "free", "Location.City": "here"}),
        "TemplateDescription": "Says hello",
        "tags": {"team": "x"},
    },
    {"TemplateType": "SMS", "TemplateName": "code", "Body": "{{Attributes.code}}"},
    {
        "TemplateType": "PUSH",
        "TemplateName": "news",
        "Default": {"Title": "News", "Body": "{{Attributes.news}}", "Action": "OPEN_APP"},
        "GCM": {"Title": "G", "RawContent": "{}"},
    },
    {"TemplateType": "VOICE", "TemplateName": "call", "Body": "Hello"},
    {"TemplateType": "INAPP", "TemplateName": "modal"},
    {"TemplateType": "SMS", "TemplateName": "empty", "DefaultSubstitutions": "{"},
]


def test_templates_become_requests_that_the_service_model_takes() -> None:
    """E-mail, SMS and push; botocore finds nothing wrong with them, the rest is noted."""
    made = convert_templates(TEMPLATES, region_field="Province")
    assert [each["name"] for each in made.requests] == ["code", "news", "welcome"]
    welcome: Any = made.requests[2]
    assert welcome["content"]["email"]["subject"] == f"Hi {{{{{CUSTOM}User_name}}}}"
    assert welcome["defaultAttributes"] == {
        "customerProfileAttributes": {"custom": {"plan": "free"}}
    }
    notes = "\n".join(made.notes)
    for part in ("call (VOICE)", "modal (INAPP)", "empty (SMS)", "Location.City", "tags"):
        assert part in notes
    client = boto3.client(
        "qconnect",
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    with Stubber(client) as stub:
        for request in made.requests:
            stub.add_response("create_message_template", {})
            client.create_message_template(
                knowledgeBaseId="01234567-89ab-cdef-0123-456789abcdef",
                **request,
            )


def test_templates_are_read_from_files(tmp_path: Path) -> None:
    """Answers of get-email-template and the like say of which type they are."""
    source = write_lines(tmp_path / "endpoints.json", {"Id": "1"})
    templates = write_lines(
        tmp_path / "templates.json",
        {"SMSTemplateResponse": TEMPLATES[1]},
        {"EmailTemplateResponse": {**TEMPLATES[0], "TemplateType": None}},
        {"Odd": 1},
    )
    report = convert(source, tmp_path / "out", templates=templates)
    assert report.templates == 2
    assert "templates.json: line 3: is no template" in report.not_expressible
