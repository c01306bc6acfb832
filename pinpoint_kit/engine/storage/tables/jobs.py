"""Tables of import and export jobs and of the files that they read.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT, partial_index
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["JOBS", "JOB_FILES"]

JOBS = Table(
    "jobs",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("type", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("completed", BigInteger),
    Column("definition", TEXT, nullable=False),  # JSON as it is shown
    Column("segment", TEXT),  # the id of the segment that it fills or writes out
    Column("makes_segment", Boolean, nullable=False),  # the segment was made for this job
    Column("total_pieces", Integer, nullable=False),
    Column("completed_pieces", Integer, nullable=False),
    Column("failed_pieces", Integer, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("failures", TEXT),  # JSON: the first texts
    Column("position", TEXT, nullable=False),  # JSON: where its work goes on
    Column("open", Integer),  # 1 until it has ended
)

JOB_FILES = Table(
    "job_files",
    METADATA,
    Column("app", BigInteger, nullable=False),
    Column("job", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("url", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("version", TEXT, nullable=False),
)

Index("jobs_by_type", JOBS.c.app, JOBS.c.type, JOBS.c.number)
partial_index("jobs_by_segment", JOBS.c.segment, JOBS.c.app, JOBS.c.segment, JOBS.c.number)
partial_index("jobs_open", JOBS.c.open, JOBS.c.number)
Index("job_files_by_app", JOB_FILES.c.app)
