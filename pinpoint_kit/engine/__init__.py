"""Pinpoint itself: a request goes in, an answer comes out, SQL lies between.

The engine speaks Pinpoint's wire protocol and nothing else. It knows no SDK, opens no socket
and starts no thread; the clock and the ids are handed in. Only imports belong here.

    >>> from pinpoint_kit.engine import Engine, Request
    >>> with Engine.open("sqlite://") as engine:
    ...     engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "shop"}')).status
    201
"""

from pinpoint_kit.engine.copying.copying import CopyProgress, CopyReport, TableReport, copy_store
from pinpoint_kit.engine.engine import Engine
from pinpoint_kit.engine.handlers import Coverage, coverage
from pinpoint_kit.engine.lakes.source import LakeSource
from pinpoint_kit.engine.removal.retention import LOGGER as RETENTION_LOGGER
from pinpoint_kit.engine.storage.backup import back_up
from pinpoint_kit.engine.storage.looking import Look, look_at, schema_sql
from pinpoint_kit.engine.storage.queries import LONG_READS
from pinpoint_kit.engine.wire.http import Request, Response
from pinpoint_kit.engine.work.lane import Lane

__all__ = [
    "LONG_READS",
    "RETENTION_LOGGER",
    "CopyProgress",
    "CopyReport",
    "Coverage",
    "Engine",
    "LakeSource",
    "Lane",
    "Look",
    "Request",
    "Response",
    "TableReport",
    "back_up",
    "copy_store",
    "coverage",
    "look_at",
    "schema_sql",
]
