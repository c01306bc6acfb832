"""`pinpoint.templates`: all verbs, on the engine in this process."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engagement import templates as templates_module

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = pk.EmailTemplate(
    name="welcome",
    subject="Hello {{User.UserAttributes.Name.[0]}}",
    html_part="<p>{{User.UserAttributes.Name.[0]}}</p>",
    text_part="{{promo}}",
    headers={"X-Id": "{{Id}}"},
    default_substitutions={"User.UserAttributes.Name": "you", "promo": "LATER"},
    description="what it is for",
    tags={"team": "growth"},
)
PART = pk.PushTemplatePart(title="T", body="B {{Id}}", action="OPEN_APP")
OTHERS = [
    pk.SMSTemplate(name="code", body="Your code", default_substitutions='{"a": "b"}'),
    pk.VoiceTemplate(name="call", body="Hi", language_code="en-US", voice_id="Joanna"),
    pk.PushTemplate(name="news", default=PART, gcm=pk.PushTemplatePart(raw_content="{}")),
    pk.InAppTemplate(
        name="banner",
        layout="TOP_BANNER",
        content=[{"BackgroundColor": "#fff"}],
        custom_config={"theme": "dark"},
    ),
]
ADA = pk.Endpoint(
    id="e-1",
    address="ada@example.com",
    channel_type="EMAIL",
    user=pk.User(id="u-1", attributes={"Name": "Ada & co"}),
)


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give a client of an empty engine."""
    with pk.connect("sqlite://") as client:
        yield client


def test_a_template_comes_back_as_it_was_made(pinpoint: pk.Pinpoint) -> None:
    """What was given is kept; version, ARN and dates come with the answer."""
    made = pinpoint.templates.create(EMAIL)
    assert isinstance(made, pk.EmailTemplate)
    assert made == pinpoint.templates.get("welcome", "EMAIL")
    assert made.to_dict() | EMAIL.to_dict() == made.to_dict()
    assert made.headers == (pk.MessageHeader(name="X-Id", value="{{Id}}"),)
    assert (made.version, str(made.arn).rpartition(":")[2]) == ("1", "templates/welcome/EMAIL")
    assert isinstance(made.creation_date, dt.datetime)
    assert made.extra == {}


@pytest.mark.parametrize("template", OTHERS, ids=lambda template: template.name)
def test_all_types(pinpoint: pk.Pinpoint, template: Any) -> None:
    """Each type is made, read, changed and deleted."""
    made = pinpoint.templates.create(template)
    assert type(made) is type(template)
    assert made.to_dict() | template.to_dict() == made.to_dict()
    assert made.extra == {}
    changed = pinpoint.templates.update(made, new_version=True)
    assert changed.version == "2"
    pinpoint.templates.delete(template.name, template.type)
    with pytest.raises(pk.NotFound):
        pinpoint.templates.get(template.name, template.type)


def test_versions(pinpoint: pk.Pinpoint) -> None:
    """An update overwrites the latest, or makes another; `activate` says which one counts."""
    templates = pinpoint.templates
    templates.create(pk.SMSTemplate(name="code", body="one", tags={"a": "b"}))
    changed = templates.update(pk.SMSTemplate(name="code", body="1", tags={"c": "d"}))
    assert (changed.version, changed.tags) == ("1", {"a": "b"})
    assert templates.update(pk.SMSTemplate(name="code", body="2"), new_version=True).body == "2"  # type: ignore[union-attr]  # it is an SMSTemplate
    assert [each.version for each in templates.versions("code", "SMS")] == ["2", "1"]
    assert templates.get("code", "SMS").version == "1"
    assert templates.get("code", "SMS", version=2).version == "2"
    templates.activate("code", "SMS")
    assert templates.get("code", "SMS").version == "2"
    templates.activate("code", pk.TemplateType.SMS, 1)
    templates.delete("code", "SMS", version="1")
    assert [each.version for each in templates.list("SMS")] == ["2"]


