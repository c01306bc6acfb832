"""The two ends of a copy: how they are opened, and how their errors are told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage.dialects.dialect import Dialect
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.store import BUSY_TIMEOUT_S, Store
from pinpoint_kit.engine.storage.upgrades import check_current, check_owner
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = ["End", "check_source", "open_source", "open_target"]


@attrs.frozen
class End:
    """One of the two stores, and how its errors are told."""

    dialect: Dialect
    store: Store

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what the database raises into an error that names it."""
        try:
            yield
        except DBAPIError as error:
            raise self.refusal(self.store.explain(error).sentence) from None
        except ApiError as error:
            raise self.refusal(error.message) from None

    def refusal(self, sentence: str) -> StoreError:
        """Return an error that names the database."""
        return StoreError(f"{self.store.name}: {sentence}")


@contextmanager
def open_source(url: str) -> Iterator[End]:
    """Open a store to read it, without making or upgrading anything."""
    dialect = dialect_of(url)
    dialect.check_exists()
    end = End(dialect, Store(dialect, busy_timeout=BUSY_TIMEOUT_S))
    try:
        with end.explaining(), end.store.read() as connection:
            check_source(end, connection)
        yield end
    finally:
        end.store.close()


def check_source(end: End, connection: Connection) -> None:
    """Check that a database can be copied as it is.

    Raises:
        StoreError: it is empty, of another version, or itself the target of a copy.
    """
    try:
        is_ours = check_owner(end.dialect, connection)
        if is_ours:
            check_current(connection)
    except StoreError as error:
        raise end.refusal(str(error)) from None
    if not is_ours:
        raise end.refusal("it is empty; name another database")


@contextmanager
def open_target(url: str) -> Iterator[End]:
    """Open a store to fill it, making it when it is not there."""
    dialect = dialect_of(url)
    if dialect.is_in_memory:
        raise StoreError(
            "a database in memory is gone when the copy ends; name another one to copy into"
        )
    end = End(dialect, Store.open(url, to_fill=True))
    try:
        yield end
    finally:
        end.store.close()
