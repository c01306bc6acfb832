"""Export and import: whatever endpoints there are, both together change nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from tests.engine.conftest import Wire
from tests.engine.jobs.job_kit import endpoints, exported, imported, lines, url_of

FILES = ByScheme({"file": LocalFiles()})

#: U+0000 is refused, whatever the database.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=12)
names = st.text(characters, min_size=1, max_size=8)
lists = st.dictionaries(
    names, st.lists(st.text(characters, max_size=9), min_size=1, max_size=3), max_size=3
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
dates = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")


def members(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these members."""
    return st.fixed_dictionaries({}, optional=values)


updates = members(
    Attributes=lists,
    Metrics=st.dictionaries(names, numbers, max_size=3),
    Demographic=members(AppVersion=texts, Locale=texts, Make=texts, Platform=texts),
    Location=members(
        City=texts, Country=texts, Latitude=st.floats(-90, 90), Longitude=st.floats(-180, 180)
    ),
    User=members(UserId=st.sampled_from(["u1", "u2", "ü 3"]), UserAttributes=lists),
    EndpointStatus=st.sampled_from(["ACTIVE", "INACTIVE"]),
    OptOut=st.sampled_from(["ALL", "NONE"]),
    EffectiveDate=dates,
    RequestId=texts,
)
reached_by = st.none() | st.tuples(
    st.sampled_from(["EMAIL", "SMS", "GCM", "CUSTOM"]), st.sampled_from(["a@b", "+1", "ü", "x" * 9])
)
ids = st.sampled_from(["e1", "E1", "e2", "ü/ä", "e 4", "e5", "e6"])


@settings(max_examples=25)
@given(st.lists(st.tuples(ids, reached_by, updates), max_size=12))
def test_an_export_imported_is_the_same_audience(
    changes: list[tuple[str, tuple[str, str] | None, dict[str, Any]]],
) -> None:
    """An empty application gets the very endpoints that were exported, dates and cohorts too."""
    with (
        tempfile.TemporaryDirectory() as name,
        Engine.open("sqlite://", files=FILES) as engine,
        Engine.open("sqlite://", files=FILES) as other,
    ):
        wire, empty = Wire(engine), Wire(other)
        for endpoint_id, reach, update in changes:
            contact = {} if reach is None else {"ChannelType": reach[0], "Address": reach[1]}
            assert wire.update(endpoint_id, **contact, **update).status == 202
        url = url_of(Path(name))
        exported(wire, url)
        assert sorted(map(json.dumps, lines(url))) == sorted(map(json.dumps, endpoints(wire)))
        done = imported(empty, url)
        assert (done["JobStatus"], done.get("Failures")) == ("COMPLETED", None)
        expected = [{**endpoint, "ApplicationId": empty.app} for endpoint in endpoints(wire)]
        assert endpoints(empty) == expected
