"""How long `pinpoint-kit --help` takes, beside an interpreter that only imports click and rich.

    python tests/benchmarks/bench_start.py [PAIRS]

Whole processes, in pairs one after the other, so that a busy machine slows both. The figure that
counts is the ratio of the medians; it must not be above 3.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

MOST = 3.0
BASE = [sys.executable, "-c", "import click, rich.console, rich.table"]
HELP = [sys.executable, "-m", "pinpoint_kit.cli", "--help"]


def seconds(command: list[str]) -> float:
    """Run a command from start to end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- see above
    return time.perf_counter() - began


def main(pairs: int) -> int:
    """Measure, print, and return 1 when help is too slow."""
    times = [(seconds(BASE), seconds(HELP)) for _ in range(pairs + 1)][1:]  # the first one warms up
    base, shown = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"imports of click and rich: {base * 1000:.0f} ms")
    print(f"pinpoint-kit --help: {shown * 1000:.0f} ms, {shown / base:.2f} times")
    return int(shown / base > MOST)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
