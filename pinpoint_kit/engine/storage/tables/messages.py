"""Tables of sent messages (the outbox), what became of them, opt-outs, and one-time passwords.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint

from pinpoint_kit.engine.storage.dialects.ddl import (
    NUMBERS_ARE_NOT_REUSED,
    ROW_NUMBER,
    TEXT,
    partial_index,
)
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["MESSAGES", "MESSAGE_OUTCOMES", "ONE_TIME_PASSWORDS", "OPT_OUTS"]

#: The outbox: every message that was rendered for somebody, also one that no transport took.
MESSAGES = Table(
    "messages",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("channel", TEXT, nullable=False),  # the service's channel type
    Column("address", TEXT, nullable=False),
    Column("endpoint", TEXT),  # the id in lower case; NULL for an address without an endpoint
    Column("user_id", TEXT),
    Column("kind", TEXT, nullable=False),  # direct, otp or campaign
    Column("campaign", BigInteger),  # campaigns.number; NULL unless it is of a campaign
    Column("treatment", Integer),
    Column("activity", BigInteger),  # campaign_activities.number
    Column("status", TEXT, nullable=False),  # PENDING, or a DeliveryStatus of the service
    Column("status_code", Integer, nullable=False),
    Column("status_text", TEXT, nullable=False),
    Column("content", TEXT, nullable=False),  # JSON: the members of what was rendered
    Column("outcomes", TEXT),  # JSON: those that were reported, each once, in their order
    **NUMBERS_ARE_NOT_REUSED,  # a token of a page must not skip one
)

#: What was reported of messages, a row for each report.
MESSAGE_OUTCOMES = Table(
    "message_outcomes",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("message", BigInteger, nullable=False),  # messages.number
    Column("outcome", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("detail", TEXT),  # JSON: the link that was clicked, and such
)

#: Addresses that get nothing, whether they have an endpoint or not.
OPT_OUTS = Table(
    "opt_outs",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("channel", TEXT, nullable=False),  # the service's channel type
    Column("address", TEXT, nullable=False),  # as addresses are compared: records/contacts.py
    Column("reason", TEXT, nullable=False),  # the outcome: bounced, complained or opted_out
    Column("since", BigInteger, nullable=False),
    UniqueConstraint("app", "address", "channel"),
    **NUMBERS_ARE_NOT_REUSED,  # a higher number is a later opt-out
)

ONE_TIME_PASSWORDS = Table(
    "one_time_passwords",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("address", TEXT, primary_key=True),
    Column("reference", TEXT, primary_key=True),
    Column("code", TEXT, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),  # that are left
)

Index("messages_by_app", MESSAGES.c.app, MESSAGES.c.number)
Index("messages_by_id", MESSAGES.c.app, MESSAGES.c.id)
Index("messages_by_address", MESSAGES.c.app, MESSAGES.c.address, MESSAGES.c.number)
partial_index("messages_by_endpoint", MESSAGES.c.endpoint, MESSAGES.c.app, MESSAGES.c.endpoint)
partial_index("messages_by_user", MESSAGES.c.user_id, MESSAGES.c.app, MESSAGES.c.user_id)
partial_index("messages_by_campaign", MESSAGES.c.campaign, MESSAGES.c.campaign, MESSAGES.c.created)
Index("message_outcomes_by_message", MESSAGE_OUTCOMES.c.message)
Index("message_outcomes_by_app", MESSAGE_OUTCOMES.c.app, MESSAGE_OUTCOMES.c.at)
Index("opt_outs_by_app", OPT_OUTS.c.app, OPT_OUTS.c.number)
