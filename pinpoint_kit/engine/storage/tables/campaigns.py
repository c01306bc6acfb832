"""Tables of campaigns, their versions, their runs, and whom each run has targeted.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT, partial_index
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = [
    "CAMPAIGNS",
    "CAMPAIGN_ACTIVITIES",
    "CAMPAIGN_SENDS",
    "CAMPAIGN_TRIGGERS",
    "CAMPAIGN_VERSIONS",
]

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("status", TEXT, nullable=False),  # a CampaignStatus of the service
    Column("version", Integer, nullable=False),  # the newest
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("removed", BigInteger),  # when it was deleted
    Column("segment", TEXT, nullable=False),  # the segment's id
    Column("triggers", Integer),  # 1 while events may start it
    Column("state", TEXT, nullable=False),  # JSON: what a run needs to know of those before
    Column("due", BigInteger),  # when there is something to do next; NULL when never
)

CAMPAIGN_VERSIONS = Table(
    "campaign_versions",
    METADATA,
    Column("campaign", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("app", BigInteger, nullable=False),
    Column("definition", TEXT, nullable=False),  # JSON: the members of a CampaignResponse
    Column("modified", BigInteger, nullable=False),
)

#: A run of one treatment: what the service calls an activity.
CAMPAIGN_ACTIVITIES = Table(
    "campaign_activities",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("campaign", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("treatment", Integer, nullable=False),
    Column("version", Integer, nullable=False),  # of the campaign
    Column("scheduled", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("state", TEXT, nullable=False),  # PENDING … COMPLETED
    Column("result", TEXT),  # SUCCESS or FAIL once it has ended
    Column("position", TEXT, nullable=False),  # JSON: where its work goes on
    Column("counts", TEXT, nullable=False),  # JSON: execution metrics and totals
    Column("open", Integer),  # 1 until it has ended, and no message of it waits
)

#: Whom campaigns have targeted: one row for each endpoint of a run, or of a triggering event.
CAMPAIGN_SENDS = Table(
    "campaign_sends",
    METADATA,
    Column("activity", BigInteger, primary_key=True, autoincrement=False),
    Column("endpoint", TEXT, primary_key=True),  # the id in lower case
    Column("event_id", TEXT, primary_key=True),  # "" unless an event has triggered it
    Column("app", BigInteger, nullable=False),
    Column("campaign", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", TEXT, nullable=False),  # as in campaign_send_status, or PENDING
    Column("message", BigInteger),  # messages.number of one that waited for a transport
)

#: Events that match a campaign, until its worker has dealt with them.
CAMPAIGN_TRIGGERS = Table(
    "campaign_triggers",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("campaign", BigInteger, nullable=False),
    Column("endpoint", TEXT, nullable=False),
    Column("event_id", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
)

Index("campaigns_by_app", CAMPAIGNS.c.app, CAMPAIGNS.c.number)
partial_index("campaigns_due", CAMPAIGNS.c.due, CAMPAIGNS.c.due)
partial_index("campaigns_triggered", CAMPAIGNS.c.triggers, CAMPAIGNS.c.app)
Index(
    "campaign_activities_by_campaign",
    CAMPAIGN_ACTIVITIES.c.campaign,
    CAMPAIGN_ACTIVITIES.c.number,
)
partial_index("campaign_activities_open", CAMPAIGN_ACTIVITIES.c.open, CAMPAIGN_ACTIVITIES.c.number)
Index("campaign_sends_by_endpoint", CAMPAIGN_SENDS.c.app, CAMPAIGN_SENDS.c.endpoint)
Index("campaign_triggers_by_campaign", CAMPAIGN_TRIGGERS.c.campaign, CAMPAIGN_TRIGGERS.c.number)
