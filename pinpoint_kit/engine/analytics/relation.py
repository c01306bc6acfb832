"""The store as a source of numbers: the tables of one application, as metrics/ wants them.

No metric and no operation belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.metrics import Endpoints, Events, Relation, Users

if TYPE_CHECKING:
    from pinpoint_kit.engine.applications.store import App

__all__ = ["relation_of"]


def relation_of(app: App) -> Relation:
    """Return the events, endpoints and users of an application."""
    events, endpoints, users = EVENTS.c, ENDPOINTS.c, USERS.c
    return Relation(
        events=Events(
            table=EVENTS,
            scope=events.app == app.number,
            id=events.event_id,
            endpoint=events.endpoint,
            user=events.user_id,
            type=events.type,
            time=events.timestamp,
            arrival=events.arrival,
            session=events.session_id,
            duration=events.session_duration,
            attributes=events.attributes,
            metrics=events.metrics,
            platform=events.platform,
            app_version=events.app_version,
            make=events.make,
            model=events.model,
            locale=events.locale,
            country=events.country,
            time_zone=events.timezone,
        ),
        endpoints=Endpoints(
            table=ENDPOINTS,
            scope=endpoints.app == app.number,
            endpoint=endpoints.endpoint,
            user=endpoints.user_id,
            created=endpoints.creation_date,
            channel=endpoints.channel_type,
            attributes=endpoints.attributes,
            platform=endpoints.platform,
            app_version=endpoints.app_version,
            make=endpoints.make,
            model=endpoints.model,
            locale=endpoints.locale,
            country=endpoints.country,
        ),
        users=Users(
            table=USERS,
            scope=users.app == app.number,
            user=users.user_id,
            created=users.created,
            attributes=users.attributes,
        ),
    )
