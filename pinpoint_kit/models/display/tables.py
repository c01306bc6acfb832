"""`ModelList` and `ModelIterator`: several models that print short, and become data frames.

Columns have Pinpoint's names with dots, as in the files of import jobs: `Address`,
`Attributes.interests`, `User.UserId`. Those that every model of a kind may have are always there,
also of an empty list. pandas and pyarrow are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, SupportsIndex, TypeVar, overload

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import JsonValue, Model
from pinpoint_kit.models.display.display import Shown, many_as_html

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ModelIterator", "ModelList"]

M = TypeVar("M", bound=Model)

_MOST_IN_REPR = 5
_LINE = ",\n "


class ModelList(list[M]):
    """A list of models. Its repr and its table in a notebook hold no personal data.

    Args:
        models: what is in it.
        of: what kind they are, which an empty list cannot know otherwise.
    """

    def __init__(self, models: Iterable[M] = (), *, of: type[M] | None = None) -> None:
        super().__init__(models)
        self._of = of

    @overload
    def __getitem__(self, index: SupportsIndex) -> M: ...

    @overload
    def __getitem__(self, index: slice) -> ModelList[M]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> M | ModelList[M]:
        """One of the models, or some of them as such a list."""
        if isinstance(index, slice):
            return ModelList(super().__getitem__(index), of=self._of)
        return super().__getitem__(index)

    def __repr__(self) -> str:
        shown = [*map(repr, self[:_MOST_IN_REPR])]
        if len(self) > _MOST_IN_REPR:
            shown.append(f"… {len(self)} in all")
        return f"[{_LINE.join(shown)}]"

    def _repr_html_(self) -> str:
        return many_as_html(self, is_revealed=False, of=_name(self._of))

    def show(self) -> Shown:
        """Show everything, addresses, user ids and attributes included.

        Returns:
            Something that displays as a table in a notebook and as lines of text elsewhere.
        """
        return Shown(self)

    def to_pandas(self) -> pd.DataFrame:
        """Make a data frame: a model a row, a column a member.

        Members with fixed names are always columns; attributes, metrics and the like are when one
        of the models has them. Attributes are lists, dates are UTC timestamps, and what a model
        does not have is missing.

        Returns:
            The data frame.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 -- an extra, and heavy
        except ImportError:
            raise _missing("pandas") from None
        fixed = self._fixed()
        frame: pd.DataFrame = pd.DataFrame(
            {
                # Without a value to tell the type, it would be that of numbers.
                name: pd.Series(values, dtype=float if fixed[name] in {int, float} else object)
                if name in fixed and _are_missing(values)
                else values
                for name, values in _columns(self, fixed).items()
            }
        )
        for name in frame.columns:
            if _is_date(name):
                frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        return frame

    def to_arrow(self) -> pa.Table:
        """Make an Arrow table: a model a row, a column a member; which, as in `to_pandas`.

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
        fixed = self._fixed()
        kinds = {
            bool: pa.bool_(),
            int: pa.int64(),
            float: pa.float64(),
            str: pa.string(),
            tuple: pa.list_(pa.string()),
        }
        return pa.table(
            {
                # Without a value to tell the type, it would be that of nulls.
                name: pa.nulls(len(self), kinds[fixed[name]])
                if name in fixed and _are_missing(values)
                else values
                for name, values in _columns(self, fixed).items()
            }
        )

    def _fixed(self) -> dict[str, type]:
        """Return the columns that are always there, and their types in JSON."""
        kinds: dict[type[Model], None] = dict.fromkeys(map(type, self))
        if self._of is not None:
            kinds.setdefault(self._of)
        return {name: kind for of in kinds for name, kind in wire.fixed_members(of)}


class ModelIterator(Iterator[M]):
    """Models that are read as they are asked for; once.

    Args:
        models: where they come from.
        of: what kind they are, which is shown, and gives an empty table its columns.
    """

    def __init__(self, models: Iterable[M], *, of: type[M] | None = None) -> None:
        self._models = iter(models)
        self._of = of

    def __repr__(self) -> str:
        kind = _name(self._of)
        return f"<ModelIterator of {kind}: go through it, or call to_list() or to_pandas()>"

    def _repr_html_(self) -> str:
        return (
            f"<p>{_name(self._of)}: read when asked for, once. <code>.to_list()</code> shows a"
            " table, <code>.to_pandas()</code> makes a data frame.</p>"
        )

    def __next__(self) -> M:
        return next(self._models)

    def to_list(self) -> ModelList[M]:
        """Read the rest into memory.

        Returns:
            All that had not been read.
        """
        return ModelList(self, of=self._of)

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


def _name(of: type[Model] | None) -> str:
    return "models" if of is None else of.__name__


def _are_missing(values: Iterable[JsonValue]) -> bool:
    return all(value is None for value in values)


def _columns(models: Iterable[Model], fixed: Iterable[str]) -> dict[str, list[JsonValue]]:
    rows = [dict(_flat(wire.to_wire(model))) for model in models]
    names = dict.fromkeys([*fixed, *(name for row in rows for name in row)])
    return {name: [row.get(name) for row in rows] for name in names}


def _flat(members: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, value in members.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