def test_lists(pinpoint: pk.Pinpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """By type and by the beginning of the name, over pages."""
    monkeypatch.setattr(templates_module, "_PAGE_SIZE", "2")
    for number in (1, 10, 2, 100):
        pinpoint.templates.create(pk.SMSTemplate(name=f"code-{number}", body="x"))
    pinpoint.templates.create(EMAIL)
    assert len(list(pinpoint.templates.list())) == 5
    found = [each.name for each in pinpoint.templates.list(prefix="code-1")]
    assert found == ["code-1", "code-10", "code-100"]
    (only,) = pinpoint.templates.list("EMAIL")
    assert (only.name, only.type) == ("welcome", pk.TemplateType.EMAIL)
    (version,) = pinpoint.templates.versions("welcome", "EMAIL")
    assert version.description == "what it is for"


def test_previews(pinpoint: pk.Pinpoint) -> None:
    """Of stored and of given templates, for stored and given endpoints, and for nobody."""
    templates = pinpoint.templates
    templates.create(EMAIL)
    pinpoint.endpoints.update(ADA)
    assert templates.preview("welcome", "EMAIL").subject == "Hello you"
    shown = templates.preview("welcome", "EMAIL", endpoint="e-1", defaults={"promo": "NOW"})
    assert (shown.subject, shown.html, shown.text) == (
        *("Hello Ada & co", "<p>Ada &amp; co</p>", "NOW"),
    )
    assert shown.parts["Headers.X-Id"] == "e-1"
    assert (shown.endpoint_id, shown.channel_type) == ("e-1", "EMAIL")
    assert templates.preview(EMAIL, endpoint=ADA) == templates.preview(
        "welcome", "EMAIL", endpoint="e-1"
    )
    own = {"User.UserAttributes.Name": "Augusta"}
    assert templates.preview(EMAIL, endpoint=ADA, substitutions=own).subject == "Hello Augusta"
    push = pk.PushTemplate(name="p", default=PART)
    shown = templates.preview(push, endpoint=pk.Endpoint(id="d", channel_type="GCM"))
    assert (shown.title, shown.body) == ("T", "B d")
    assert (templates.preview(push).title, templates.preview(push).body) == ("T", "B ")
    (found,) = templates.preview_for_user("welcome", "EMAIL", user_id="u-1")
    assert found.subject == "Hello Ada & co"


def test_a_preview_shows_no_person(pinpoint: pk.Pinpoint) -> None:
    """The texts are personal data: the repr counts them."""
    assert "Ada" not in repr(pinpoint.templates.preview(EMAIL, endpoint=ADA))


def test_errors(pinpoint: pk.Pinpoint) -> None:
    """What nothing can be sent of, and what the engine refuses."""
    templates = pinpoint.templates
    broken = pk.SMSTemplate(name="broken", body="Hi\n{{upper Nope}}")
    templates.create(broken)
    with pytest.raises(pk.BadRequest, match=r"Body: upper: Nope has no value.* line 2, column 3"):
        templates.preview("broken", "SMS")
    with pytest.raises(pk.BadRequest, match="exists already"):
        templates.create(broken)
    with pytest.raises(pk.ValidationError, match="type"):
        templates.preview("broken")
    with pytest.raises(pk.ValidationError, match="stored templates"):
        templates.preview(broken, version=2)
    with pytest.raises(pk.ValidationError, match="one of EMAIL"):
        templates.get("broken", "FAX")
    with pytest.raises(pk.InvalidTypeError, match="EmailTemplate"):
        templates.create("broken")  # type: ignore[arg-type]  # what it is about
    with pytest.raises(pk.InvalidTypeError, match="number of a version"):
        templates.get("broken", "SMS", version=True)
    with pytest.raises(pk.InvalidTypeError):
        templates.preview(broken, endpoint=7)  # type: ignore[arg-type]  # what it is about
    with pytest.raises(pk.InvalidTypeError, match="list of dicts"):
        pk.InAppTemplate(name="a", content={"a": "b"})  # type: ignore[arg-type]  # what it is about
    with pytest.raises(pk.ValidationError, match="JSON"):
        pk.SMSTemplate(name="a", default_substitutions={"a": object()})  # type: ignore[dict-item]  # what it is about
    with pytest.raises(pk.InvalidTypeError, match="JSON text"):
        pk.SMSTemplate(name="a", default_substitutions=7)  # type: ignore[arg-type]  # what it is about


def test_each_text_that_cannot_be_read_is_a_warning(pinpoint: pk.Pinpoint) -> None:
    """It names the part, the line and the column, and points at the line that called."""
    made = pk.EmailTemplate(name="broken", subject="{{#if Id}}", html_part="\n{{nope x}}")
    with pytest.warns(pk.TemplateWarning) as seen:
        pinpoint.templates.create(made)
    subject, html = [str(each.message) for each in seen]
    assert subject.startswith("Subject: ")
    assert "@ line 1, column 1;" in subject
    assert html.startswith("HtmlPart: ")
    assert "@ line 2, column 3;" in html
    assert {each.filename for each in seen} == {__file__}
    stored = pinpoint.templates.get("broken", "EMAIL")
    assert isinstance(stored, pk.EmailTemplate)
    assert (stored.subject, stored.html_part) == (made.subject, made.html_part)


def test_who_makes_errors_of_warnings_stores_nothing(pinpoint: pk.Pinpoint) -> None:
    """The warning comes before anything is sent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(pk.TemplateWarning):
            pinpoint.templates.create(pk.SMSTemplate(name="broken", body="{{"))
    assert list(pinpoint.templates.list()) == []
