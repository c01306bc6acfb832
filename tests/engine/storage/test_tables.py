"""The tables are those of their version: whoever changes one adds a migration."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects import sqlite

from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.engine.storage.tables.migrations import MIGRATIONS, VERSION

if TYPE_CHECKING:
    from sqlalchemy import Table

#: The version, and a digest of each of its tables.
PINNED = (
    9,
    {
        "pinpoint_meta": "07d7f183",
        "funnels": "f8bcbc17",
        "apps": "f8dffa19",
        "tags": "c69624a5",
        "campaigns": "a0f93fb3",
        "campaign_versions": "e64e1a1f",
        "campaign_activities": "0ac2e76f",
        "campaign_sends": "1567a555",
        "campaign_triggers": "25b74795",
        "endpoints": "4cf2416d",
        "users": "41f8b993",
        "channels": "31b7683f",
        "templates": "7e342ba7",
        "template_versions": "57564d64",
        "recommenders": "6751b4f6",
        "events": "d7c9d77d",
        "jobs": "25ed172f",
        "job_files": "f8f6054d",
        "journeys": "0243f88e",
        "lakes": "30574b67",
        "lake_changes": "95616cc5",
        "messages": "fb58b4f1",
        "message_outcomes": "ecf80a7f",
        "opt_outs": "f9cffcdc",
        "one_time_passwords": "d7558add",
        "segments": "581c5117",
        "segment_versions": "3ad459f8",
        "segment_endpoints": "61bd9050",
        "segment_users": "425c82d8",
        "event_streams": "7ae6e227",
        "stream_backlog": "7c97cb91",
        "stream_cursors": "a0b6422b",
        "stream_dead_letters": "132ee7fb",
        "stream_losses": "dc8f1d3c",
        "stream_replays": "f13bdf4b",
        "leases": "453ef18e",
    },
)


def described(table: Table) -> str:
    """Return a table with its columns, constraints and indexes, the same with any SQLAlchemy."""
    dialect = sqlite.dialect()
    lines = [
        f"{column.name} {column.type.compile(dialect)} {column.nullable} {column.primary_key}"
        f" {column.unique} {column.autoincrement}"
        for column in table.columns
    ]
    unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    lines += sorted(f"unique {each.columns.keys()}" for each in unique)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        where = index.dialect_options["sqlite"]["where"]
        lines.append(f"index {index.name} {index.columns.keys()} {index.unique} {where}")
    lines.append(f"rowid {table.dialect_options['sqlite']['with_rowid']}")
    return "\n".join(lines)


def test_a_changed_table_has_a_migration() -> None:
    """The tables of a version never change: files of that version are out there."""
    tables = {
        name: hashlib.sha256(described(table).encode()).hexdigest()[:8]
        for name, table in METADATA.tables.items()
    }
    changed = dict(set(tables.items()) ^ set(PINNED[1].items()))
    if (VERSION, tables) != PINNED:
        pytest.fail(
            f"changed: {', '.join(sorted(changed)) or 'the version'}. Add a migration to"
            " MIGRATIONS, raise VERSION, and then pin here what they are now:"
            f" {(VERSION, tables)}"
        )


def test_every_older_version_has_a_migration() -> None:
    """From any version there is a way to the present one."""
    assert sorted(MIGRATIONS) == list(range(1, VERSION))
