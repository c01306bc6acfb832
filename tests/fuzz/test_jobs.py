"""Whatever stands in a file, an import of it ends, counts right, and stores no part of a bad row.

Every line has a mark of its own somewhere in it, so that what is stored tells which lines it came
from. A few files by default, 2,000 with `-m slow`; fewer of both on PostgreSQL.
"""

from __future__ import annotations

import codecs
import gzip
import itertools
import json
import logging
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs import imports as import_job
from tests.engine.conftest import Wire
from tests.engine.jobs.job_kit import ROLE, job, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql import Server

#: What a line's own mark takes the place of.
PLACE = "@@"
#: Rows of a piece of work: few, so that jobs have many pieces.
ROWS = 3
_LINE = re.compile(r"line (\d+)(?: of (\S+))?: ")
_LEGAL = {
    "ChannelType": "SMS",
    "Address": PLACE,
    "Attributes": {PLACE: ["x"]},
    "Metrics": {PLACE: 1},
    "User": {"UserId": "user-1", "UserAttributes": {PLACE: ["x"]}},
    "OptOut": "ALL",
    "EffectiveDate": "2026-11-01T12:00:00.000Z",
}
#: What only exported rows have, which may be without an address.
_EXPORTED = {"CreationDate": "2026-11-01T12:00:00.000Z", "CohortId": "7"}
_CELLS = {
    "Attributes.a": PLACE,
    "Metrics.n": "7.5",
    "User.UserId": "user-1",
    "User.UserAttributes.a": PLACE,
    "Location.Latitude": "47.6",
    "OptOut": "ALL",
    "CohortId": "7",
    "EffectiveDate": "2026-11-01",
}
_COLUMNS = (*_CELLS, "Attributes.b", "Attributes.", "Other")

