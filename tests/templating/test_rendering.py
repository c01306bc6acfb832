"""The language of templates: the guide's rules, what is missing, bounds and hostile templates."""

from __future__ import annotations

import datetime as dt
import pickle
import re
import time
from typing import Any

import pytest

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating import (
    Template,
    compile_template,
    parse_defaults,
    substitutions,
    variables_of,
)
from pinpoint_kit.templating.bounds import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_OUTPUT_CHARS,
    MAX_STEPS,
    MAX_TEMPLATE_CHARS,
)
from tests.timing import in_time

ENDPOINT: dict[str, Any] = {
    "Address": "ada@example.com",
    "ApplicationId": "0123",
    "Attributes": {"Plan": ["pro"], "Empty": []},
    "ChannelType": "EMAIL",
    "CohortId": "7",
    "Demographic": {"Make": "Acme", "Timezone": "Europe/Paris"},
    "EffectiveDate": "2026-11-30T09:05:07.123Z",
    "Id": "e-1",
    "Location": {"City": "Paris", "Latitude": 48.85},
    "Metrics": {"visits": 7.0, "score": 2.5},
    "OptOut": "NONE",
    "User": {
        "UserId": "u-1",
        "UserAttributes": {
            "FirstName": ["Ada"],
            "Last Name": ["O'Neil <b>"],
            "Colors": ["red", "blue"],
            "Age": ["41"],
        },
    },
}
NOW = dt.datetime(2026, 11, 30, 21, 4, 5, tzinfo=dt.timezone.utc)


def render(text: str, *defaults: dict[str, Any], escape: bool = False) -> str:
    """Render for the endpoint above."""
    return Template(text).render(variables_of(ENDPOINT), *defaults, escape=escape, now=NOW)


