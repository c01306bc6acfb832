"""A person who is erased or deleted in the store is in no file of its lakes afterwards."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pinpoint_kit.lake import open_lake
from tests.lake.kit import START_MS, Shop

if TYPE_CHECKING:
    from pathlib import Path

_ZSTD = b"\x28\xb5\x2f\xfd"
SECRETS = (b"anna-device", b"anna-user", b"anna@", b"make-anna")


def decompressed(content: bytes) -> bytes:
    """Return whatever is compressed in a file: pages of values and dictionaries."""
    found = []
    for match in re.finditer(re.escape(_ZSTD), content):
        with pa.CompressedInputStream(pa.BufferReader(content[match.start() :]), "zstd") as stream:
            try:
                while piece := stream.read(256):  # up to what is behind the frame
                    found.append(piece)
            except OSError:
                continue
    return b"".join(found)


def traces(folder: Path) -> set[bytes]:
    """Return which secrets stand in any file, hidden ones too: as bytes, or in what they pack."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            whole = content + decompressed(content) + str(path).encode()
            found |= {secret for secret in SECRETS if secret in whole}
    return found


def filled(shop: Shop) -> None:
    """Record events of a person among those of others, and export them."""
    for number in range(40):
        shop.record(f"device-{number % 7}", user=f"user-{number % 7}", day=number % 3)
        if number % 8 == 0:
            shop.record("anna-device", user="anna-user", day=number % 3)
    shop.export(events_a_step=20)


REMOVALS = [
    ("erase", "EndpointId", "anna-device"),
    ("erase", "UserId", "anna-user"),
    ("erase", "Address", "anna-device@example.com"),
    ("delete", "endpoints", "anna-device"),
    ("delete", "users", "anna-user"),
]


@pytest.mark.parametrize(("how", "what", "name"), REMOVALS)
def test_a_person_is_in_no_file_after_the_next_export(
    shop: Shop, how: str, what: str, name: str
) -> None:
    """Neither values nor dictionaries, statistics, names of files or temporary files have them."""
    filled(shop)
    assert traces(shop.lake) == set(SECRETS) - {b"anna@"}  # the test can fail; addresses stay out
    if how == "erase":
        shop.erase(what, name)
    else:
        shop.ask("DELETE", f"/{shop.app}/{what}/{name}")
    report = shop.export()
    assert report.rewritten > 0
    assert traces(shop.lake) == set()
    assert shop.exported() == shop.stored()


def test_a_person_is_removed_from_what_the_store_no_longer_has(shop: Shop) -> None:
    """A lake may keep events for longer than the store; erasure reaches those, too."""
    filled(shop)
    with closing(sqlite3.connect(shop.file)) as connection:
        old = START_MS + 86_400_000
        connection.execute("DELETE FROM events WHERE timestamp < ?", (old,))
        connection.commit()
    before = len(shop.exported())
    assert before > len(shop.stored())
    shop.erase("UserId", "anna-user")
    shop.export()
    assert traces(shop.lake) == set()
    assert len(shop.exported()) == before - 5


def test_the_report_of_an_erasure_names_the_lakes(shop: Shop) -> None:
    """Whoever answers the request sees what is still to do, and where."""
    assert shop.erase("EndpointId", "nobody")["Copies"] == []
    filled(shop)
    (copy,) = shop.erase("EndpointId", "anna-device")["Copies"]
    assert str(shop.lake) in copy
    assert "pinpoint-kit lake export" in copy


def test_the_store_keeps_no_id_for_the_lake(shop: Shop) -> None:
    """What waits for the next export are hashes, each lake with a key of its own."""
    filled(shop)
    shop.export(shop.folder / "second")
    shop.erase("EndpointId", "anna-device")
    with closing(sqlite3.connect(shop.file)) as connection:
        rows = connection.execute("SELECT * FROM lake_changes").fetchall()
        assert len(rows) == 6  # two for the endpoint and one for the user, for each lake
        assert "anna" not in repr(rows)
        assert len({row[5] for row in rows}) == 4
        shop.export()
        assert connection.execute("SELECT count(*) FROM lake_changes").fetchone() == (3,)
        shop.export(shop.folder / "second")
        assert connection.execute("SELECT count(*) FROM lake_changes").fetchone() == (0,)
    assert traces(shop.folder / "second") == set()


def test_one_who_comes_back_is_kept(shop: Shop) -> None:
    """Events that were recorded after an erasure stay."""
    filled(shop)
    shop.erase("EndpointId", "anna-device")
    shop.record("anna-device", user="anna-user")
    shop.export()
    assert shop.exported() == shop.stored()
    assert [row[0] for row in shop.exported()].count("anna-device") == 1


def test_numbers_of_the_lake_are_those_of_the_store_after_removals(shop: Shop) -> None:
    """A deleted endpoint stays one endpoint, whose events came before and after an export."""
    filled(shop)
    shop.record("anna-device", user="anna-user", day=2)
    shop.ask("DELETE", f"/{shop.app}/endpoints/anna-device")
    shop.erase("UserId", "user-3")
    shop.export()
    days: dict[str, Any] = {"first": "2026-03-01", "last": "2026-03-04"}
    with open_lake(shop.lake) as lake:
        active = lake.active(**days)
    assert active.total == len({row[0] for row in shop.stored()})


def test_deleting_the_application_forgets_its_lakes(shop: Shop) -> None:
    """Nothing is noted for a lake whose application is gone."""
    filled(shop)
    shop.ask("DELETE", f"/{shop.app}")
    with closing(sqlite3.connect(shop.file)) as connection:
        assert connection.execute("SELECT count(*) FROM lakes").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM lake_changes").fetchone() == (0,)
