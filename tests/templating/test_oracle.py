"""Our renderer against npm's `handlebars`, with the helpers written again in JavaScript.

Needs Node.js and npm, which installs a fixed version once a run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating import Template
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

VERSION = "4.7.10"
#: Of npm: installing takes long on a busy machine.
INSTALL_TIMEOUT = 300
PROGRAM = Path(__file__).with_name("oracle.js")


class Oracle:
    """Handlebars.js in a process of its own."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def render(self, template: str, context: dict[str, Any], *, escape: bool) -> str | None:
        """Return the text, None for an error."""
        asked = {"template": template, "context": context, "escape": escape}
        self._program.write(json.dumps(asked) + "\n")
        answer: dict[str, str] = json.loads(self._program.out.line())
        return answer.get("text")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """Install `handlebars`, and start the program that renders with it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js or npm is missing, which install handlebars")
    folder = tmp_path_factory.mktemp("npm")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    done = subprocess.run(  # noqa: S603 -- npm of this machine
        [*command, f"handlebars@{VERSION}"],
        check=False,
        capture_output=True,
        timeout=INSTALL_TIMEOUT,
    )
    if done.returncode:
        pytest.skip("npm cannot install handlebars: its registry does not answer")
    with Program([node, str(PROGRAM), str(folder / "node_modules" / "handlebars")]) as program:
        yield Oracle(program)


def ours(template: str, context: dict[str, Any], *, escape: bool) -> str | None:
    """Return what we render, None for an error."""
    try:
        return Template(template).render(context, escape=escape)
    except TemplateError:
        return None


# A random endpoint. Texts hold what HTML escapes; names hold what needs brackets.

letters = st.text("aZ 9é<&\"'=`\n", max_size=6)
lists = st.lists(letters, max_size=3)
NAMES = ("Plan", "Last Name", "x-y", "constructor", "__proto", "length2")
attributes = st.dictionaries(st.sampled_from(NAMES), lists, max_size=4)
numbers = st.integers(-99, 99) | st.sampled_from([0.5, 2.25, -1.75, 7.0])
contexts = st.fixed_dictionaries(
    {},
    optional={
        "Address": letters,
        "Attributes": attributes,
        "Metrics": st.dictionaries(st.sampled_from(["m", "n"]), numbers, max_size=2),
        "OptOut": st.sampled_from(["ALL", "NONE", ""]),
        "User": st.fixed_dictionaries({"UserId": letters}, optional={"UserAttributes": attributes}),
        "flag": st.booleans(),
        "nothing": st.none(),
    },
)

# A random template: a grammar of what the language has.


def bracketed(name: str) -> str:
    """Return a name as a path holds it."""
    return name if name.isalnum() else f"[{name}]"


attribute_lists = st.builds(
    lambda home, name: f"{home}.{bracketed(name)}",
    st.sampled_from(["Attributes", "User.UserAttributes", "this.Attributes"]),
    st.sampled_from(NAMES),
)
items = st.builds(lambda path, at: f"{path}.[{at}]", attribute_lists, st.integers(0, 2))
scalars = st.sampled_from(
    [
        *("Address", "OptOut", "User.UserId", "User/UserId", "./Address", "Metrics.m", "Metrics.n"),
        *("flag", "nothing", "absent", "absent.deep.er", "@root.Address", "this.OptOut"),
    ]
)
literals = st.sampled_from(["'a'", '"Z 9"', "7", "-2", "0.5", "true", "false", "null", "''"])
values = scalars | items | attribute_lists | literals
CONDITIONS = ("eq", "neq", "gt", "gte", "lt", "lte", "and", "or")
ONE = (
    *("upper", "lower", "capitalizeFirst", "stripTags", "slugify", "ordinalize", "floor"),
    *("ceiling", "round", "encode64", "md5", "sha256", "sha512", "yesno", "cut", "capitalize"),
)
TWO = ("add", "subtract", "multiply", "modulo", "abbreviate", "cut", "substring", "ljust", "rjust")


def helper_calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make a helper with values, which may be helpers."""
    arg = inner | values
    return st.one_of(
        st.builds("({0} {1})".format, st.sampled_from(ONE), arg),
        st.builds("({0} {1} {2})".format, st.sampled_from(TWO), arg, arg),
        st.builds("({0} {1} {2})".format, st.sampled_from(CONDITIONS), arg, arg),
        st.builds("({0} {1} {2} yes='y' no=3)".format, st.sampled_from(CONDITIONS), arg, arg),
        st.builds("(not {0})".format, arg),
        st.builds("(replace {0} {1} {2})".format, arg, arg.filter(lambda x: x != "''"), arg),
        st.builds("(join {0} '; ' prefix='<' suffix='>')".format, arg),
        st.builds("(center {0} size={1} pad='*')".format, arg, st.integers(0, 9)),
        st.builds("(inflect {0} 'one' 'many' includeCount=true)".format, arg),
        st.builds("(substring {0} 0 {1})".format, arg, st.integers(0, 3)),
        st.builds("(lookup {0} {1})".format, st.just("Metrics"), st.just("'m'")),
    )