def refusal(text: str, *defaults: dict[str, Any]) -> str:
    """Return the error of a template, with its place."""
    with pytest.raises(TemplateError) as caught:
        render(text, *defaults)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{Address}}/{{ Id }}/{{User.UserId}}", "ada@example.com/e-1/u-1"),
        ("{{User.UserAttributes.FirstName.[0]}}", "Ada"),
        ("{{User.UserAttributes.FirstName.0}}", "Ada"),
        ("{{User.UserAttributes.FirstName}}", "Ada"),
        ("{{User.UserAttributes.[Last Name].[0]}}", "O'Neil <b>"),
        ("{{User.UserAttributes.Colors}} {{User.UserAttributes.Colors.length}}", "red,blue 2"),
        ("{{Metrics.visits}} {{Metrics.score}} {{Location.Latitude}}", "7 2.5 48.85"),
        ("[{{Nothing}}{{User.Nothing.[0].x}}{{Attributes.Empty}}]", "[]"),
        ("[{{ApplicationId}}{{CohortId}}{{User}}]", "[]"),
        ('{"a":{{Metrics.visits}}}', '{"a":7}'),
        ("{{#if Attributes.Plan.[0]}}y{{else}}n{{/if}}", "y"),
        ("{{#if Attributes.Empty}}y{{else}}n{{/if}}", "n"),
        ("{{#each User.UserAttributes.Colors}}{{@index}}{{this}}{{/each}}", "0red1blue"),
        ("{{#each User.UserAttributes.None}}x{{else}}none{{/each}}", "none"),
        ("{{#gt '9' '17'}}as text{{/gt}}", "as text"),
        ("{{eq User.UserAttributes.Age.[0] 41}}", "false"),
        ("{{eq Metrics.visits 7 yes='y' no='n'}}", "y"),
        ("{{#eq 1 2}}a{{else eq 1 1}}b{{else}}c{{/eq}}", "b"),
        ("{{and Address OptOut}} {{or Nothing 0}} {{not Nothing}}", "true false true"),
        ("{{upper (substring (lower 'HELLO') 1 3)}}", "EL"),
        ("{{divide 5 2.3}} {{divide 6 3}} {{add 0.1 0.2}}", "2.17391304 2 0.3"),
        ("{{add User.UserAttributes.Age 1}}", "42"),
        ("{{round 2.5}} {{round -2.5}} {{ceiling 1.2}} {{floor -1.2}}", "3 -2 2 -2"),
        ("{{modulo -7 3}} {{subtract 1 2}} {{multiply 1.5 2}}", "-1 -1 3"),
        ("{{ordinalize 1}} {{ordinalize 12}} {{ordinalize 103}}", "1st 12th 103rd"),
        ("{{inflect 1 'day' 'days'}} {{inflect 2 'day' 'days' includeCount=true}}", "day 2 days"),
        ("{{md5 'Hello world'}}", "3e25960a79dbc69b674cd4ec67a72c62"),
        ("{{decode64 (encode64 'Grüße')}}", "Grüße"),
        ("{{abbreviate 'Handlebars rocks' 13}}|{{abbreviate 'abc' 4}}", "Handlebars...|abc"),
        (
            "[{{center 'ab' size=5 pad='*'}}{{ljust 'ab' 4}}{{rjust 'ab' size=4}}]",
            "[*ab**ab    ab]",
        ),
        ("{{slugify ' Joel is a  Slug 9!'}}", "joel-is-a--slug-"),
        ("{{capitalize 'my fIRST post'}} {{capitalizeFirst 'my post'}}", "My FIRST Post My post"),
        ("{{cut 'a b c'}} {{cut 'a-b' '-'}} {{replace 'a.b.c' '.' '+'}}", "abc ab a+b+c"),
        ("{{stripTags '<p class=x>a <b>b</b> < c'}}", "a b < c"),
        ("{{join User.UserAttributes.Colors ' & ' prefix='(' suffix=')'}}", "(red & blue)"),
        ("{{join 'a' 'b' '-'}}", "a-b"),
        ("{{yesno 'true' yes='J'}} {{yesno false}} {{yesno Nothing maybe='?'}}", "J no ?"),
        ("{{#* inline 'n'}}<{{x}}>{{/inline}}{{> n x='1'}}{{> n}}", "<1><>"),
        ("{{#with User}}{{UserId}} {{../Id}}{{/with}}", "u-1 e-1"),
        ("{{lookup User.UserAttributes.Colors 1}}", "blue"),
        (r"\{{Address}}", "{{Address}}"),
        ("a {{~! gone ~}} b {{!-- }} --}}c", "ab c"),
    ],
)
def test_the_language(text: str, expected: str) -> None:
    """Variables, blocks and helpers do what the guide says."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{dateFormat EffectiveDate}}", "Nov 30, 2026"),
        ("{{dateFormat EffectiveDate 'full'}}", "Monday, November 30, 2026"),
        ("{{dateFormat EffectiveDate outputFormat='short'}}", "11/30/26"),
        ("{{dateFormat EffectiveDate 'long' tz='Pacific/Kiritimati'}}", "November 30, 2026"),
        (
            "{{dateFormat EffectiveDate 'yyyy-MM-dd HH:mm:ss.SSS Z XXX' tz=Demographic.Timezone}}",
            "2026-11-30 10:05:07.123 +0100 +01:00",
        ),
        (
            "{{dateFormat '11/19/2020 4:05 PM' inputFormat='MM/dd/yyyy h:mm a' outputFormat=Out}}",
            "Thu 19 Nov 20 at 16'5 UTC",
        ),
        ("{{dateFormat '20201119' inputFormat='yyyyMMdd' outputFormat='D w u E'}}", "324 47 4 Thu"),
        ("{{dateFormat '2020-01-02T03:04:05+02:00' 'HH:mm'}}", "01:04"),
        ("{{now 'yyyy-MM-dd HH:mm'}} {{now}}", "2026-11-30 21:04 Nov 30, 2026"),
        ("{{now 'h a z' tz='GMT-3:30'}}", "5 PM GMT-03:30"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    """Dates are written by style or by a pattern of Java's, and read in either form."""
    pattern = {"Out": "EEE d MMM yy 'at' H''m z"}
    assert render(text, pattern).replace("UTC-03:30", "GMT-03:30") == expected


def test_values_are_escaped_where_it_is_html() -> None:
    """Only values are escaped, and not between three braces."""
    text = "<p>{{User.UserAttributes.[Last Name]}} {{{User.UserAttributes.[Last Name]}}}</p>"
    assert render(text, escape=True) == "<p>O&#x27;Neil &lt;b&gt; O'Neil <b></p>"
    assert render(text) == "<p>O'Neil <b> O'Neil <b></p>"


def test_defaults_stand_in_for_what_is_missing() -> None:
    """The endpoint's own value wins, then the message's default, then the template's."""
    message = substitutions({"User.UserAttributes.Nick": ["Countess"], "promo": ["NOW"]})
    template = parse_defaults(
        '{"User.UserAttributes.Nick": "friend", "User.UserAttributes.FirstName": "you",'
        ' "Attributes": {"Empty": "none", "Shop": "ours"}, "promo": "LATER"}'
    )
    text = (
        "{{User.UserAttributes.FirstName.[0]}} {{User.UserAttributes.Nick.[0]}} {{promo}} "
        "{{Attributes.Empty}} {{Attributes.Shop.[0]}} "
        "{{#with Attributes}}{{Plan}} {{Shop}}{{/with}}"
    )
    assert render(text, message, template) == "Ada Countess NOW none ours pro ours"
    assert render(text, {}, template) == "Ada friend LATER none ours pro ours"


