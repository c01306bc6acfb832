"""Pinpoint's JSON: the only place that knows the names of its members.

The codec reads and writes any model; events, endpoints and segments are what requests carry of
them. Nothing here sends or packs anything.
"""

from pinpoint_kit.models.wire.codec import encode, fixed_members, from_json, from_wire, iso, to_wire
from pinpoint_kit.models.wire.endpoints import (
    UNKNOWN_MEMBER,
    attribute_names,
    endpoint_conditions,
    endpoint_id,
    endpoint_of_row,
    endpoint_request,
    member_path,
    merged_endpoint,
    with_id,
)
from pinpoint_kit.models.wire.events import (
    Members,
    encode_simple_event,
    encode_usual_event,
    event_body,
    event_fragment,
    event_members,
    event_parts,
    stamp,
)
from pinpoint_kit.models.wire.segments import segment_request

__all__ = [
    "UNKNOWN_MEMBER",
    "Members",
    "attribute_names",
    "encode",
    "encode_simple_event",
    "encode_usual_event",
    "endpoint_conditions",
    "endpoint_id",
    "endpoint_of_row",
    "endpoint_request",
    "event_body",
    "event_fragment",
    "event_members",
    "event_parts",
    "fixed_members",
    "from_json",
    "from_wire",
    "iso",
    "member_path",
    "merged_endpoint",
    "segment_request",
    "stamp",
    "to_wire",
    "with_id",
]
