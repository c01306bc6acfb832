"""The engine and a slow evaluator in Python agree about any segment of any audience."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import event, given, settings

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.segments import imported
from tests.engine.conftest import MORNING, Clock, Wire, restore_nul, with_nul, without_nul
from tests.slow_segments import Person, World, belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgresql import Server

#: What SQL, JSON and patterns could stumble on. An example uses a few of them, so that they meet.
NAMES = st.sampled_from(["a", "b", 'q"uo', "b\\s", "", "d.t", "é", "n\0l", "%"])
TEXTS = st.one_of(
    st.sampled_from(
        ["", "x", "xy", "X", 'x"', "x\0", "x\0y", "\0", "\\", "\\u0000", "n", "\n", "%", "_", "*",
         "[", ",", '","', "'", "🎉", "é", "e\u0301"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)  # fmt: skip
DAYS = st.sampled_from(["2025-12-31", "2026-01-01", "2026-01-02"])


@st.composite
def iso_instants(draw: st.DrawFn) -> str:
    """Dates on few days, at few times, in the spellings of ISO_INSTANT."""
    time = draw(st.sampled_from(["00:00:00", "12:00:00", "12:00:01", "23:59:59"]))
    fraction = draw(st.sampled_from(["", ".5", ".500", ".000001", ".999999"]))
    return f"{draw(DAYS)}{draw(st.sampled_from('Tt'))}{time}{fraction}{draw(st.sampled_from('Zz'))}"


def in_time(dates: list[str]) -> list[str]:
    """Return the earlier date first; these have their fractions in up to six digits."""

    def moment(text: str) -> tuple[str, float]:
        day, _, time = text.upper().removesuffix("Z").partition("T")
        whole, _, fraction = (time or "00:00:00").partition(".")
        return f"{day}T{whole}", float(f"0.{fraction or 0}")

    return sorted(dates, key=moment)


BROKEN_DATES = st.sampled_from(
    ["2026-01-01T12:00:00", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
     "2026-01-01T12:00:00Z\0", "2026-01-01T12:00Z", "2026-01-01T12:00:00+00:00"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, -0.0, 1, 1.0, 0.1, 2**53, 2**53 + 1, -(2**63), 2**64 - 1, 1e-300]),
    st.floats(allow_nan=False, allow_infinity=False),
)
COUNTRIES = st.sampled_from(["PT", "pt", "ES"])
CHANNELS = st.sampled_from(["EMAIL", "SMS", "APNS", "GCM", "PUSH"])
#: About the ends of what counts as recent, and between them.
MOMENTS = st.one_of(
    st.builds(
        lambda days, ms: MORNING - timedelta(days=days, milliseconds=ms),
        st.sampled_from([0, 1, 7, 14, 30]),
        st.integers(-1, 1),
    ),
    st.integers(0, 40 * 86_400_000).map(lambda ms: MORNING - timedelta(milliseconds=ms)),
)
TENTHS_OF_LATITUDE = st.one_of(st.sampled_from([0, 900, -900, 899]), st.integers(-900, 900))
TENTHS_OF_LONGITUDE = st.one_of(
    st.sampled_from([0, 1800, -1800, 1799, -1799]), st.integers(-1800, 1800)
)
LATITUDES = TENTHS_OF_LATITUDE.map(lambda tenths: tenths / 10)
LONGITUDES = TENTHS_OF_LONGITUDE.map(lambda tenths: tenths / 10)
COMPARISONS = st.sampled_from(
    ["EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"]
)
HOW = st.sampled_from(["ALL", "ANY", "NONE"])


def instant(moment: datetime) -> str:
    """Return the service's own form."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def members(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of these members."""
    return st.fixed_dictionaries({}, optional=strategies)