def test_a_recipients_substitutions_win() -> None:
    """What a message gives for one recipient goes before the endpoint's own data."""
    variables = variables_of(ENDPOINT)
    entry = substitutions({"User.UserAttributes.FirstName": ["Augusta"]})
    template = Template("{{User.UserAttributes.FirstName}} {{User.UserId}}")
    assert template.render(entry, variables, escape=False) == "Augusta u-1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A.B": "x", "A.[c d].[0]": "y"}, {"A": {"B": "x", "c d": "y"}}),
        ({"A": "x", "A.B": "y"}, {"A": {"B": "y"}}),
        ({"A.B": "y", "A": "x"}, {"A": {"B": "y"}}),
        ({"A": {"B": "x"}, "A.C": ["y"]}, {"A": {"B": "x", "C": ["y"]}}),
    ],
)
def test_names_of_substitutions_are_paths(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Flat and nested substitutions come to the same."""
    assert substitutions(given) == expected


@pytest.mark.parametrize("text", ["[1]", '"x"', "{", "[" * 100_000])
def test_defaults_are_an_object(text: str) -> None:
    """Anything but a JSON object is refused."""
    with pytest.raises(ValueError, match=r"."):
        parse_defaults(text)


def test_recommendations_are_variables() -> None:
    """What a model gave can be named."""
    variables = variables_of(ENDPOINT, {"Title": ["a book"]})
    assert Template("{{Recommendations.Title.[0]}}").render(variables, escape=False) == "a book"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n {{upper Nope}}", "upper: Nope has no value.* @ line 2, column 4"),
        ("{{upper User.UserAttributes.Colors}}", "is not a single value"),
        ("{{lt Nope 1}}", "lt: Nope has no value"),
        ("{{#gt '1' 1}}{{/gt}}", "both must be texts, or both numbers"),
        ("{{divide 1 0}}", "is 0"),
        ("{{add 'x' 1}}", "no number"),
        ("{{add 999999999999999999 1}}", "more than 18 digits"),
        ("{{abbreviate 'abcdef' 3}}", "whole number from 4"),
        ("{{substring 'abc' 2 9}}", "from 2 to 3"),
        ("{{yesno 'perhaps'}}", "neither true nor false"),
        ("{{decode64 '%'}}", "base64"),
        ("{{dateFormat 'yesterday'}}", "ISO 8601"),
        ("{{dateFormat '2026-02-30'}}", "calendar"),
        ("{{now 'yyyy-bb'}}", "b is no letter"),
        ("{{now 'yyyy' tz='../../etc/passwd'}}", "time zone"),
        ("{{now 'yyyy' tz='Mars/Olympus'}}", "time zone"),
        ("{{nope 1}}", "nope is no helper.* @ line 1, column 3"),
        ("{{upper}}", "takes 1 values, here are 0"),
        ("{{upper 'a' loud=true}}", "takes no loud="),
        ("{{each Address}}", "is a block"),
        ("{{#upper Address}}{{/upper}}", "is no block"),
        ("{{> gone}}", "no inline partial gone"),
        ("{{#if Address}}", r"never ends: close it with \{\{/if\}\} @ line 1, column 1"),
        ("{{#if Address}}{{/unless}}", "the open block is if"),
        ("{{/if}}", "no block that it belongs to"),
        ("{{else}}", "no block that it belongs to"),
        ("{{#if Id}}a{{else}}b{{else}}c{{/if}}", "stands twice"),
        ("{{Address", "never ends"),
        ("{{Address 'x}}", "never closed"),
        ("{{! no end", "comment never ends"),
        ("{{a/../b}}", "front of a path"),
        ("{{upper (lower Id}}", r"close it with \)"),
        ("{{}}", "must stand here"),
        ("{{{{raw}}}}", "raw blocks"),
        ("{{#> p}}{{/p}}", "partial blocks"),
        ("{{{Id}}", r"closes with \}\}\}"),
        ("{{upper " + "9" * 19 + "}}", "at most 18 digits"),
    ],
)
def test_errors_say_what_and_where(text: str, expected: str) -> None:
    """A template that cannot be read or rendered gives one error, with its place."""
    assert re.search(expected, refusal(text), re.DOTALL)


def test_errors_hold_no_values() -> None:
    """A person's data never stands in an error."""
    assert "O'Neil" not in refusal("{{add User.UserAttributes.[Last Name] 1}}")


def test_an_error_can_be_pickled() -> None:
    """An error comes out of another process with its place."""
    error = pickle.loads(pickle.dumps(TemplateError("odd", line=3, column=4)))  # noqa: S301
    assert (error.line, error.column, str(error)) == (3, 4, "odd @ line 3, column 4")


NESTED = "{{#each @root.L}}" * 6 + "x" + "{{/each}}" * 6
LONG = NESTED.replace("x", "x" * 100)
TOO_LONG = {"L": ["a"] * (MAX_ITEMS + 1)}
FULL = {"L": ["a"] * MAX_ITEMS}


@pytest.mark.parametrize(
    ("text", "defaults", "expected"),
    [
        ("{{#if Id}}" * (MAX_DEPTH + 1) + "{{/if}}" * (MAX_DEPTH + 1), {}, "levels"),
        ("{{#if Id}}x" * 50_000, {}, "levels"),
        ("{{upper " + "(upper " * 5000, {}, "levels"),
        ("{{#if Id}}" + "{{else if Id}}" * 5000 + "{{/if}}", {}, "levels"),
        ("x" * (MAX_TEMPLATE_CHARS + 1), {}, "at most"),
        ("{{a}}" * (MAX_TEMPLATE_CHARS // 5), {}, "tags"),
        ("{{join" + " 1" * 200_000 + "}}", {}, "at most 100 values"),
        ("{{join" + " a=1" * 101 + "}}", {}, "at most 100 values"),
        ("{{#each L}}{{/each}}", TOO_LONG, f"more than {MAX_ITEMS} items"),
        (NESTED, FULL, f"{MAX_STEPS} steps"),
        (LONG, FULL, f"{MAX_OUTPUT_CHARS} characters"),
        ("{{#* inline 'p'}}{{> p}}{{> p}}{{/inline}}{{> p}}", {}, "levels|steps"),
        ("{{center 'x' size=999999999}}", {}, "whole number from 0 to 10000"),
        ("{{center 'x' size='1e9'}}", {}, "whole number"),
        ("{{replace L '' L}}", {"L": "y" * 5000}, "characters"),
        ("{{now L}}", {"L": "y" * 101}, "pattern"),
        ("{{ordinalize L}}", {"L": "1" * 5000}, "no number"),
        ("{{add L 1}}", {"L": "1e999999999"}, "no number"),
        (
            "{{#each @root.L}}" * 3 + "{{sha512 @root.B}}" + "{{/each}}" * 3,
            {**FULL, "B": "b" * 100_000},
            "read more than",
        ),
        ("{{stripTags L}}" * 200, {"L": "<" * 200_000}, "read more than|characters"),
    ],
)
def test_hostile_templates_end_quickly(text: str, defaults: dict[str, Any], expected: str) -> None:
    """What would take memory or time without end is refused, and soon."""
    started = time.monotonic()
    assert re.search(expected, refusal(text, defaults))
    in_time(time.monotonic() - started, 5.0)


@pytest.mark.parametrize(
    "path",
    [
        *("__class__", "Address.__class__", "Address.upper", "User.__class__.__mro__"),
        *("User.keys", "User.get", "constructor", "User.constructor.name", "__proto__"),
        *("User.UserAttributes.Colors.__len__", "User.UserAttributes.Colors.append", "@root.items"),
        *("@_parent", "@__class__", "User.UserAttributes.Colors.[-1]", "../../Address"),
    ],
)
def test_only_keys_and_places_can_be_named(path: str) -> None:
    """Nothing of Python's objects can be reached."""
    assert render(f"[{{{{{path}}}}}]") == "[]"


def test_templates_are_kept_ready() -> None:
    """A text is read once; a template shows nothing of its text."""
    assert compile_template("a {{Address}}") is compile_template("a {{Address}}")
    assert repr(compile_template("a {{Address}}")) == "<Template of 13 characters>"


def test_rendering_is_quick() -> None:
    """A typical message costs tens of microseconds, so that campaigns make thousands a second."""
    text = (
        "Hello {{User.UserAttributes.FirstName.[0]}} {{User.UserAttributes.[Last Name].[0]}},\n"
        "{{#if Attributes.Plan.[0]}}your plan is {{Attributes.Plan.[0]}}{{else}}no plan{{/if}}\n"
        "{{Address}} {{Demographic.Make}}"
    )
    template, variables = compile_template(text), variables_of(ENDPOINT)
    started = time.process_time()
    for _ in range(10_000):
        template.render(variables, escape=False)
    in_time(time.process_time() - started, 1.0)  # 100 microseconds each, on a busy machine too
