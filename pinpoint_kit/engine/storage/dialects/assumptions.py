"""What the engine takes for granted of every database, where it does so, and what that needs.

The one list for anyone who adds a database: SQLite gives all of it for nothing, because its writers
exclude each other from BEGIN IMMEDIATE to COMMIT; how PostgreSQL gives it stands in
postgresql/locks.py. A test holds that every place named here exists. Each assumption is a promise
of `Dialect` or of the tables; a place that relies on another one must be added here.
"""

from __future__ import annotations

import attrs

__all__ = ["ASSUMPTIONS", "Assumption"]


@attrs.frozen
class Assumption:
    """Something that is true of SQLite and has to be made true of another database.

    Attributes:
        name: what is assumed.
        where: the places that rely on it, as `module:name` below `pinpoint_kit.engine`.
        given_by_sqlite: why it is true there.
        needed: what another database has to do.
    """

    name: str
    where: tuple[str, ...]
    given_by_sqlite: str
    needed: str


ASSUMPTIONS = (
    Assumption(
        name="one writer at a time",
        where=(
            "endpoints.writer:EndpointWriter",  # 15 endpoints a user, one active per address
            "removal.operations:_person",  # whether a user has other endpoints
            "events.store:unknown",  # which events are new
            "applications.tags:put",  # at most 50
            "applications.settings:update_application_settings",
            "applications.removed_attributes:remove_attributes",
            "engagement.channels:update_channel",
            "engagement.templates:update_template",
            "engagement.template_versions:update_template_active_version",
            "segments.operations:update_segment",
            "segments.imported:finish_import",
            "jobs.store:save",  # a job is as far as it was
        ),
        given_by_sqlite="BEGIN IMMEDIATE takes the file's only right to write",
        needed=(
            "each of these reads, decides and writes. begin_write lets one writer in at a time, but"
            " for `is_shared`: such a transaction claims what it reads until the commit, which are"
            " the endpoints, users and addresses of a change"
        ),
    ),
    Assumption(
        name="commit order is number order",
        where=(
            "wire.paging:number",  # tokens of GetApps, GetSegments, jobs, recommenders, templates
            "segments.members:list_segment_members",
            "endpoints.finding:find_endpoints",
            "analytics.finding:find_events",  # in the order of arrival
            "endpoints.reader:extent",  # where an export ends
            "endpoints.reader:numbered",  # what each of its pieces reads
        ),
        given_by_sqlite="numbers are given out while nobody else can write",
        needed=(
            "a row must not appear below a number that a reader has passed. Numbers are given out"
            " under a lock that is held until the commit, or `settle` waits for whoever may still"
            " commit one, and the reader goes no further"
        ),
    ),
    Assumption(
        name="a statement sees one state, and a read transaction need not",
        where=("segments.members:list_segment_members", "storage.store:Store"),
        given_by_sqlite="each statement outside a transaction reads a snapshot of its own",
        needed="READ COMMITTED, or autocommit, for connections that only read",
    ),
    Assumption(
        name="texts are compared by code point, with case",
        where=(
            "endpoints.listing:list_endpoint_ids",
            "endpoints.reader:after",
            "storage.dialects.expressions:has_value",  # dates in the form that sorts
            "copying.tables:CopiedTable",  # equal digests want equal orders
            "engagement.template_versions:list_templates",
        ),
        given_by_sqlite="the collation BINARY is the default",
        needed='columns or the whole database with the collation "C"',
    ),
    Assumption(
        name="numbers of endpoints tell about how many there are",
        where=("segments.members:_highest",),
        given_by_sqlite="rowids count up and the free ones at the end are used again",
        needed="a sequence without large gaps; a wrong guess costs time and changes no answer",
    ),
)