texts = st.text(max_size=8) | st.sampled_from(
    [PLACE, "", "SMS", "ALL", "user-1", "1", "1e999", "-0", "x" * 101, "\x00", "\ufeff", '"', "a,b"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
endpoint_ids = st.sampled_from([PLACE, "e1", "E1", "e2", "ü/ä", "", "${x}", "x" * 200, 7, None])


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """Members of an endpoint, most of them right."""
    members: dict[str, Any] = {"Id": PLACE, **_LEGAL}
    members |= draw(st.sampled_from([{}, {}, _EXPORTED]))
    for name in draw(st.sets(st.sampled_from([*_LEGAL]), max_size=2)):
        del members[name]
    change = draw(st.sampled_from(["none", "none", "id", "one"]))
    if change == "id":
        members["Id"] = draw(endpoint_ids)
    if change == "one":
        names = [*_LEGAL, "Demographic", "Location", PLACE]
        members[draw(st.sampled_from(names))] = draw(values)
    return members


@st.composite
def damaged(draw: st.DrawFn, lines: st.SearchStrategy[bytes]) -> bytes:
    """Return a line, and seldom one that was cut off or has a wrong byte."""
    line = draw(lines)
    how = draw(st.sampled_from(["whole"] * 6 + ["cut", "byte"]))
    if how == "whole" or not line:
        return line
    at = draw(st.integers(0, len(line) - 1))
    return line[:at] if how == "cut" else line[:at] + draw(st.binary(max_size=2)) + line[at + 1 :]


users = st.sampled_from(["user-1", "user-2", PLACE, ""])
endpoint_lines = objects().map(lambda value: json.dumps(value).encode())
json_lines = damaged(
    endpoint_lines
    | endpoint_lines
    | users.map(lambda user: json.dumps({"User": {"UserId": user}}).encode())
    | values.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=20)
)


@st.composite
def csv_contents(draw: st.DrawFn) -> list[bytes]:
    """Return a header and rows of about as many cells, quoted or not, well or not."""
    names = ["Id", "Address", "ChannelType"]
    names += draw(st.lists(st.sampled_from(_COLUMNS), max_size=3, unique=True))
    names = draw(st.sampled_from([names, names, names, ["User.UserId"]]))
    right = ["@@-id", PLACE, "SMS", *(_CELLS.get(name, PLACE) for name in names[3:])]
    cells = (texts | users).map(str)
    odd = st.lists(cells | cells.map(_quoted), min_size=1, max_size=len(names) + 1)
    one = st.tuples(st.integers(0, len(names) - 1), cells).map(
        lambda change: [*right[: change[0]], change[1], *right[change[0] + 1 :]]
    )
    rows = st.just(right) | one | odd if len(names) > 1 else cells.map(lambda cell: [cell])
    lines = damaged(rows.map(lambda row: ",".join(row).encode()))
    first = draw(st.sampled_from([",".join(names).encode()] * 9 + [b"\xff", b"Nothing"]))
    return [first, *draw(st.lists(lines, min_size=3, max_size=8))]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@attrs.frozen
class Content:
    """A file.

    Attributes:
        lines: what stands in it, with places for marks and without ends.
        suffix: how its name ends.
        packed: compresses it, or does something worse.
    """

    lines: list[bytes]
    suffix: str
    packed: Callable[[bytes], bytes] | None

    def write(self, folder: Path, job_number: int, number: int) -> tuple[Path, list[bytes]]:
        """Write the file, and return its path and the lines as they stand there."""
        marked = [
            line.replace(b"\n", b" ").replace(
                PLACE.encode(), mark_of(job_number, number, at).encode()
            )
            for at, line in enumerate(self.lines, 1)
        ]
        path = folder / f"f{number}{self.suffix}{'.gz' if self.packed else ''}"
        content = b"\n".join(marked)
        path.write_bytes(self.packed(content) if self.packed else content)
        return path, marked


def mark_of(job_number: int, file: int, line: int) -> str:
    """Return what stands in one line of one job only, and is no plain name: those are shown."""
    return f"mark@{job_number}-{file}-{line}-"


def _cut(content: bytes) -> bytes:
    return gzip.compress(content)[:-9]


def contents(job_format: str) -> st.SearchStrategy[Content]:
    """Files, most of them of a format."""
    right = st.lists(json_lines, min_size=3, max_size=8) if job_format == "JSON" else csv_contents()
    noise = st.lists(st.binary(max_size=30), max_size=5)
    suffix = f".{job_format.lower()}"
    return st.builds(
        Content,
        st.sampled_from([right] * 7 + [noise]).flatmap(lambda lines: lines),
        st.sampled_from([suffix] * 3 + ["", ".ndjson", ".txt"]),
        st.sampled_from([None] * 5 + [gzip.compress, _cut, lambda content: content]),
    )


@attrs.frozen
class Wanted:
    """A job.

    Attributes:
        files: what to import.
        definition: members of the request.
        joins: adds to the segment of the job before.
        forgets: reads every piece as another engine would, which has nothing open.
    """

    files: Sequence[Content]
    definition: Mapping[str, object]
    joins: bool
    forgets: bool


@st.composite
def jobs(draw: st.DrawFn) -> Wanted:
    """Return a job, most of whose files are what it says."""
    joins, forgets = draw(st.sampled_from([True, False])), draw(st.sampled_from([True, False]))
    job_format = draw(st.sampled_from(["JSON", "CSV"]))
    count = draw(st.sampled_from([1, 1, 1, 2, 0]))
    files = draw(st.lists(contents(job_format), min_size=count, max_size=count))
    definition = {
        "Format": job_format,
        "RegisterEndpoints": draw(st.sampled_from([True, True, True, False])),
    }
    optional = {
        "DefineSegment": st.booleans(),
        "SegmentName": st.text(max_size=5),
        "SegmentId": st.just("0" * 32),
    }
    for name in draw(st.sets(st.sampled_from(["DefineSegment", *optional]), max_size=2)):
        definition[name] = draw(optional[name])
    return Wanted(files, definition, joins, forgets)


_numbers = itertools.count()


def run(wire: Wire, wanted: Sequence[Wanted]) -> None:
    """Run jobs one after the other in an application of their own, and check each."""
    wire.app = wire.post("/v1/apps", {"Name": "fuzz"}).json["Id"]
    segment: str | None = None
    for each in wanted:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            job_number = next(_numbers)
            written = [file.write(place, job_number, at) for at, file in enumerate(each.files)]
            url = url_of(written[0][0] if len(written) == 1 else place)
            joined = {"SegmentId": segment} if each.joins and segment else {}
            request = {**each.definition, **joined, "S3Url": url, "RoleArn": ROLE}
            answer = wire.post(f"/v1/apps/{wire.app}/jobs/import", request)
            if answer.status != 201:
                assert 400 <= answer.status < 500, answer.json
                continue
            ended = _ended(wire, answer.json["Id"], each)
            segment = ended["Definition"].get("SegmentId")
            stored = str(wire.dump())
            lines = [lines for _, lines in written]
            assert _problems(ended, job_number, lines, stored) == []
    assert wire.send("DELETE", f"/v1/apps/{wire.app}").status == 200


def _ended(wire: Wire, job_id: str, wanted: Wanted) -> Any:
    """Lets a job come to its end, in no more pieces than its files can have."""
    lines = sum(len(file.lines) for file in wanted.files)
    most = 3 + 2 * len(wanted.files) + lines
    pieces = 0
    while wire.engine.step():
        pieces += 1
        assert pieces <= most, "the job does not end"
        if wanted.forgets:
            wire.engine.lanes[0].runner.workers["import-jobs"].close()
    return job(wire, job_id)


def _problems(
    ended: Any, job_number: int, files: Sequence[Sequence[bytes]], stored: str
) -> list[str]:
    """Return what is wrong with a job that should have ended, and with what it left."""
    failures, is_complete = ended.get("Failures", []), ended["JobStatus"] == "COMPLETED"
    texts_wanted = ended["TotalFailures"] + (not is_complete)
    claims = {
        "it has ended": ended["JobStatus"] in {"COMPLETED", "FAILED"} and "CompletionDate" in ended,
        "its pieces add up": ended["TotalPieces"]
        == ended["CompletedPieces"] + ended["FailedPieces"],
        "it is complete with its pieces": is_complete == (ended["FailedPieces"] == 0),
        "rows that failed are rows": 0 <= ended["TotalFailures"] <= ended["TotalProcessed"],
        "every failure has a text": len(failures) >= texts_wanted,
        "every text is of a failure": not is_complete or len(failures) == texts_wanted,
        "no fault is ours": "the engine failed" not in str(failures),
        "texts hold no data": "mark@" not in str(failures),
    }
    found = [_LINE.match(text) for text in failures]
    failed = {
        mark_of(job_number, int(match[2][1]) if match[2] else 0, int(match[1]))
        for match in found
        if match
    }
    if ended["Definition"]["Format"] == "JSON" and len(files) == 1:
        claims["no JSON is taken for none"] = not any(
            _is_json(files[0][int(match[1]) - 1])
            for match, text in zip(found, failures, strict=True)
            if match and "is not valid JSON" in text
        )
    claims |= {f"{mark} failed and is not stored": mark not in stored for mark in failed}
    if is_complete and ended["Definition"]["Format"] == "JSON" and len(files) == 1:
        rows = {mark_of(job_number, 0, at): line for at, line in enumerate(files[0], 1)}
        claims["every row counts"] = ended["TotalProcessed"] == _count(files[0])
        claims |= {
            f"{mark} did not fail and is stored": mark in failed or mark in stored
            for mark, line in rows.items()
            if _says(line, mark)
        }
    return [claim for claim, holds in claims.items() if not holds]


def _count(lines: Sequence[bytes]) -> int:
    """How many lines are not blank; a byte order mark begins a file and nothing else."""
    whole = [line.removeprefix(codecs.BOM_UTF8) for line in lines[:1]]
    return sum(bool(line.rstrip()) for line in (*whole, *lines[1:]))


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _says(line: bytes, mark: str) -> bool:
    """Whether a line is an endpoint with its mark."""
    members = orjson.loads(line) if _is_json(line) else None
    return isinstance(members, dict) and members.get("Attributes") == {mark: ["x"]}


@contextmanager
def wired(url: str) -> Iterator[Wire]:
    """Give an engine that may use the disk, and works in small pieces."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Engine.open(url, files=ByScheme({"file": LocalFiles()})) as engine,
    ):
        for name in ("_FEWEST_ROWS", "_MOST_ROWS"):
            patch.setattr(import_job, name, ROWS)
        engine.lanes[0].runner.workers["import-jobs"].steps._rows = ROWS  # type: ignore[attr-defined]
        yield Wire(engine)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """Give such an engine in memory."""
    with wired("sqlite://") as made:
        yield made


@pytest.fixture(scope="module")
def wire_to_postgresql(postgresql_server: Server) -> Iterator[Wire]:
    """Give such an engine on PostgreSQL."""
    with postgresql_server.schema() as url, wired(url) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a file holds is a fault of the engine."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@settings(max_examples=40)
@given(st.lists(jobs(), min_size=1, max_size=2))
def test_no_file_is_too_odd(wire: Wire, wanted: list[Wanted]) -> None:
    """Jobs on random files end, count their rows, and leave nothing of those that failed."""
    run(wire, wanted)


@settings(max_examples=5)
@given(st.lists(jobs(), min_size=1, max_size=2))
def test_no_file_is_too_odd_for_postgresql(wire_to_postgresql: Wire, wanted: list[Wanted]) -> None:
    """The same on PostgreSQL."""
    run(wire_to_postgresql, wanted)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(jobs(), min_size=1, max_size=2))
def test_many_imports_into_postgresql(wire_to_postgresql: Wire, wanted: list[Wanted]) -> None:
    """The same for many."""
    run(wire_to_postgresql, wanted)


@pytest.mark.slow
@settings(max_examples=2_000)
@given(st.lists(jobs(), min_size=1, max_size=2))
def test_two_thousand_imports(wire: Wire, wanted: list[Wanted]) -> None:
    """The same for many."""
    run(wire, wanted)
