"""Files of endpoints as both sides read them: rows, columns, ids."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.records.cells import values_of
from pinpoint_kit.records.columns import CellError, ColumnError, columns_of, nested
from pinpoint_kit.records.ids import derived_id
from pinpoint_kit.records.lines import Lines
from pinpoint_kit.records.rows import CsvRows, HeaderError, JsonRows

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[Any, ...]


class Maker:
    """Rows as they come."""

    def endpoint(self, line: int, members: dict[str, object], content: bytes | None = None) -> Row:
        assert content is None or orjson.loads(content) == members
        return (line, members)

    def users(self, line: int, user_ids: Sequence[str]) -> Row:
        return (line, list(user_ids))

    def bad(self, line: int, reason: str, column: str = "") -> Row:
        return (line, reason, column)


def csv(text: str) -> list[Row]:
    """Return the rows of a CSV file."""
    lines = Lines(io.BytesIO(text.encode()))
    return everything(CsvRows(lines, Maker(), CsvRows.header(lines)))


def everything(rows: Any, at_once: int = 2) -> list[Row]:
    """All rows, a few at a time."""
    found: list[Row] = []
    while not rows.is_at_end:
        found += rows.read(at_once)
    return found


def test_cells_go_where_their_columns_say() -> None:
    """Dots nest, repeated columns are lists, numbers are numbers, empty cells say nothing."""
    text = (
        "Id,Attributes.a,Attributes.a,User.UserAttributes.p,User.UserId,Metrics.n,Metrics.f,"
        "Location.Latitude,Demographic.Make\n"
        'x,1,"2,""3",pro,u,7,-1.5e3,38.7,\n'
        '"y\nz",,,,,,,,LG\n'
    )
    assert csv(text) == [
        (
            2,
            {
                "Id": "x",
                "Attributes": {"a": ["1", '2,"3']},
                "User": {"UserAttributes": {"p": ["pro"]}, "UserId": "u"},
                "Metrics": {"n": 7, "f": -1500.0},
                "Location": {"Latitude": 38.7},
            },
        ),
        (3, {"Id": "y\nz", "Demographic": {"Make": "LG"}}),
    ]


def test_a_file_of_users() -> None:
    """A single column of user ids names users, several of them with spaces between."""
    assert csv("User.UserId\nu-1\nu-2 u-3\n") == [(2, ["u-1"]), (3, ["u-2", "u-3"])]
    lines = Lines(io.BytesIO(b'{"User":{"UserId":"u"}}\n{"User":{"UserId":7}}\n'))
    assert everything(JsonRows(lines, Maker())) == [(1, ["u"]), (2, {"User": {"UserId": 7}})]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("Id,Nothing", "column 2 of the header is nothing that an endpoint has$"),
        ("Id,Attributes.", "column 2 of the header is nothing"),
        ("Id,Metrics.", "column 2 of the header is nothing"),
        ("Id;ChannelType;Address", "separate the columns with commas, not with semicolons$"),
        ("Id\tChannelType\tAddress", "commas, not with tabs$"),
        ("Id|ChannelType|Address", "commas, not with bars$"),
        ("Id,,Address", "column 2 of the header has no name: name it, or leave the comma out"),
        (",Id,Address", r"column 1 of the header has no name: .* with to_csv\(index=False\)"),
        ("id", "column 1 of the header is nothing that an endpoint has: write Id$"),
        ("Id,channel_type", "column 2 .*: write ChannelType$"),
        ("Id,Opt Out", ": write OptOut$"),
        ("Id,Country", ": write Location.Country$"),
        ("Id,location.CITY", ": write Location.City$"),
        ("Id,UserId", ": write User.UserId$"),
        ("Id,attributes.secret", ": write Attributes.NAME$"),
        ("Id,Metrics", ": write Metrics.NAME$"),
        ("Id,User Attributes.secret", ": write User.UserAttributes.NAME$"),
        ("Id,user.attributes.secret", ": write User.UserAttributes.NAME$"),
        ("Id,User", "nothing that an endpoint has$"),
        ("Id,Location.Planet", "nothing that an endpoint has$"),
        ("Id\rx\r", "the header has a carriage return alone: end lines with LF or CRLF"),
        ("Address,Id,Address", "column 3 of the header repeats"),
        ("Metrics.a,Metrics.a", "column 2 of the header repeats"),
        ('"Id', "the header is not valid CSV"),
        ("", "no header"),
    ],
)
def test_headers_that_cannot_be_understood(header: str, problem: str) -> None:
    """The problem names positions: where a header was forgotten, data stands there."""
    with pytest.raises(HeaderError, match=problem) as caught:
        csv(header)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Id,ChannelType,Address\nd1,EMAIL,a@b.c\n,,\n,,\n\n ,, \n,,,,,\n",
        ",,\nId,ChannelType,Address\nd1,EMAIL,a@b.c\n",
        "Id,ChannelType,Address,\nd1,EMAIL,a@b.c,\n",
        "Id,ChannelType,Address,,\nd1,EMAIL,a@b.c\n",
        "Id, ChannelType, Address\nd1, EMAIL, a@b.c\n",
        'Id, ChannelType, Address\nd1, "EMAIL", "a@b.c"\n',
        "Id,ChannelType,Address\nd1, EMAIL , a@b.c \n",
        "Id,ChannelType,Address,Attributes.plan,Metrics.n\nd1,EMAIL,a@b.c\n",
    ],
)
def test_what_spreadsheets_and_people_write(text: str) -> None:
    """Rows of commas are blank, commas at the end and short rows say nothing, blanks are none."""
    ((_, members),) = csv(text)
    assert members == {"Id": "d1", "ChannelType": "EMAIL", "Address": "a@b.c"}


@pytest.mark.parametrize(
    ("header", "row", "value"),
    [
        ("Id,Attributes.a", "d, x ", " x "),
        ("Id, Attributes.a", "d, x ", "x"),
        ("Id,Attributes.a", 'd, "x ""y"""', 'x "y"'),
        ("Id,Attributes.a", 'd," x"', " x"),
    ],
)
def test_blanks_in_attributes(header: str, row: str, value: str) -> None:
    """A blank belongs to an attribute unless the header has blanks behind its commas, too."""
    ((_, members),) = csv(f"{header}\n{row}\n")
    assert members == {"Id": "d", "Attributes": {"a": [value]}}


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("['pro']", ["pro"]),
        ("['music', 'travel']", ["music", "travel"]),
        ("['music' 'travel'\n 'food']", ["music", "travel", "food"]),
        ('["a, b", "it\'s", "\u00e9"]', ["a, b", "it's", "é"]),
        ('["it\'s", \'say "x"\']', ["it's", 'say "x"']),
        ("['a', None, nan]", ["a"]),
        ('["a", null]', ["a"]),
        ("['']", [""]),
        ("[]", []),
        ("[draft]", ["[draft]"]),
        ("[1, 2]", ["[1, 2]"]),
        ("['a'", ["['a'"]),
        ("['a' + 'b']", ["['a' + 'b']"]),
        ("[__import__('os')]", ["[__import__('os')]"]),
    ],
)
def test_a_cell_that_is_a_list_written_out(cell: str, values: list[str]) -> None:
    """What a data frame's `to_csv` writes of a list is that list again; other texts stay."""
    quoted = '"' + cell.replace('"', '""') + '"'
    ((_, members),) = csv(f"Id,Attributes.a\nd,{quoted}\n")
    assert members == {"Id": "d", "Attributes": {"a": values}}


