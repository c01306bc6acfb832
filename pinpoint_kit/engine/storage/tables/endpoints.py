"""Tables of endpoints and of the users behind them.

Columns, indexes and what they mean; no statement. What segments ask about
stands in columns of its own; maps with free keys are JSON text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, UniqueConstraint

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT, partial_index
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = [
    "ADDRESSES",
    "DEMOGRAPHIC",
    "ENDPOINTS",
    "ENDPOINTS_BY_CREATION",
    "LOCATION",
    "USERS",
]

#: Demographic and Location members, and the columns of `endpoints` that hold them.
DEMOGRAPHIC = {
    "AppVersion": "app_version",
    "Locale": "locale",
    "Make": "make",
    "Model": "model",
    "ModelVersion": "model_version",
    "Platform": "platform",
    "PlatformVersion": "platform_version",
    "Timezone": "timezone",
}
LOCATION = {
    "City": "city",
    "Country": "country",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "PostalCode": "postal_code",
    "Region": "region",
}

ENDPOINTS = Table(
    "endpoints",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("endpoint", TEXT, nullable=False),  # the id in lower case: what ids are compared by
    Column("id", TEXT, nullable=False),  # as first written
    Column("channel_type", TEXT),
    Column("address", TEXT),
    Column("status", TEXT, nullable=False),
    Column("opt_out", TEXT, nullable=False),
    Column("effective_date", BigInteger, nullable=False),
    Column("creation_date", BigInteger, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("request_id", TEXT, nullable=False),
    Column("user_id", TEXT),
    Column("user_attributes", TEXT),  # JSON, only while there is no user id to keep them under
    Column("attributes", TEXT),  # JSON: name -> list of strings
    Column("metrics", TEXT),  # JSON: name -> number
    *(Column(name, TEXT) for name in DEMOGRAPHIC.values()),
    *(
        Column(name, Float if name in {"latitude", "longitude"} else TEXT)
        for name in LOCATION.values()
    ),
    UniqueConstraint("app", "endpoint"),
)

USERS = Table(
    "users",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", TEXT, primary_key=True),
    Column("attributes", TEXT, nullable=False),  # JSON: name -> list of strings
    Column("created", BigInteger),  # when the id came up first; NULL in users of older files
)

# Rows without a value need no place in an index on it.
ENDPOINTS_BY_CREATION = Index("endpoints_by_creation", ENDPOINTS.c.app, ENDPOINTS.c.creation_date)
partial_index("endpoints_by_user", ENDPOINTS.c.user_id, ENDPOINTS.c.app, ENDPOINTS.c.user_id)
# With the status, because one address may have any number of endpoints, and one that is active.
ADDRESSES = partial_index(
    "endpoints_by_address",
    ENDPOINTS.c.address,
    ENDPOINTS.c.app,
    ENDPOINTS.c.address,
    ENDPOINTS.c.channel_type,
    ENDPOINTS.c.status,
)