expressions = st.recursive(values, helper_calls, max_leaves=3)
calls = helper_calls(values).map(lambda call: call[1:-1])
texts = st.sampled_from(
    ["a", " ", "\n", "\n\n", " \n", "\t", "b\n ", " c ", "{ ", " }", "<&>", "\r\n", "d{ {e", "é"]
)
tilde = st.sampled_from(["", "", "", "~"])


def tag(left: str, inside: str, right: str) -> str:
    """Return a tag with its whitespace control."""
    return "{{" + left + inside + right + "}}"


tags = st.builds(tag, tilde, scalars | items | attribute_lists | calls, tilde)
raw_tags = (st.sampled_from(["Address", "OptOut", "User.UserId"]) | items).map(
    lambda path: "{{{" + path + "}}}"
)
comments = st.builds(tag, tilde, st.sampled_from(["! no ", "!-- a }} b --"]), tilde)
inside_items = st.sampled_from(
    ["{{this}}", "{{@index}}", "{{@key}}", "{{@first}}", "{{@last}}", "{{../OptOut}}", "{{.}}"]
)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make blocks around templates."""
    opened = st.one_of(
        st.builds("if {0}".format, expressions),
        st.builds("unless {0}".format, expressions),
        st.builds("{0} {1} {2}".format, st.sampled_from(CONDITIONS), expressions, values),
        st.builds("not {0}".format, expressions),
    )
    items_inside = st.lists(inner | inside_items | texts, max_size=4).map("".join)

    def block(
        head: str, body: str, branches: list[tuple[str, str]], other: str | None, t: Any
    ) -> str:
        name = head.split(maxsplit=1)[0]
        parts = [tag(t[0], "#" + head, t[1]), body]
        for at, (chained, inside) in enumerate(branches):
            parts += [tag(t[2 + at], "else " + chained, t[3 + at]), inside]
        if other is not None:
            parts += [tag(t[4], "else" if t[0] else "^", t[5]), other]
        return "".join([*parts, tag(t[6], "/" + name, t[7])])

    tildes = st.tuples(*[tilde] * 8)
    plain = st.builds(
        block,
        opened,
        inner,
        st.lists(st.tuples(opened, inner), max_size=2),
        st.none() | inner,
        tildes,
    )
    loops = st.builds(
        block,
        st.sampled_from(["each ", "#each "]).flatmap(
            lambda _: attribute_lists.map("each {0}".format)
        ),
        items_inside,
        st.just([]),
        st.none() | inner,
        tildes,
    )
    named = st.builds(
        lambda path, body: (
            f"{{{{#each {path} as |item at|}}}}{{{{item}}}}{{{{at}}}}{body}{{{{/each}}}}"
        ),
        attribute_lists,
        inner,
    )
    sections = st.builds(
        lambda sign, path, body: f"{{{{{sign}{path}}}}}{body}{{{{/{path}}}}}",
        st.sampled_from("#^"),
        st.sampled_from(["flag", "nothing", "absent", "Attributes.Plan"]),
        inner,
    )
    inside = st.builds(
        "{{{{#with User}}}}{0}{{{{UserId}}}}{{{{../OptOut}}}}{{{{/with}}}}".format, inner
    )
    partials = st.builds(
        lambda body, indent, end: (
            f"{{{{#* inline 'p'}}}}{body}{{{{k}}}}{{{{/inline}}}}{indent}{{{{> p k='v'}}}}{end}"
        ),
        inner,
        st.sampled_from(["", "\n  ", "x "]),
        st.sampled_from(["", "\n", " y"]),
    )
    return plain | plain | loops | named | sections | inside | partials


leaves = texts | texts | tags | raw_tags | comments
templates = st.recursive(
    st.lists(leaves, max_size=4).map("".join),
    lambda inner: st.lists(blocks(inner) | leaves, min_size=1, max_size=4).map("".join),
    max_leaves=8,
)

ADA = {
    "Address": "ada@example.com",
    "User": {"UserId": "u-1", "UserAttributes": {"Plan": ["pro"], "Last Name": ["O'Neil & <co>"]}},
}


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(template=templates, context=contexts, escape=st.booleans())
@example(
    template=" {{#if Address}}\n a\n {{else if OptOut}}\n b\n {{else}}\n c\n {{/if}}\n",
    context=ADA,
    escape=True,
)
@example(template="{{{User.UserAttributes.[Last Name].[0]}}} {{Address}}", context=ADA, escape=True)
@example(template="a\n  {{!-- x --}}  \nb\n{{> p}}", context=ADA, escape=False)
@example(template=r"\{{Address}} \\{{Address}}", context=ADA, escape=False)
@example(template="{{#eq Address 1}}a{{else~}} b{{~/eq}}", context=ADA, escape=False)
def test_templates_render_as_handlebars_renders_them(
    oracle: Oracle, template: str, context: dict[str, Any], *, escape: bool
) -> None:
    """Whatever the template and the endpoint: the same text, or an error of both."""
    assert ours(template, context, escape=escape) == oracle.render(template, context, escape=escape)
