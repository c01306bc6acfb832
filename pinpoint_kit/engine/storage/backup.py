"""`back_up`: copies a database while others read and write it, and looks whether the copy is sound.

Nothing is opened as an engine would open it: no table is made and none is upgraded, so that a new
release can copy what an old one still serves. How a copy is made belongs to
storage/dialects.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.filling import check_filled
from pinpoint_kit.engine.storage.looking import visiting
from pinpoint_kit.engine.storage.upgrades import check_owner
from pinpoint_kit.errors import StoreError
from pinpoint_kit.system.atomic_files import atomic_file

if TYPE_CHECKING:
    import os

    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["back_up"]


def back_up(url: str, path: str | os.PathLike[str]) -> int:
    """Copy a database as it is at one moment; nobody who uses it has to wait.

    Args:
        url: the database, `sqlite:///FILE`.
        path: the copy. It must not be there yet, and can be read by this user only.

    Returns:
        The size of the copy in bytes.

    Raises:
        StoreError: the database is not ours, is damaged, or the copy cannot be written; then there
            is no copy.

    Examples:
        >>> from pinpoint_kit.engine import Engine, back_up
        >>> Engine.open("sqlite:///shop.db").close()
        >>> back_up("sqlite:///shop.db", "shop-backup.db") > 0
        True
    """
    source = dialect_of(url)
    source.check_copyable()
    target = Path(path)
    # Only a finished copy gets the name: half of one must not be taken for a backup.
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with atomic_file(target, replace=False, draft=unfinished) as draft:
            _copy(source, draft)
    except FileExistsError as error:
        raise StoreError(
            f"{error.filename} is there already; name another file, or remove it"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{target} cannot be made ({error.strerror}); name a file in a directory that this user"
            " can write"
        ) from None
    return target.stat().st_size


def _copy(source: Dialect, path: Path) -> None:
    with visiting(source) as connection:
        _require_tables(source, connection)
        source.copy(connection, path)


def _require_tables(source: Dialect, connection: Connection) -> None:
    if not check_owner(source, connection):
        raise StoreError("it is empty; name another file")
    check_filled(connection)