@attrs.frozen
class Words:
    """The names, values and numbers of one example."""

    names: list[str]
    values: list[str]
    numbers: list[float]

    @property
    def name(self) -> st.SearchStrategy[str]:
        """One of the names."""
        return st.sampled_from(self.names)

    @property
    def value(self) -> st.SearchStrategy[str]:
        """One of the values."""
        return st.sampled_from(self.values)

    @property
    def number(self) -> st.SearchStrategy[float]:
        """One of the numbers."""
        return st.sampled_from(self.numbers)

    def endpoint(self) -> st.SearchStrategy[dict[str, Any]]:
        """Return what one endpoint may be."""
        maps = st.dictionaries(self.name, st.lists(self.value, max_size=3), max_size=3)
        return members(
            Attributes=maps,
            Metrics=st.dictionaries(self.name, self.number, max_size=2),
            Demographic=members(Platform=self.value, Make=self.value, AppVersion=self.value),
            Location=members(
                Country=COUNTRIES,
                Latitude=st.one_of(LATITUDES, st.just(123.0)),
                Longitude=st.one_of(LONGITUDES, st.just(361.0)),
            ),
            User=members(UserId=st.sampled_from(["u", "v"]), UserAttributes=maps),
            EffectiveDate=MOMENTS.map(instant),
            ChannelType=CHANNELS,
        )

    def attribute(self) -> st.SearchStrategy[dict[str, Any]]:
        """Return what may be asked of an attribute."""
        dates = st.one_of(DAYS, iso_instants())

        def asked(
            values: st.SearchStrategy[list[str]], *how: str
        ) -> st.SearchStrategy[dict[str, Any]]:
            return st.fixed_dictionaries({"Values": values, "AttributeType": st.sampled_from(how)})

        return st.one_of(
            st.fixed_dictionaries({"Values": st.lists(self.value, min_size=1, max_size=3)}),
            asked(
                st.lists(self.value, min_size=1, max_size=2), "INCLUSIVE", "EXCLUSIVE", "CONTAINS"
            ),
            asked(st.lists(TEXTS, min_size=1, max_size=2), "CONTAINS"),
            asked(st.lists(dates, min_size=1, max_size=2), "BEFORE", "AFTER", "ON"),
            asked(st.lists(dates, min_size=2, max_size=2).map(in_time), "BETWEEN"),
        )

    def dimensions(self) -> st.SearchStrategy[dict[str, Any]]:
        """One dimension mostly, for several are seldom met together."""
        attributes = st.dictionaries(self.name, self.attribute(), min_size=1, max_size=1)
        number = st.fixed_dictionaries(
            {"ComparisonOperator": COMPARISONS, "Value": st.one_of(self.number, NUMBERS)}
        )
        texts = sets(self.value)
        point = st.fixed_dictionaries(
            {
                "Coordinates": st.fixed_dictionaries(
                    {"Latitude": LATITUDES, "Longitude": LONGITUDES}
                ),
                "RangeInKilometers": st.one_of(
                    st.sampled_from([0.0, 11.2, 5000.0, 1e6]), st.floats(0, 21000)
                ),
            }
        )
        recency = st.fixed_dictionaries(
            {
                "Duration": st.sampled_from(["HR_24", "DAY_7", "DAY_14", "DAY_30"]),
                "RecencyType": st.sampled_from(["ACTIVE", "INACTIVE"]),
            }
        )
        metrics = st.dictionaries(self.name, number, min_size=1, max_size=1)
        one = st.one_of(
            st.fixed_dictionaries({"Attributes": attributes}),
            st.fixed_dictionaries({"UserAttributes": attributes}),
            st.fixed_dictionaries({"Metrics": metrics}),
            st.fixed_dictionaries({"Demographic": members(Platform=texts, DeviceType=texts)}),
            st.fixed_dictionaries({"Demographic": members(Make=texts, AppVersion=texts)}),
            st.fixed_dictionaries({"Demographic": members(Channel=sets(CHANNELS))}),
            st.fixed_dictionaries({"Location": members(Country=sets(COUNTRIES))}),
            st.fixed_dictionaries({"Location": members(GPSPoint=point)}),
            st.fixed_dictionaries({"Behavior": members(Recency=recency)}),
        )
        return st.one_of(one, one, one, st.builds(lambda one, two: {**one, **two}, one, one))

    def groups(self, *sources: str) -> st.SearchStrategy[dict[str, Any]]:
        """Return a definition with groups, which may build on these segments."""
        optional: dict[str, st.SearchStrategy[Any]] = {
            "Dimensions": st.lists(self.dimensions(), max_size=2),
            "Type": HOW,
            "SourceType": HOW,
        }
        if sources:
            references = st.sampled_from(sources).map(lambda name: {"Id": name})
            optional["SourceSegments"] = st.lists(references, max_size=2)
        group = st.fixed_dictionaries({}, optional=optional)
        given_groups = st.lists(group, min_size=1, max_size=2)
        return st.fixed_dictionaries(
            {
                "SegmentGroups": st.fixed_dictionaries(
                    {"Groups": given_groups}, optional={"Include": HOW}
                )
            }
        )


