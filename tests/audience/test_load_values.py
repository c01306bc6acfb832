"""Values of rows that come in another form: tables, frames and CSV give back what was stored."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit import where
from pinpoint_kit.errors import InvalidRowsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

DAY = dt.datetime(2024, 1, 2, 10, tzinfo=dt.timezone.utc)
NAIVE = dt.datetime(2024, 1, 2, 10)  # noqa: DTZ001 -- what people have
BY = "Attributes.signup"


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in this process."""
    with pk.connect("sqlite://") as client:
        yield client


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: pd.DataFrame({"Id": ["a"], BY: pd.to_datetime([DAY])}), id="aware"),
        pytest.param(lambda: pd.DataFrame({"Id": ["a"], BY: [pd.Timestamp(NAIVE)]}), id="naive"),
        pytest.param(lambda: pd.DataFrame({"Id": ["a"], BY: [DAY.date()]}), id="date"),
        pytest.param(lambda: pd.DataFrame({"Id": ["a"], BY: [[DAY, None]]}), id="list"),
        pytest.param(lambda: pd.DataFrame({"Id": ["a"], BY: [np.array([DAY])]}), id="array"),
        pytest.param(lambda: pa.table({"Id": ["a"], BY: pa.array([DAY])}), id="arrow"),
        pytest.param(lambda: pa.table({"Id": ["a"], BY: pa.array([[DAY]])}), id="arrow-list"),
        pytest.param(lambda: pa.table({"Id": ["a"], BY: [DAY.date()]}), id="arrow-date"),
        pytest.param(
            lambda: pa.table({"Id": ["a"], "Attributes": [{"signup": DAY}]}), id="arrow-struct"
        ),
        pytest.param(lambda: pl.DataFrame({"Id": ["a"], BY: [DAY]}), id="polars"),
        pytest.param(lambda: [{"Id": "a", BY: DAY}], id="rows"),
        pytest.param(lambda: [{"Id": "a", "Attributes": {"signup": [DAY]}}], id="nested-rows"),
    ],
)
def test_dates_become_instants_that_segments_match(
    pinpoint: pk.Pinpoint, source: Callable[[], Any]
) -> None:
    """A date of any kind of row is ISO 8601 with `Z`, as date conditions need it."""
    pinpoint.endpoints.load(source())
    (text,) = (pinpoint.endpoints.get("a").attributes or {})["signup"]
    assert text in {"2024-01-02T10:00:00.000Z", "2024-01-02T00:00:00.000Z"}
    condition = where.attribute("signup").before("2024-01-03T00:00:00Z")
    assert pinpoint.segments.count(pinpoint.segments.create("early", condition)) == 1


def test_scalars_become_texts_and_numbers(pinpoint: pk.Pinpoint) -> None:
    """Numbers, booleans and the like of a frame are what `record` would make of them."""
    frame = pd.DataFrame(
        {
            "Id": [UUID(int=1), "b"],
            "Attributes.whole": [7, 8],
            "Attributes.gap": [7, None],
            "Attributes.half": [0.5, 1e-7],
            "Attributes.flag": [True, False],
            "Attributes.price": [Decimal("9.90"), None],
            "Attributes.many": [[1, True, None, "x"], []],
            "Metrics.flag": [True, False],
            "Metrics.text": ["7", None],
            "Metrics.price": [Decimal("9.90"), float("nan")],
            "OptOut": ["All", "none"],
            "EndpointStatus": ["Inactive", None],
        }
    )
    assert pinpoint.endpoints.load(frame).accepted == 2
    first, second = pinpoint.endpoints.get(str(UUID(int=1))), pinpoint.endpoints.get("b")
    assert first.attributes == {
        "whole": ["7"],
        "gap": ["7"],
        "half": ["0.5"],
        "flag": ["true"],
        "price": ["9.90"],
        "many": ["1", "true", "x"],
    }
    assert first.metrics == {"flag": 1.0, "text": 7.0, "price": 9.9}
    assert (first.opt_out, first.endpoint_status) == (pk.OptOut.ALL, pk.EndpointStatus.INACTIVE)
    assert second.attributes == {"whole": ["8"], "half": ["0.0000001"], "flag": ["false"]}
    assert (second.metrics, second.opt_out) == ({"flag": 0.0}, pk.OptOut.NONE)


def test_letters_of_a_file_that_is_imported(pinpoint: pk.Pinpoint, tmp_path: Any) -> None:
    """A job takes channel, status and opt-out in any letters, as a load of rows does."""
    path = tmp_path / "a.csv"
    path.write_text("Id,ChannelType,Address,OptOut,EndpointStatus\nd,Email,a@b.c,All,inactive\n")
    job = pinpoint.jobs.wait(pinpoint.jobs.import_endpoints(path), timeout=20)
    assert job.total_failures == 0
    stored = pinpoint.endpoints.get("d")
    assert (stored.opt_out, stored.endpoint_status) == (pk.OptOut.ALL, pk.EndpointStatus.INACTIVE)


@pytest.mark.parametrize("column", ["Id", "Address", "User.UserId", "Location.PostalCode"])
def test_names_that_were_read_as_numbers_are_refused(pinpoint: pk.Pinpoint, column: str) -> None:
    """A number has lost zeros and plus signs, so no id and no address is made of it."""
    frame = pd.read_csv(io.StringIO(f"Id,{column}\na,0049\n" if column != "Id" else "Id\n0049\n"))
    with pytest.raises(InvalidRowsError, match="dtype=str") as caught:
        pinpoint.endpoints.load(frame)
    assert caught.value.problems[0].column == column


