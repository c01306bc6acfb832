"""Which texts of templates and messages cannot be read."""

from __future__ import annotations

from pinpoint_kit.templating.parts import faults_of, faults_of_messages


def test_each_text_of_a_message_configuration_is_looked_at() -> None:
    """Also those within lists and maps."""
    found = faults_of_messages(
        {
            "EmailMessage": {
                "SimpleEmail": {"Subject": {"Data": "{{#if x}}"}, "HtmlPart": {"Data": "{{x}}"}},
                "Headers": [{"Name": "X", "Value": "{{"}],
            },
            "GCMMessage": {"Data": {"key": "{{/if}}"}, "TimeToLive": 5, "SilentPush": True},
        }
    )
    assert list(found) == [
        "EmailMessage.SimpleEmail.Subject.Data",
        "EmailMessage.Headers[0].Value",
        "GCMMessage.Data.key",
    ]
    assert [(each.line, each.column) for each in found.values()] == [(1, 1)] * 3


def test_what_has_no_variables_is_not_looked_at() -> None:
    """Braces there are what they are."""
    assert faults_of("INAPP", {"Content": [{"HeaderConfig": {"Header": "{{"}}]}) == {}
    messages = {
        "CustomMessage": {"Data": "{{"},
        "InAppMessage": {"Content": [{"HeaderConfig": {"Header": "{{"}}]},
        "EmailMessage": {"RawEmail": {"Data": "{{"}, "Substitutions": {"x": ["{{"]}},
    }
    assert faults_of_messages(messages) == {}


def test_parts_of_a_push_template_are_told_apart() -> None:
    """Each platform's own text counts, whoever would get it."""
    content = {"Default": {"Body": "{{x}}"}, "GCM": {"Body": "{{"}, "APNS": {"RawContent": "{{"}}
    assert list(faults_of("PUSH", content)) == ["APNS.RawContent", "GCM.Body"]
