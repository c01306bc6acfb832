"""Values in templates that are JSON stay the values that they are, whatever they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating import Template

HOSTILE = st.one_of(
    st.text(),
    st.text(alphabet='"\\\\{}[]:,u0/ntab\n\r\0\u2028'),
    st.sampled_from(
        ['"', "\\", '\\"', '", "admin": true, "x": "', '"}', "\\u0022", "{{x}}", "null", "1"]
    ),
)


def rendered(text: str, **values: object) -> Any:
    """Return what an app reads of a payload."""
    return json.loads(Template(text).render(values, escape=False, is_json=True))


@given(HOSTILE, HOSTILE)
def test_a_value_between_quotes_is_the_string_that_an_app_reads(x: str, y: str) -> None:
    """Whatever it is, alone, beside others, in a key, within blocks and partials."""
    assert rendered('{"a": "{{x}}", "b": {"c": "<{{y}}> {{x}}"}}', x=x, y=y) == {
        "a": x,
        "b": {"c": f"<{y}> {x}"},
    }
    assert rendered('{"k{{x}}": ["\\\\", "\\"", "{{y}}"]}', x=x, y=y) == {f"k{x}": ["\\", '"', y]}
    text = (
        '{{#*inline "p"}}{"a": "{{this}}"}{{/inline}}'
        "[\n  {{#each l}}{{#if @index}}, {{/if}}{{> p}}{{/each}}]"
    )
    assert rendered(text, l=[x, y]) == [{"a": x}, {"a": y}]
    assert rendered('{{#*inline "p"}}{"a":\n"{{x}}"}{{/inline}}\n  {{> p}}\n', x=x) == {"a": x}


@given(HOSTILE)
def test_a_value_elsewhere_is_json_by_itself_or_fails(x: str) -> None:
    """It adds nothing beside itself."""
    text = '{"a": {{x}}, "b": 1}'
    try:
        found = rendered(text, x=x)
    except (TemplateError, ValueError):
        return
    assert list(found) == ["a", "b"]
    assert (found["a"], found["b"]) == (json.loads(x), 1)


@pytest.mark.parametrize(
    ("value", "got"), [(5, 5), ("5", 5), (2.5, 2.5), ("true", True), ('{"k": [1]}', {"k": [1]})]
)
def test_numbers_and_objects_stand_without_quotes(value: object, got: object) -> None:
    """As before."""
    assert rendered('{"a": {{x}}}', x=value) == {"a": got}


def test_keys_are_refused_with_their_place() -> None:
    """The error says line, column and what to do, and not the value."""
    text = '{"a":\n {{x}}}'
    with pytest.raises(TemplateError, match="no JSON by itself: put quotes") as caught:
        rendered(text, x='1, "admin": true')
    assert (caught.value.line, caught.value.column) == (2, 4)
    assert "admin" not in str(caught.value)


def test_a_value_as_it_is() -> None:
    """Three braces are for whoever trusts the value."""
    assert rendered('{"a": 1{{{x}}} }', x=', "b": 2') == {"a": 1, "b": 2}
    assert rendered('{"a": "{{{x}}}{{y}}"}', x='", "b": "', y='"') == {"a": "", "b": '"'}


def test_a_backslash_takes_no_quotation_mark_of_a_value() -> None:
    """One that stands right before the variable would."""
    with pytest.raises(TemplateError, match="a backslash before a variable"):
        rendered('{"a": "\\\\{{x}}"}', x='", "b": "')
