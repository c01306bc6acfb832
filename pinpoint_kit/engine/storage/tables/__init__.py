"""The tables, one file a family. Whatever imports one of them has all of them in `METADATA`.

Portable SQLAlchemy Core: what a database wants of its own comes from storage/dialects/ddl.py. Maps
with free keys are JSON text, NULL when empty. It has to be as `body.encode` writes it, because
segments search its characters. Applications are numbered, because their number stands in every
index. Instants are integer milliseconds since 1970 (UTC).

A table whose rows belong to one application has a column `app`: DeleteApp empties it by that.
"""

from pinpoint_kit.engine.storage.tables import (
    analytics,
    applications,
    campaigns,
    endpoints,
    engagement,
    events,
    jobs,
    journeys,
    lakes,
    messages,
    segments,
    streams,
    work,
)

__all__ = [
    "analytics",
    "applications",
    "campaigns",
    "endpoints",
    "engagement",
    "events",
    "jobs",
    "journeys",
    "lakes",
    "messages",
    "segments",
    "streams",
    "work",
]