@given(st.lists(st.text(), max_size=5))
def test_lists_survive_being_written_out(values: list[str]) -> None:
    """Python's, JSON's and NumPy's way of showing a list of texts all give the list back."""
    assert values_of(str(values)) == values
    if not any("\ud800" <= sign <= "\udfff" for value in values for sign in value):
        assert values_of(orjson.dumps(values).decode()) == values
    shown = " ".join(map(repr, values))
    assert values_of(f"[{shown}]") == values


def test_columns_that_pandas_has_renamed() -> None:
    """`x.1`, `x.2` repeat `x` where all of them are there; otherwise they are names."""
    assert csv("Id,Attributes.x,Attributes.x.1,Attributes.x.2\nd,a,b,c\n") == [
        (2, {"Id": "d", "Attributes": {"x": ["a", "b", "c"]}})
    ]
    assert csv("Id,Attributes.x,Attributes.x.2,Attributes.q.1\nd,a,b,c\n") == [
        (2, {"Id": "d", "Attributes": {"x": ["a"], "x.2": ["b"], "q.1": ["c"]}})
    ]
    # A list stands for all values of its name: such a table was not read from repeated columns.
    assert csv("Id,Attributes.x,Attributes.x.1\nd,['a'],['b']\n") == [
        (2, {"Id": "d", "Attributes": {"x": ["a"], "x.1": ["b"]}})
    ]