def test_an_index_of_ids_is_a_column(pinpoint: pk.Pinpoint) -> None:
    """A frame whose index has a name of ours is loaded with it; any other index says nothing."""
    frame = pd.DataFrame({"Id": ["a"], "Metrics.n": [1]}).set_index("Id")
    assert pinpoint.endpoints.load(frame).accepted == 1
    frame = pd.DataFrame({"Id": ["b"], "row": [1]}).set_index("row")
    assert pinpoint.endpoints.load(frame).accepted == 1
    assert sorted(pinpoint.endpoints.ids()) == ["a", "b"]


def test_repeated_columns_that_pandas_has_read(pinpoint: pk.Pinpoint) -> None:
    """`pd.read_csv` renames repeated columns; their values come together again."""
    text = "Id,Attributes.x,Attributes.x,Attributes.x\na,1,2,\nb,3,,\n"
    assert pinpoint.endpoints.load(pd.read_csv(io.StringIO(text))).accepted == 2
    assert pinpoint.endpoints.get("a").attributes == {"x": ["1", "2"]}
    assert pinpoint.endpoints.get("b").attributes == {"x": ["3"]}


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(["['pro']", '["a", "b"]', "[draft]", "nan", "None", "2024-01-02", "7", "1.0"])
NAMES = st.sampled_from(["a", "b", "a.1", "a.b", "Z z"])
LISTS = st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3), max_size=3)
ENDPOINTS = st.lists(
    st.builds(
        pk.Endpoint,
        attributes=LISTS,
        metrics=st.dictionaries(NAMES, st.floats(-1e6, 1e6), max_size=2),
        user=st.none()
        | st.builds(
            pk.User, id=st.sampled_from(["u", "v"]), attributes=LISTS.map(lambda found: found)
        ),
        effective_date=st.none() | st.just(DAY),
        opt_out=st.sampled_from(pk.OptOut),
        demographic=st.none() | st.builds(pk.Demographic, make=st.sampled_from(["LG", "x, y"])),
    ),
    min_size=1,
    max_size=4,
)


def to_csv(frame: pd.DataFrame) -> io.BytesIO:
    """Return the frame as a file."""
    return io.BytesIO(frame.to_csv(index=False).encode())


WAYS: dict[str, Callable[[Any], Any]] = {
    "models": list,
    "pandas": lambda stored: stored.to_pandas(),
    "arrow": lambda stored: stored.to_arrow(),
    "polars": lambda stored: pl.from_arrow(stored.to_arrow()),
    "arrow to pandas": lambda stored: stored.to_arrow().to_pandas(),
    "csv": lambda stored: to_csv(stored.to_pandas()),
    "arrow to pandas to csv": lambda stored: to_csv(stored.to_arrow().to_pandas()),
    "csv read by pandas": lambda stored: pd.read_csv(
        to_csv(stored.to_pandas()), dtype=str, keep_default_na=False, na_values=[""]
    ),
    "records": lambda stored: stored.to_pandas().to_dict("records"),
}


def seen(pinpoint: pk.Pinpoint) -> list[tuple[Any, ...]]:
    """Everything of an endpoint that a file can say."""
    return [
        (
            endpoint.id,
            endpoint.attributes or {},
            endpoint.metrics or {},
            endpoint.user and (endpoint.user.id, endpoint.user.attributes or {}),
            endpoint.effective_date,
            endpoint.opt_out,
            endpoint.demographic and endpoint.demographic.make,
        )
        for endpoint in pinpoint.endpoints.scan()
    ]


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=6, deadline=None)
@given(endpoints=ENDPOINTS)
def test_what_is_stored_survives_another_form(way: str, endpoints: list[pk.Endpoint]) -> None:
    """Loaded from a frame, a table or the CSV of one, each endpoint is what it was."""
    with pk.connect("sqlite://") as source, pk.connect("sqlite://") as copy:
        source.endpoints.update_many(
            attrs.evolve(endpoint, id=f"e{number}") for number, endpoint in enumerate(endpoints)
        )
        form = WAYS[way](source.endpoints.scan().to_list())
        kind = "CSV" if isinstance(form, io.BytesIO) else None
        assert copy.endpoints.load(form, format=kind).accepted == len(endpoints)
        assert seen(copy) == seen(source)


CELLS = (
    st.none()
    | st.sampled_from(["", "x", "y"])
    | st.lists(st.none() | st.sampled_from(["", "x", "y"]), max_size=3)
)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"Attributes.a": CELLS, "Attributes.b": CELLS}),
        min_size=2,
        max_size=4,
    )
)
def test_no_row_shows_what_another_has(rows: list[dict[str, Any]]) -> None:
    """Each endpoint has the values of its own row, however lists, blanks and gaps are mixed."""

    def values(cell: Any) -> list[str]:
        return [cell] if isinstance(cell, str) else [one for one in cell or () if one is not None]

    frame = pd.DataFrame([{"Id": f"d{number}", **row} for number, row in enumerate(rows)])
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.endpoints.load(frame)
        for number, row in enumerate(rows):
            expected = {name[-1]: values(cell) for name, cell in row.items() if values(cell)}
            assert (pinpoint.endpoints.get(f"d{number}").attributes or {}) == expected
