"""How fast endpoints become profiles for Customer Profiles, and how much memory that takes.

    python tests/benchmarks/bench_migration.py [--endpoints 1000000] [--folder DIR]

Made-up endpoints of about 1 KB of JSON, three to two users, in the order of an export, which is
none: a process of its own converts them, twice. The work is one thread's, so that its processor
time says what a machine with nothing else to do would need. Beside it stands the floor: reading the
lines, parsing the JSON and writing it again, with nothing in between; the ratio says more than the
rate where machines differ, or have other work. Memory is the process's largest, and must be the
same for any number of endpoints.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
from bench_jobs import endpoints

#: What a machine must do a second.
LEAST = 15_000


def convert_in_this_process(source: Path, out: Path) -> None:
    """Convert, and print what it took as JSON."""
    from pinpoint_kit.migration.customer_profiles import convert  # noqa: PLC0415 -- measured here

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, wall = time.process_time(), time.perf_counter()
    report = convert(source, out)
    print(
        json.dumps(
            {
                "cpu": time.process_time() - started,
                "wall": time.perf_counter() - wall,
                "before_mb": before / 1024,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "endpoints": report.endpoints,
                "profiles": report.profiles,
            }
        )
    )


def measured(source: Path, out: Path) -> dict[str, float]:
    """Convert in another process, and return what it took."""
    command = [sys.executable, __file__, "--convert", str(source), "--folder", str(out)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- ourselves
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def digest(out: Path) -> str:
    """Return a hash of all files."""
    whole = hashlib.sha256()
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        whole.update(path.name.encode())
        with path.open("rb") as file:
            while content := file.read(1 << 20):
                whole.update(content)
    return whole.hexdigest()


def write(path: Path, count: int) -> None:
    """Write so many endpoints."""
    with path.open("wb") as file:
        for endpoint in endpoints(count):
            file.write(orjson.dumps(endpoint) + b"\n")


def floor(path: Path) -> float:
    """Return the seconds of processor time that parsing each line and writing it again takes."""
    started = time.process_time()
    with path.open("rb") as file, Path(f"{path}.again").open("wb", buffering=1 << 20) as again:
        again.writelines(orjson.dumps(orjson.loads(line)) + b"\n" for line in file)
    return time.process_time() - started


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoints", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--convert", type=Path)
    given = parser.parse_args()
    if given.convert:
        convert_in_this_process(given.convert, given.folder)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        peaks = []
        for count in (given.endpoints // 10, given.endpoints):
            source = folder / f"{count}.jsonl"
            write(source, count)
            before = floor(source)
            found = measured(source, folder / f"out-{count}")
            least = (before + floor(source)) / 2
            peaks.append(found["peak_mb"])
            print(
                f"{count:,} endpoints, {source.stat().st_size:,} bytes -> {found['profiles']:,}"
                f" profiles: {count / found['cpu']:,.0f} a second of processor time"
                f" (at least {LEAST:,}), {count / found['wall']:,.0f} by the clock;"
                f" the floor {count / least:,.0f}, of which that is 1 / {found['cpu'] / least:.1f};"
                f" memory {found['before_mb']:.0f} MB -> {found['peak_mb']:.0f} MB"
            )
        first = digest(folder / f"out-{given.endpoints}")
        again = folder / "again"
        measured(folder / f"{given.endpoints}.jsonl", again)
        print(f"ten times as many endpoints: {peaks[1] - peaks[0]:+.0f} MB of memory")
        print("a second run: " + ("the same bytes" if digest(again) == first else "OTHER BYTES"))


if __name__ == "__main__":
    main()
