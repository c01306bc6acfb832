"""`ModelList` and `ModelIterator`: several models that print short, and become data frames.

Columns have Pinpoint's names with dots, as in the files of import jobs: `Address`,
`Attributes.interests`, `User.UserId`. pandas and pyarrow are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import JsonValue, Model
from pinpoint_kit.models.display import Shown, many_as_html

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ModelIterator", "ModelList"]

M = TypeVar("M", bound=Model)

_MOST_IN_REPR = 5
_LINE = ",\n "


class ModelList(list[M]):
    """A list of models. Its repr and its table in a notebook hold no personal data."""

    def __repr__(self) -> str:
        shown = [*map(repr, self[:_MOST_IN_REPR])]
        if len(self) > _MOST_IN_REPR:
            shown.append(f"… {len(self)} in all")
        return f"[{_LINE.join(shown)}]"

    def _repr_html_(self) -> str:
        return many_as_html(self, is_revealed=False)

    def show(self) -> Shown:
        """Show everything, addresses, user ids and attributes included.

        Returns:
            Something that displays as a table in a notebook and as lines of text elsewhere.
        """
        return Shown(self)

    def to_pandas(self) -> pd.DataFrame:
        """Make a data frame: a model a row, a column for every member that one of them has.

        Attributes are lists, dates are UTC timestamps, and what a model does not have is missing.

        Returns:
            The data frame.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 -- an extra, and heavy
        except ImportError:
            raise _missing("pandas") from None
        frame: pd.DataFrame = pd.DataFrame(_columns(self))
        for name in frame.columns:
            if _is_date(name):
                frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        return frame

    def to_arrow(self) -> pa.Table:
        """Make an Arrow table: a model a row, a column for every member that one of them has.

        Attributes are lists, dates are the service's texts, and what a model does not have is null.

        Returns:
            The table.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa  # noqa: PLC0415 -- an extra, and heavy
        except ImportError:
            raise _missing("pyarrow") from None
        return pa.table(_columns(self))


class ModelIterator(Iterator[M]):
    """Models that are read as they are asked for; once.

    Args:
        models: where they come from.
    """

    def __init__(self, models: Iterable[M]) -> None:
        self._models = iter(models)

    def __next__(self) -> M:
        return next(self._models)

    def to_list(self) -> ModelList[M]:
        """Read the rest into memory.

        Returns:
            All that had not been read.
        """
        return ModelList(self)

    def to_pandas(self) -> pd.DataFrame:
        """Read the rest into a data frame; see `ModelList.to_pandas`.

        Returns:
            The data frame.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        return self.to_list().to_pandas()

    def to_arrow(self) -> pa.Table:
        """Read the rest into an Arrow table; see `ModelList.to_arrow`.

        Returns:
            The table.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        return self.to_list().to_arrow()


def _missing(package: str) -> ConfigurationError:
    return ConfigurationError(f"{package} is not installed: pip install 'pinpoint-kit[notebook]'")


def _is_date(column: str) -> bool:
    return column.endswith("Date") and "." not in column


def _columns(models: Iterable[Model]) -> dict[str, list[JsonValue]]:
    rows = [dict(_flat(wire.to_wire(model))) for model in models]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _flat(members: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, value in members.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
