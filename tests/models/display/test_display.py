"""How values print, in a shell and in a notebook: short, and without personal data unless asked."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit import (
    BatchReport,
    ConfigurationError,
    DeliveryReport,
    Endpoint,
    Job,
    Location,
    MessageResult,
    OutboxMessage,
    Rejection,
    Segment,
    User,
)
from pinpoint_kit.models.display.tables import ModelIterator, ModelList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "customer@example.com"


def person(number: int = 1) -> Endpoint:
    """Return an endpoint with every kind of personal data, and markup in its values."""
    return Endpoint(
        id=f"device-{number}",
        channel_type="EMAIL",
        address=SECRET,
        attributes={"plan": ["pro", "<script>"], "note": [SECRET]},
        metrics={"level": 3.0},
        location=Location(country="PT", city=SECRET),
        user=User(id=SECRET, attributes={"name": [SECRET]}),
        request_id="request-1",
        creation_date="2026-01-02T03:04:05.678Z",
    )


class _Cells(HTMLParser):
    """The texts of a table, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def texts(value: Any) -> list[str]:
    """Return what a notebook shows of a value."""
    return _Cells(value._repr_html_()).texts


@pytest.mark.parametrize(
    "value",
    [
        person(),
        person().user,
        ModelList([person(), person(2)]),
        Job(id="job", job_status="COMPLETED", failures=(SECRET,)),
        BatchReport(rejected=(Rejection(index=0, id=SECRET, reason="r"),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_personal_shows_unless_asked(value: Any) -> None:
    """Neither the repr nor the table of a notebook holds an address, user id or attribute."""
    assert SECRET not in repr(value)
    assert SECRET not in "".join(texts(value))
    assert "Personal data is hidden; " in texts(value)


@pytest.mark.parametrize("make", [person, lambda: ModelList([person(), person(2)])])
def test_everything_shows_when_asked(make: Callable[[], Any]) -> None:
    """`show()` reveals all of it, as a table and as text; markup in values stays text."""
    shown = make().show()
    for text in (repr(shown), "\n".join(texts(shown))):
        assert text.count(SECRET) >= 5
        assert "pro, <script>" in text
        assert "hidden" not in text


def test_a_table_of_one_has_a_member_a_row() -> None:
    """Members that are given show by name, those of members with a dot."""
    cells = texts(Endpoint(id="e", location=Location(country="PT"), metrics={"level": 1}))
    assert cells[:7] == ["Endpoint", "id", "e", "metrics", "<1>", "location.country", "PT"]


def test_a_table_of_many_has_a_value_a_row() -> None:
    """Columns are what any of them has; bookkeeping shows only in the table of one."""
    cells = texts(ModelList([Endpoint(id="a"), person()]))
    assert cells[0] == "Endpoint, 2"
    assert "creation_date" in cells
    assert "request-1" not in cells
    assert "request-1" in texts(person())


def test_long_lists_are_cut() -> None:
    """A notebook gets 50 rows and a shell 5, each with the number of all."""
    many = ModelList(Endpoint(id=f"e{n}") for n in range(60))
    cells = texts(many)
    assert cells[0] == "Endpoint, 50 of 60"
    assert cells[-1] == "e49"
    assert repr(many).splitlines()[4:] == [" Endpoint(id='e4'),", " … 60 in all]"]
    assert repr(ModelList[Endpoint]()) == "[]"
    assert texts(ModelList[Endpoint]()) == ["models: none"]
    assert texts(ModelList([], of=Endpoint)) == ["Endpoint: none"]


def test_reports_show_their_counts() -> None:
    """Reasons are words and numbers, so they show."""
    report = DeliveryReport(recorded=3, accepted=1, dropped=2, reasons={"buffer_full": 2})
    assert "buffer_full: 2" in texts(report)
    assert "<0>" in texts(BatchReport(accepted=1))
    assert "Personal data is hidden; " not in texts(BatchReport(accepted=1))
    assert "Personal data is hidden; " not in texts(report)


def test_a_data_frame_has_pinpoints_columns() -> None:
    """Names are those of import files, attributes are lists, dates are UTC timestamps."""
    pd = pytest.importorskip("pandas")
    odd = Endpoint(id="b", attributes={"a.b": ["x"]})
    frame = ModelList([person(), odd]).to_pandas()
    assert list(frame["Id"]) == ["device-1", "b"]
    assert frame.loc[0, "User.UserAttributes.name"] == [SECRET]
    assert frame.loc[1, "Attributes.a.b"] == ["x"]
    assert frame.loc[0, "Metrics.level"] == 3.0
    assert frame.loc[0, "CreationDate"] == pd.Timestamp("2026-01-02T03:04:05.678Z")
    assert pd.isna(frame.loc[1, "CreationDate"])
    assert ModelList[Endpoint]().to_pandas().empty


def test_an_arrow_table_has_the_same_columns() -> None:
    """Every member that any model has is a column, null where one has none."""
    pytest.importorskip("pyarrow")
    table = ModelIterator(iter([Endpoint(id="a"), person()])).to_arrow()
    assert table.column_names[0] == "Id"
    assert table.column("Attributes.plan").to_pylist() == [None, ["pro", "<script>"]]


FIXED = {"Id", "ChannelType", "Address", "Location.Latitude", "User.UserId", "CreationDate"}


@pytest.mark.parametrize("models", [[], [Endpoint(id="a")]], ids=["empty", "one"])
def test_columns_are_there_without_values(models: list[Endpoint]) -> None:
    """Fixed members are columns of their type also where no model has them."""
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    frame = ModelIterator(models, of=Endpoint).to_pandas()
    assert set(frame.columns) >= FIXED
    assert len(frame[["Id", "Address"]]) == len(models)
    assert str(frame.dtypes["Address"]) == "object"
    assert str(frame.dtypes["Location.Latitude"]) == "float64"
    assert isinstance(frame.dtypes["CreationDate"], pd.DatetimeTZDtype)
    table = ModelList(models, of=Endpoint).to_arrow()
    assert table.column_names == list(frame.columns)
    assert table.schema.field("Address").type == pa.string()
    assert table.schema.field("Location.Latitude").type == pa.float64()
    assert not [name for name in table.column_names if name.startswith(("Attributes", "Metrics"))]


def test_other_collections_have_fixed_columns_too() -> None:
    """Jobs with what they were asked to do, and segments without their definitions."""
    pytest.importorskip("pyarrow")
    jobs = ModelList([], of=Job).to_arrow().column_names
    assert {"Id", "JobStatus", "Definition.SegmentId", "TotalFailures", "Failures"} <= set(jobs)
    segments = ModelList([], of=Segment).to_arrow().column_names
    assert {"Id", "Name", "Version", "ImportDefinition.Size"} <= set(segments)
    assert not [name for name in segments if name.startswith(("Dimensions", "SegmentGroups"))]


def test_a_slice_is_such_a_list() -> None:
    """It shows and becomes a data frame as the whole does."""
    many = ModelList([person(1), person(2)], of=Endpoint)
    assert isinstance(many[:1], ModelList)
    assert SECRET not in repr(many[:1])
    assert texts(many[2:]) == ["Endpoint: none"]
    assert many[1].id == "device-2"


def test_an_iterator_says_what_it_is_and_reads_nothing() -> None:
    """Its repr and its display name the models and the ways to a table."""

    def unread() -> Iterator[Endpoint]:
        raise AssertionError
        yield person()

    models = ModelIterator(unread(), of=Endpoint)
    assert repr(models) == (
        "<ModelIterator of Endpoint: go through it, or call to_list() or to_pandas()>"
    )
    shown = "".join(texts(models))
    assert shown.startswith("Endpoint: read when asked for, once.")
    assert ".to_pandas()" in shown
    assert repr(ModelIterator([person()])).startswith("<ModelIterator of models")


def test_an_iterator_is_read_once() -> None:
    """It gives its models as they come, and what is left as a list or a data frame."""
    models = ModelIterator(Endpoint(id=str(n)) for n in range(3))
    assert next(models).id == "0"
    assert [model.id for model in models.to_list()] == ["1", "2"]
    assert list(models) == []


@pytest.mark.parametrize(("method", "package"), [("to_pandas", "pandas"), ("to_arrow", "pyarrow")])
def test_a_missing_extra_is_named(
    method: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"{package} .*pinpoint-kit\[notebook\]"):
        getattr(ModelIterator([person()]), method)()


@pytest.mark.parametrize(
    "said",
    [
        "550 5.1.1 <customer@example.com>: no such user",
        "450 customer@example.com is busy",
        "+12065550100 has opted out",
        "the token " + "a1" * 32 + " is not registered",
    ],
)
@pytest.mark.parametrize(
    "made",
    [
        lambda said: MessageResult(delivery_status="PERMANENT_FAILURE", status_message=said),
        lambda said: OutboxMessage(id="1", status_message=said),
    ],
)
def test_what_a_server_said_shows_without_addresses(
    made: Callable[[str], MessageResult | OutboxMessage], said: str
) -> None:
    """Mail servers quote them; the rest of the sentence says what is wrong."""
    result = made(said)
    for shown in (repr(result), result._repr_html_()):
        assert [word for word in ("customer", "2065550100", "a1a1") if word in shown] == []
        assert "hidden" in shown
        assert max(said.split(), key=len) not in shown
    assert said in repr(result.show())
    kept = "MessageId: 9eb7b4fc9a63be9b1b450a2e8447152db6576d9d"
    assert kept in repr(made(kept))