def test_a_cell_that_is_no_number() -> None:
    """The row is bad, and the column is named."""
    assert csv("Id,Metrics.n\nx,high\n") == [(2, "must be a number", "Metrics.n")]
    with pytest.raises(ColumnError):
        columns_of(["Nothing"])


@pytest.mark.parametrize(
    ("record", "members"),
    [
        ({"Id": "x", "Attributes": {"a": ["b"]}}, {"Id": "x", "Attributes": {"a": ["b"]}}),
        ({"Attributes.a": "b"}, {"Attributes": {"a": ["b"]}}),
        ({"Attributes.a": ["b", "c"]}, {"Attributes": {"a": ["b", "c"]}}),
        ({"Attributes.a": None}, {}),
        ({"Metrics.n": "7", "Metrics.m": 1.5}, {"Metrics": {"n": 7, "m": 1.5}}),
        ({"User": {"UserId": "u"}, "User.UserAttributes.a": "b"},
         {"User": {"UserId": "u", "UserAttributes": {"a": ["b"]}}}),
        ({"Attributes.a": "b", "Attributes": {"c": []}}, {"Attributes": {"a": ["b"], "c": []}}),
        ({"Nothing.at.all": 1, 5: 6}, {"Nothing.at.all": 1, 5: 6}),
    ],
)  # fmt: skip
def test_records(record: Any, members: Any) -> None:
    """Dotted names join plain ones; what is no column stays for others to refuse."""
    assert nested(record) == members


@pytest.mark.parametrize(
    "record",
    [
        {"User": "u", "User.UserId": "u"},
        {"Attributes": {"a": "b"}, "Attributes.a": "c"},
        {"Metrics.n": "high"},
    ],
)
def test_records_that_contradict_themselves(record: Any) -> None:
    """One member is not given in two ways."""
    with pytest.raises(CellError):
        nested(record)


def test_a_record_is_left_as_it_was() -> None:
    """What the caller gave is not changed."""
    record: dict[str, object] = {"User": {"UserId": "u"}, "User.UserAttributes.a": "b"}
    nested(record)
    assert record["User"] == {"UserId": "u"}


def test_an_id_is_the_same_each_time() -> None:
    """It tells channels and addresses apart, and is no secret of this process."""
    assert derived_id("EMAIL", "ana@example.com") == "15590fdf-4ea0-52be-887c-2117f81eee64"
    assert derived_id("SMS", "+1") != derived_id("SMS", "+2") != derived_id("VOICE", "+2")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'[{"Id":"a"},', "is a JSON array: write one object a line (jq -c '.[]')"),
        (b'[{"Id":"a"}]', "is a JSON array: write one object a line (jq -c '.[]')"),
        (b"{", "begins an object that goes over lines: write one object a line (jq -c .)"),
        (b'{"Id":"a"}{"Id":"b"}', "has several objects: write one object a line (jq -c .)"),
        (b'{"Id":"a"}, {"Id":"b"}', "has several objects: write one object a line (jq -c .)"),
        (b'{"Id":"a"', "is not valid JSON: unexpected end of data (column 10)"),
        (b'"a"', "must be a JSON object"),
    ],
)
def test_json_in_another_layout(line: bytes, reason: str) -> None:
    """The problem says how to write one object a line."""
    rows = JsonRows(Lines(io.BytesIO(line)), Maker())
    assert everything(rows) == [(1, reason, "")]
