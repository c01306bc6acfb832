"""The views of a lake as the relation that metrics ask: names only, whoever runs the SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ColumnElement, TableClause, Text, column, table

from pinpoint_kit.lake.shapes import COLUMNS
from pinpoint_kit.metrics import Endpoints, Events, Relation, Users

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

__all__ = ["relation_of", "view_name"]


def view_name(name: str, number: str) -> str:
    """Return what the view of a table is called."""
    return f"pinpoint_{name}_{number}"


def relation_of(number: str, application_id: str | None = None) -> Relation:
    """Return the relation over some views.

    Args:
        number: what tells these views from others.
        application_id: count only events of this application; None: all that there are.
    """
    events, endpoints, users = (_table(name, number) for name in ("events", "endpoints", "users"))
    e, p, u = events.c, endpoints.c, users.c
    scope: ColumnElement[bool] | None = None
    if application_id is not None:
        scope = e.application_id == application_id
    return Relation(
        events=Events(
            table=events,
            scope=scope,
            id=e.event_id,
            endpoint=e.endpoint,
            user=e.user_id,
            type=e.type,
            time=e.timestamp,
            arrival=e.arrival,
            session=e.session_id,
            duration=e.session_duration,
            attributes=e.attributes,
            metrics=e.metrics,
            platform=e.platform,
            app_version=e.app_version,
            make=e.make,
            model=e.model,
            locale=e.locale,
            country=e.country,
            time_zone=e.time_zone,
        ),
        endpoints=Endpoints(
            table=endpoints,
            endpoint=p.endpoint_id,
            user=p.user_id,
            created=p.created,
            channel=p.channel_type,
            attributes=p.attributes,
            platform=p.platform,
            app_version=p.app_version,
            make=p.make,
            model=p.model,
            locale=p.locale,
            country=p.country,
        ),
        users=Users(table=users, user=u.user_id, created=u.created, attributes=u.attributes),
    )


def _table(name: str, number: str) -> TableClause:
    def kind(wanted: object) -> TypeEngine[int] | TypeEngine[str]:
        return BigInteger() if wanted == "whole" else Text()

    columns = [column(each, kind(about.kind)) for each, about in COLUMNS[name].items()]
    return table(view_name(name, number), *columns)
