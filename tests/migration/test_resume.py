"""A conversion that was killed goes on, and ends with the bytes of one that was not."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.migration.customer_profiles import (
    ConversionProgress,
    convert,
    converting,
    sources,
)
from pinpoint_kit.migration.customer_profiles.mapping import packing
from tests.migration.outputs import snapshot, write_lines

if TYPE_CHECKING:
    from pathlib import Path


class _StopError(Exception):
    pass


def _endpoints(count: int) -> list[dict[str, object]]:
    return [
        {
            "Id": f"e-{number}",
            "ChannelType": ("EMAIL", "SMS", "GCM")[number % 3],
            "Address": f"address-{number % (count // 2)}",
            "OptOut": "ALL" if number % 11 == 0 else "NONE",
            "EffectiveDate": f"2026-01-{number % 28 + 1:02}T00:00:00Z",
            "Attributes": {"plan": [f"p{number % 5}"], "long": ["x" * (number % 300)]},
            **({"User": {"UserId": f"user-{number % (count // 3)}"}} if number % 4 else {}),
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_a_conversion_goes_on_wherever_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    """An exception at any step leaves no half file, and the next call ends as usual."""
    monkeypatch.setattr(converting, "_AT_ONCE", 500)
    monkeypatch.setattr(converting, "_SHOWN_EVERY", 250)
    folder = tmp_path / "source"
    folder.mkdir()
    lines = _endpoints(1_500)
    write_lines(folder / "a.json", *lines[:750], b"broken")
    text = "\n".join(json.dumps(line) for line in lines[750:])
    (folder / "b.gz").write_bytes(gzip.compress(text.encode()))
    convert(folder, tmp_path / "whole", profiles_per_file=350)
    steps = 0

    def stop(progress: ConversionProgress) -> None:
        nonlocal steps
        del progress
        steps += 1
        if steps == stop_at:
            raise _StopError

    with pytest.raises(_StopError):
        convert(folder, tmp_path / "out", profiles_per_file=350, on_progress=stop)
    convert(folder, tmp_path / "out", profiles_per_file=350)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


@pytest.mark.parametrize("stop_at", range(1, 6))
def test_a_run_that_goes_on_packs_what_a_whole_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    """However many shapes there are, and of how many something is lost: the same records count."""
    for module in (converting, sources):
        monkeypatch.setattr(module, "_AT_ONCE", 20)
    monkeypatch.setattr(packing, "_MAX_PLANS", 10)
    lines = [
        {"Id": f"e-{number // 2}", "Address": "a@example.com", "ChannelType": "EMAIL", **more}
        for number in range(120)
        for more in [
            {f"Unknown{number}": 1}
            if number % 3 == 0
            else {"Attributes": {f"{(number * 7) % 24:02}": [f"{(number * 5) % 11}"]}}
        ]
    ]
    source = write_lines(tmp_path / "a.json", *lines)
    convert(source, tmp_path / "whole")
    steps = 0

    def stop(progress: ConversionProgress) -> None:
        nonlocal steps
        del progress
        steps += 1
        if steps == stop_at:
            raise _StopError

    with pytest.raises(_StopError):
        convert(source, tmp_path / "out", on_progress=stop)
    convert(source, tmp_path / "out")
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_a_source_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    """What an interrupted run has read of another source is forgotten."""
    source = write_lines(tmp_path / "a.json", *_endpoints(90))

    def stop(progress: ConversionProgress) -> None:
        if progress.stage == "writing":
            raise _StopError

    with pytest.raises(_StopError):
        convert(source, tmp_path / "out", on_progress=stop)
    write_lines(source, *_endpoints(60))
    assert convert(source, tmp_path / "out").endpoints == 60


def test_two_conversions_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second one is refused while the first one works."""
    source = write_lines(tmp_path / "a.json", *_endpoints(9))

    def other(progress: ConversionProgress) -> None:
        del progress
        with pytest.raises(ConfigurationError, match="end the other conversion"):
            convert(source, tmp_path / "out")

    assert convert(source, tmp_path / "out", on_progress=other).endpoints == 9


def test_a_damaged_work_file_is_made_anew(tmp_path: Path) -> None:
    """What power loss has left of the work file does not stop a conversion."""
    source = write_lines(tmp_path / "a.json", *_endpoints(9))
    work = tmp_path / "out" / ".work"
    work.mkdir(parents=True)
    (work / "conversion.sqlite").write_bytes(b"no database at all" * 1_000)
    assert convert(source, tmp_path / "out").endpoints == 9


def test_what_a_killed_process_was_writing_goes(tmp_path: Path) -> None:
    """Also where the next conversion has fewer parts: a draft may name who has opted out since."""
    source = write_lines(tmp_path / "a.json", *_endpoints(9))
    work, profiles = tmp_path / "out" / ".work", tmp_path / "out" / "profiles"
    for folder in (work, profiles):
        folder.mkdir(parents=True)
    (work / ".devices-00003.csv.abc.part").write_text("token")
    (profiles / ".profiles-00003.jsonl.abc.part").write_text("{}")
    (tmp_path / "out" / "report.json").write_text("{}")
    convert(source, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob(".*.part")] == []


@pytest.mark.slow
def test_a_killed_process_changes_nothing(tmp_path: Path) -> None:
    """SIGKILL at many moments, then a run to the end: the same bytes."""
    source = write_lines(tmp_path / "a.json", *_endpoints(60_000))
    convert(source, tmp_path / "whole", profiles_per_file=5_000)
    out = tmp_path / "out"
    code = (
        "import sys; from pinpoint_kit.migration.customer_profiles import convert;"
        "convert(sys.argv[1], sys.argv[2], profiles_per_file=5_000)"
    )
    killed = 0
    for attempt in range(40):
        command = [sys.executable, "-c", code, str(source), str(out)]
        process = subprocess.Popen(command)  # noqa: S603 -- ourselves
        deadline = time.monotonic() + 0.2 + 0.35 * attempt
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is not None:
            assert process.returncode == 0
            break
        process.kill()
        process.wait()
        killed += 1
    else:
        pytest.fail("no run came to its end")
    assert killed
    assert snapshot(out) == snapshot(tmp_path / "whole")
