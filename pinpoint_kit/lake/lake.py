"""`open_lake`: the verbs of analytics on files, by DuckDB or on a Spark cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from pinpoint_kit import metrics
from pinpoint_kit.analytics.verbs import Analytics
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.lake.layout import folder_of
from pinpoint_kit.lake.local import LocalLake
from pinpoint_kit.lake.relation import relation_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import TypeVar

    from typing_extensions import Self

    from pinpoint_kit.lake.files import Format
    from pinpoint_kit.lake.spark import SparkSession
    from pinpoint_kit.metrics.relation import Relation, Rows, Statement
    from pinpoint_kit.metrics.results import Result

    T = TypeVar("T")

__all__ = ["Lake", "open_lake"]


class _Engine(Protocol):
    """What runs statements on a lake."""

    def ask(self, question: Callable[[str, Callable[[Statement], Rows]], T]) -> T:
        """Put a question to one state of the lake."""

    def close(self) -> None:
        """Give up what is held."""


class Lake(Analytics):
    """The numbers of a lake: every verb of `pinpoint.analytics`, with the same rows.

    Safe to use from several threads. Use it as a context manager, or `close` it.
    """

    def __init__(self, engine: _Engine, place: str, application_id: str | None) -> None:
        super().__init__(self._measured)
        self._engine = engine
        self._place = place
        self._application_id = application_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Lake({self._place!r})"

    def close(self) -> None:
        """Close what reads the files; a Spark session that was handed in stays open."""
        self._engine.close()

    def _measured(self, metric: str, arguments: Mapping[str, object]) -> Result:
        now = time.time_ns() // 1_000_000
        given = _compared(arguments)
        metrics.find(metric).question(given, now=now)

        def question(number: str, execute: Callable[[Statement], Rows]) -> Result:
            relation: Relation = relation_of(number, self._application_id)
            return metrics.measure(metric, given, relation, now=now, execute=execute)

        return self._engine.ask(question)


def open_lake(
    path: str | os.PathLike[str],
    *,
    spark: SparkSession | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    format: Format | None = None,  # noqa: A002 -- as all readers of files call it
    application_id: str | None = None,
) -> Lake:
    """Open a lake: a folder that `pinpoint-kit lake export` has written, or of an event stream.

    Lakes of others are read, too: what Firehose has written of Pinpoint's event stream, as JSON
    lines or Parquet, and the table of AWS's Digital User Engagement database. They have no
    endpoints and users: those are derived from the events, whose first stands for the registration.

    Args:
        path: the folder. With `spark`, any URL that the session can read.
        spark: a SparkSession, classic or Connect, which runs everything; it is not stopped. DuckDB
            runs it in this process unless given.
        columns: where files of others have what metrics want, by the names of the metrics'
            columns, as in `{"user_id": "attributes.account"}`.
        format: the form of files of others, `parquet` or `json`; as they look unless given.
        application_id: count only events of this application, where there are several.

    Raises:
        ConfigurationError: an extra is not installed, there is no lake, or it cannot be read.

    Examples:
        >>> import pinpoint_kit as pk
        >>> from pinpoint_kit.engine import LakeSource
        >>> from pinpoint_kit.lake import export_lake
        >>> with pk.connect("sqlite:///shop.db", application="shop") as pinpoint:
        ...     event_id = pinpoint.events.record("device-1", "level_up")
        ...     report = pinpoint.flush()
        ...     application_id = pinpoint.application_id
        >>> with LakeSource.open("sqlite:///shop.db", application_id) as source:
        ...     export_lake(source, "lake").added
        1
        >>> with pk.open_lake("lake") as lake:
        ...     lake.active().total
        1
    """
    place = str(path)
    if spark is not None:
        from pinpoint_kit.lake.spark import SparkLake  # noqa: PLC0415 -- heavy, and an extra

        return Lake(SparkLake(spark, place, format, columns), place, application_id)
    folder = folder_of(path)
    if not folder.exists():
        raise ConfigurationError(
            f"there is no {path}: make a lake with `pinpoint-kit lake export {path}`"
        )
    return Lake(LocalLake(folder, format, columns), place, application_id)


def _compared(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return arguments with ids of endpoints in lower case, as lakes have them."""
    found = dict(arguments)
    if isinstance(found.get("endpoint_id"), str):
        found["endpoint_id"] = str(found["endpoint_id"]).lower()
    where = found.get("where")
    if isinstance(where, dict) and "endpoint_id" in where:
        ids = where["endpoint_id"]
        listed = ids if isinstance(ids, list) else [ids]
        found["where"] = {
            **where,
            "endpoint_id": [one.lower() if isinstance(one, str) else one for one in listed],
        }
    return found
