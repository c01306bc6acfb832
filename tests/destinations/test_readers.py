"""What AWS's own readers of the event stream expect, read from what was written.

The schema is the table of AWS's Digital User Engagement Events Database, which many pipelines on
Athena stand on. Its reader (OpenX's JSON SerDe) takes names in any case, texts for all scalars of a
map, and leaves out what the table does not name.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pinpoint_kit.destinations import Files, StreamRecord

DATA = Path(__file__).parents[1] / "data" / "stream_records.ndjson"

TEXT, BIG = pa.string(), pa.int64()


def struct(**members: pa.DataType) -> pa.DataType:
    """Return a struct of these members."""
    return pa.struct(list(members.items()))


MAIL = struct(
    message_id=TEXT,
    message_send_timestamp=BIG,
    from_address=TEXT,
    destination=pa.list_(TEXT),
    headers_truncated=pa.bool_(),
    headers=pa.list_(struct(name=TEXT, value=TEXT)),
    common_headers=pa.struct([("from", TEXT), ("to", pa.list_(TEXT)), ("subject", TEXT)]),
)
RECIPIENT = struct(email_address=TEXT, action=TEXT, status=TEXT, diagnostic_code=TEXT)
MAIL_EVENT = struct(
    mail=MAIL,
    send=struct(),
    delivery=struct(
        smtp_response=TEXT,
        reporting_mta=TEXT,
        recipients=pa.list_(TEXT),
        processing_time_millis=pa.int32(),
    ),
    open=struct(ip_address=TEXT, user_agent=TEXT),
    click=struct(
        ip_address=TEXT,
        user_agent=TEXT,
        link=TEXT,
        link_tags=struct(unsubscribeLinkTag=pa.list_(TEXT)),
    ),
    reject=struct(reason=TEXT),
    complaint=struct(
        complained_recipients=pa.list_(struct(email_address=TEXT)),
        feedback_id=TEXT,
        user_agent=TEXT,
        complaint_feedback_type=TEXT,
    ),
    bounce=struct(
        bounce_type=TEXT,
        bounce_sub_type=TEXT,
        bounced_recipients=pa.list_(RECIPIENT),
        feedback_id=TEXT,
        reporting_mta=TEXT,
    ),
)
SCHEMA = pa.schema(
    [
        ("event_type", TEXT),
        ("event_timestamp", BIG),
        ("arrival_timestamp", BIG),
        ("event_version", TEXT),
        ("application", struct(app_id=TEXT, sdk=struct(name=TEXT, version=TEXT))),
        ("client", struct(client_id=TEXT)),
        ("device", struct(platform=struct(name=TEXT, version=TEXT))),
        ("session", struct(session_id=TEXT, start_timestamp=BIG, stop_timestamp=BIG)),
        ("attributes", pa.map_(TEXT, TEXT)),
        ("metrics", struct(price_in_millicents_usd=pa.float64())),
        ("client_context", struct(custom=struct(endpoint=TEXT, legacy_identifier=TEXT))),
        ("awsaccountid", TEXT),
        ("facets", struct(email_channel=struct(mail_event=MAIL_EVENT))),
    ]
)


def row(line: bytes) -> dict[str, Any]:
    """Return a line as the SerDe hands it to the table."""
    members = {name.lower(): value for name, value in json.loads(line).items()}
    attributes = members.get("attributes", {})
    members["attributes"] = [
        (name, value if value is None or isinstance(value, str) else json.dumps(value))
        for name, value in attributes.items()
    ]
    return members


@pytest.mark.parametrize("event_id", [False, True])
def test_the_table_of_aws_reads_every_record(tmp_path: Path, *, event_id: bool) -> None:
    """App events of both shapes, campaigns, e-mail and SMS, with and without the event's id."""
    lines = DATA.read_bytes().splitlines(keepends=True)
    arrived = [json.loads(line)["arrival_timestamp"] for line in lines]
    sent = [
        StreamRecord(number, "device-1", f"e-{number}", "device-1", arrived[number], line)
        for number, line in enumerate(lines)
    ]
    assert Files(tmp_path, event_id=event_id).send("app", sent) == [None] * len(sent)
    written = [
        line
        for path in sorted(tmp_path.rglob("*.gz"), key=lambda path: path.name)
        for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    ]
    if event_id:
        assert sorted(json.loads(line)["event_id"] for line in written) == sorted(
            one.event_id for one in sent
        )
    else:
        assert sorted(written) == sorted(lines)
    table = pa.Table.from_pylist([row(line) for line in written], schema=SCHEMA)
    assert table.num_rows == len(lines)
    types = table.column("event_type").to_pylist()
    assert len(set(types)) >= 14
    purchase = types.index("_monetization.purchase")
    assert table.column("attributes")[purchase].as_py() == [
        ("_product_id", "p-1"),
        ("_currency", "EUR"),
    ]
    prices = table.column("metrics").to_pylist()
    assert sum((price or {}).get("price_in_millicents_usd") == 645.0 for price in prices) == 4
    bounce = table.column("facets")[types.index("_email.hardbounce")].as_py()
    found = bounce["email_channel"]["mail_event"]["bounce"]["bounced_recipients"]
    assert [one["status"] for one in found] == ["5.1.1"]


def test_a_wrong_type_is_not_read() -> None:
    """The table takes no text for a time, so that the test above can fail."""
    wrong = json.dumps({"event_type": "x", "event_timestamp": "1487973802507"}).encode()
    with pytest.raises(pa.ArrowException):
        pa.Table.from_pylist([row(wrong)], schema=SCHEMA)
