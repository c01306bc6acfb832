"""One DuckDB in memory: how it is opened, and how names and texts are written for it.

DuckDB comes with the extra `lake` and is imported here only, when it is used. It never opens a
store: another SQLite library in a process takes away the locks that the engine's own has on the
file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

__all__ = ["connected", "file_list", "literal"]


def connected(work: Path, *, threads: int | None = None) -> DuckDBPyConnection:
    """Return a new database in memory; `close` it.

    Args:
        work: a private folder, where it puts what does not fit in memory.
        threads: how many it uses; as many as there are processors when None.

    Raises:
        ConfigurationError: the extra `lake` is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 -- heavy, and an extra
    except ModuleNotFoundError:
        raise ConfigurationError("a lake needs DuckDB: pip install 'pinpoint-kit[lake]'") from None
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(work / "spill"),
        "autoinstall_known_extensions": False,  # nothing is downloaded
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET enable_progress_bar = false")  # it would print
    return connection


def literal(text: str) -> str:
    """Return a text as it stands in SQL."""
    return "'" + text.replace("'", "''") + "'"


def file_list(paths: Iterable[Path | str]) -> str:
    """Return files as the argument of a function that reads them."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"