def sets(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Set dimensions."""
    return st.fixed_dictionaries(
        {"Values": st.lists(values, min_size=1, max_size=2)},
        optional={"DimensionType": st.sampled_from(["INCLUSIVE", "EXCLUSIVE"])},
    )


ON_LIST = {"SegmentGroups": {"Groups": [{"SourceSegments": [{"Id": "list"}]}]}}


@attrs.frozen
class Example:
    """Endpoints with the times of their events, and definitions that build on each other."""

    people: list[tuple[dict[str, Any], list[datetime]]]
    one: dict[str, Any]
    two: dict[str, Any]
    three: dict[str, Any]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """All of an example is made of the same few words."""
    value = st.one_of(TEXTS, iso_instants(), BROKEN_DATES)
    words = Words(
        draw(st.lists(NAMES, min_size=1, max_size=2)),
        draw(st.lists(value, min_size=1, max_size=4)),
        draw(st.lists(NUMBERS, min_size=1, max_size=3)),
    )
    person = st.tuples(words.endpoint(), st.lists(MOMENTS, max_size=2))
    flat = words.dimensions().map(lambda dimensions: {"Dimensions": dimensions})
    return Example(
        people=draw(st.lists(person, min_size=3, max_size=8)),
        one=draw(st.one_of(flat, words.groups(), st.just(ON_LIST))),
        two=draw(words.groups("one")),
        three=draw(st.one_of(flat, flat, words.groups("one", "two"))),
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all examples; each has an application of its own."""
    with Engine.open("sqlite://", clock=Clock()) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine_on_postgresql(postgresql_server: Server) -> Iterator[Engine]:
    """One engine on PostgreSQL."""
    with postgresql_server.schema() as url, Engine.open(url, clock=Clock()) as opened:
        yield opened


def resolved(definition: Any, ids: dict[str, str]) -> Any:
    """Return the definition with ids instead of names."""
    if isinstance(definition, list):
        return [resolved(each, ids) for each in definition]
    if isinstance(definition, dict):
        if set(definition) == {"Id"}:
            return {"Id": ids[definition["Id"]]}
        return {name: resolved(value, ids) for name, value in definition.items()}
    return definition


def store(
    wire: Wire,
    people: list[tuple[dict[str, Any], list[datetime]]],
    older: Callable[[Wire], None],
) -> list[Person]:
    """Store the endpoints and their events, and read them back."""
    items = []
    for number, (given_, _) in enumerate(people):
        address = {"Address": f"address {number}"} if "ChannelType" in given_ else {}
        items.append({"Id": f"E{number}", **without_nul(given_), **address})
    assert wire.batch(*items).status == 202
    older(wire)
    for number, (_, moments) in enumerate(people):
        events = {
            f"e{each}": {"EventType": "x", "Timestamp": instant(moment)}
            for each, moment in enumerate(moments)
        }
        assert wire.put_events({f"e{number}": {"Endpoint": {}, "Events": events}}).status == 202
    return [
        Person(wire.get(f"E{number}"), max(moments, default=None))
        for number, (_, moments) in enumerate(people)
    ]


def make_list(wire: Wire, size: int) -> tuple[str, set[str], set[str]]:
    """Return an imported segment with every second endpoint and one of the users."""
    keys, users = {f"e{number}" for number in range(0, size, 2)}, {"v"}
    context = wire.engine._context
    with context.store.write() as connection:
        app = apps.require(connection, wire.app)
        made = {"Format": "JSON", "S3Url": "s3://b/k", "RoleArn": "r"}
        segment = imported.create_imported(connection, context, app, "list", made, 0)
        imported.add_members(connection, segment, sorted(keys), sorted(users))
    return segment.id, keys, users


@settings(max_examples=40)
@given(example=examples())
def test_sql_and_python_agree(engine: Engine, example: Example) -> None:
    """Members are those whom a plain loop finds, and an explanation says the same."""
    check(engine, example, restore_nul, with_nul)


@pytest.mark.slow
@settings(max_examples=400)
@given(example=examples())
def test_sql_and_python_agree_on_many(engine: Engine, example: Example) -> None:
    """The same with more examples."""
    check(engine, example, restore_nul, with_nul)


@settings(max_examples=20)
@given(example=examples())
def test_postgresql_and_python_agree(engine_on_postgresql: Engine, example: Example) -> None:
    """The same on PostgreSQL, where nothing can have been stored with U+0000."""
    check(engine_on_postgresql, example, lambda _: None, lambda value: value)


@pytest.mark.slow
@settings(max_examples=400)
@given(example=examples())
def test_postgresql_and_python_agree_on_many(
    engine_on_postgresql: Engine, example: Example
) -> None:
    """The same with more examples."""
    check(engine_on_postgresql, example, lambda _: None, lambda value: value)


def check(
    engine: Engine,
    example: Example,
    older: Callable[[Wire], None],
    as_older: Callable[[Any], Any],
) -> None:
    """Compare what the engine finds with the loop.

    Args:
        engine: the engine.
        example: what to store and to ask.
        older: makes of what is stored what a file of an older release may hold.
        as_older: the same for a value of JSON.
    """
    wire = Wire(engine)
    persons = store(wire, example.people, older)
    listed, keys, users = make_list(wire, len(persons))
    ids = {"list": listed}
    known: dict[tuple[str, int | None], Any] = {}
    for name in ("one", "two", "three"):
        definition = getattr(example, name)
        plain = without_nul(resolved(definition, ids))
        answer = wire.post(f"/v1/apps/{wire.app}/segments", plain)
        assert answer.status == 201, answer.json
        ids[name] = answer.json["Id"]
        known[ids[name], None] = as_older(answer.json)
    older(wire)
    world = World(MORNING, known, {listed: keys}, {listed: users})
    for name in ("one", "two", "three"):
        expected = {
            person.endpoint["Id"]: belongs(person, known[ids[name], None], world)
            for person in persons
        }
        own = f"/pinpoint-kit/v1/apps/{wire.app}/segments/{ids[name]}"
        found = [item["Id"] for item in wire.send("GET", f"{own}/members").json["Item"]]
        assert found == sorted(each for each, is_member in expected.items() if is_member)
        event("some" if 0 < len(found) < len(persons) else "all or none")
    explained = wire.send("GET", f"{own}/explanations/E0").json
    assert explained["IsMember"] == expected["E0"]
