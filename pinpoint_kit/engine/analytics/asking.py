"""Asking the store for numbers: arguments from the wire, one state of the database, refusals.

GetMetric belongs to answers.py, KPIs to kpis.py; both ask here.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinpoint_kit import metrics
from pinpoint_kit.engine.analytics.hints import hint
from pinpoint_kit.engine.analytics.relation import relation_of
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.sql.expression import SelectBase

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.metrics.relation import Rows
    from pinpoint_kit.metrics.results import Result

__all__ = ["compared", "measured", "refusing"]


def measured(context: Context, call: Call, name: str, arguments: Mapping[str, object]) -> Result:
    """Return what a metric is for the application of a request.

    Raises:
        Refusal: there is no such application or metric, or an argument is wrong.
    """
    with apps.checked_first(context, call.application_id), refusing():
        given = compared(arguments)
        metrics.find(name).question(given, now=call.now)
    with context.store.long_read() as connection:
        app = apps.require(connection, call.application_id)

        def execute(statement: SelectBase) -> Rows:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]  # every SELECT can be executed

        began = time.perf_counter()
        with refusing():
            found = metrics.measure(name, given, relation_of(app), now=call.now, execute=execute)
        hint(context.store, connection, app.number, time.perf_counter() - began)
        return found


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what metrics/ finds wrong into the 400 of the wire, with its place."""
    try:
        yield
    except ValidationError as error:
        path = error.path.removeprefix("$")
        raise bad_request(error.message, path) from None


def compared(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return arguments with ids of endpoints in the form in which they are compared.

    Raises:
        Refusal: an id cannot be one.
    """
    found = dict(arguments)
    if isinstance(found.get("endpoint_id"), str):
        found["endpoint_id"] = check_id(str(found["endpoint_id"]))
    where = found.get("where")
    if isinstance(where, dict) and "endpoint_id" in where:
        ids = where["endpoint_id"]
        listed = ids if isinstance(ids, list) else [ids]
        found["where"] = {
            **where,
            "endpoint_id": [check_id(one) if isinstance(one, str) else one for one in listed],
        }
    return found
