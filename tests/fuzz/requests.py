"""Makes requests out of botocore's service model: nearly right ones, and ones that nobody sends.

Everything comes from one seeded generator, so that a request can be made again from its seed and
number. What an answer has to be is not known here.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from pinpoint_kit.engine import Engine
from tests.model_answers import service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Maker", "Wanted"]

#: Where our own operations stand; the service model has none of them.
_OWN = (
    ("GET", "endpoints"),
    ("GET", "endpoint-ids"),
    ("POST", "erasures"),
    ("GET", "segments/{segment-id}/count"),
    ("GET", "segments/{segment-id}/members"),
    ("GET", "segments/{segment-id}/explanations/{endpoint-id}"),
)
_METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "get", "")
_DATES = (
    "2026-11-01T12:00:00.000Z",
    "2026-11-01T12:00:00",
    "2026-11-01T12:00:00+05:30",
    "9999-12-31T23:59:59.999999999Z",
    "0000-00-00T00:00:00Z",
    "-1",
)
_ENDPOINT_IDS = ("device-1", "DEVICE-1", "device-2", "a/b", "é", "..", "%", " ")
_USER_IDS = ("user-1", "user-2")
_ENUMS = (
    *("EMAIL", "SMS", "GCM", "APNS", "ACTIVE", "INACTIVE", "ALL", "NONE", "ANY", "INCLUSIVE"),
    *("EXCLUSIVE", "BETWEEN", "HR_24", "GREATER_THAN", "CSV", "JSON", "customer@example.com"),
)
_WILD = (
    *(
        "",
        "$",
        "{x}",
        "\0",
        "'; DROP TABLE endpoints; --",
        "%_\\",
        "🙂" * 60,
        "x" * 300,
        "x" * 5000,
    ),
    *("file:///nowhere/a.csv", "file://../../etc", "s3://", "arn:aws:x", "null", "[]", "NaN"),
    *("<script>", "\ud800", "../../etc/passwd"),
)
#: What members are that the model calls strings only, by how their names end.
_BY_NAME = {
    "Timestamp": _DATES[:3],
    "Date": _DATES[:3],
    "OptOut": ("ALL", "NONE"),
    "EndpointStatus": ("ACTIVE", "INACTIVE"),
    "ComparisonOperator": ("GREATER_THAN", "EQUAL"),
    "UserId": _USER_IDS,
    "Address": ("customer@example.com", "+351210000000"),
    "Start": ("08:00",),
    "End": ("22:00",),
}
#: Labels of paths whose values are not free.
_LABELS = {
    "endpoint-id": _ENDPOINT_IDS,
    "user-id": _USER_IDS,
    "template-name": ("welcome", "a/b"),
    "version": ("1", "2", "latest"),
    "attribute-type": (
        "endpoint-custom-attributes", "endpoint-metric-attributes", "endpoint-user-attributes",
    ),
    "template-type": ("EMAIL", "SMS", "PUSH", "VOICE", "INAPP"),
}  # fmt: skip
_NUMBERS = (0, 1, -1, 2, 15, 100, 10**6, 2**31, 2**53, -(2**63), 2**63, 2**64, 10**30)
_FLOATS = (0.0, -0.0, 1.5, 47.61, -122.33, 90.0, 180.0, 1e-320, 1e308, -1e308)
_BROKEN = (
    b"", b"{", b"null", b"[]", b'"x"', b"0", b"{}{}", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}',
    b'{"Item": [{"Id": "\\ud800"}]}', b'{"Name": "\xc3\x28"}', b"[" * 100_000, b'{"a":' * 5_000,
    b'{"Name": "a", "Name": "b"}', b"\xef\xbb\xbf{}", b"PK\x03\x04", b"Name=x", b"<a/>", b"\0" * 99,
    b'{"Item": [' + b"{}," * 5_000 + b"{}]}", b'{"n": ' + b"9" * 5_000 + b"}",
)  # fmt: skip


@attrs.frozen
class Wanted:
    """One request.

    Attributes:
        operation: what it is meant for; "" when it is meant for nothing.
        target: path and query, raw.
    """

    operation: str
    method: str
    target: str
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


def _model(operation: str) -> Any:
    return service().operation_model(operation)


class Maker:
    """Makes one request after the other, using ids that earlier answers have shown."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- must come out the same again
        self._ids: dict[str, list[str]] = {}
        rows = Engine.coverage()
        self._answered = [_model(row.operation) for row in rows if row.status != "refused"]

    def learn(self, label: str, value: str) -> None:
        """Remembers an id, so that later requests name what there is."""
        known = self._ids.setdefault(label, [])
        known.append(value)
        del known[:-20]

    def forget(self) -> None:
        """Forgets all ids: a new engine has none of them."""
        self._ids.clear()

    def make(self) -> Wanted:
        """Make the next request."""
        chance = self._random
        draw = chance.random()
        if draw < 0.05:
            return Wanted("", chance.choice(_METHODS), self._odd_target(), self._odd_body(b"{}"))
        if draw < 0.12:
            method, template = chance.choice(_OWN)
            path = f"/pinpoint-kit/v1/apps/{{application-id}}/{template}"
            erasure = json.dumps({chance.choice(("UserId", "EndpointId")): self._text()})
            body = self._odd_body(erasure.encode()) if method == "POST" else b""
            return Wanted("", method, self._filled(path) + self._query(), body)
        operation = chance.choice(self._answered)
        if operation.name == "DeleteApp" and draw < 0.95:
            operation = chance.choice(self._answered)  # seldom: it takes all the others' ids away
        method = operation.http["method"] if draw < 0.97 else chance.choice(_METHODS)
        target = self._filled(operation.http["requestUri"]) + self._query()
        return Wanted(operation.name, method, target, self._body(operation))

    def _body(self, operation: Any) -> bytes:
        shape = operation.input_shape
        payload = shape.serialization.get("payload")
        if payload is None:
            return self._odd_body(b"") if self._random.random() < 0.05 else b""
        value = self._value(shape.members[payload], depth=0)
        if self._random.random() < 0.2:
            value = self._spoiled(value)
        return self._odd_body(json.dumps(value).encode())

    def _odd_body(self, body: bytes) -> bytes:
        """Return the body, or in one case of twelve something else."""
        chance = self._random
        draw = chance.random()
        if draw < 0.04:
            return chance.choice(_BROKEN)
        if draw < 0.06 and body:
            return body[: chance.randrange(len(body))]
        if draw < 0.08 and body:
            at = chance.randrange(len(body))
            return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        return body

    def _value(self, shape: Any, depth: int, name: str = "") -> Any:
        makers: dict[str, Callable[[Any, int], Any]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
        }
        if shape.type_name in makers:
            return makers[shape.type_name](shape, depth + 1)
        return self._scalar(shape, name)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        wanted = 0.5 if depth < 4 else 0.15
        required = set(shape.required_members)
        return {
            member.serialization.get("name", name): self._value(member, depth, name)
            for name, member in shape.members.items()
            if self._random.random() < (0.97 if name in required else wanted)
        }

    def _list(self, shape: Any, depth: int) -> list[Any]:
        return [self._value(shape.member, depth) for _ in range(self._random.randrange(4))]

    def _map(self, shape: Any, depth: int) -> dict[str, Any]:
        return {
            self._random.choice((*_ENDPOINT_IDS, self._text())): self._value(shape.value, depth)
            for _ in range(self._random.randrange(4))
        }

    def _scalar(self, shape: Any, name: str) -> Any:
        chance = self._random
        kind = shape.type_name
        if kind == "boolean":
            return chance.random() < 0.5
        if kind in {"integer", "long"}:
            return chance.choice(_NUMBERS[:6] if chance.random() < 0.95 else _NUMBERS)
        if kind in {"double", "float"}:
            return chance.choice(_FLOATS[:5] if chance.random() < 0.9 else _FLOATS)
        if getattr(shape, "enum", None) and chance.random() < 0.97:
            return chance.choice(shape.enum)
        if chance.random() < 0.9:
            known = [values for end, values in _BY_NAME.items() if name.endswith(end)]
            if known:
                return chance.choice(known[0])
        return self._text()

    def _text(self) -> str:
        chance = self._random
        if chance.random() < 0.06:
            return chance.choice(_WILD)
        tame: Sequence[str] = chance.choice((_ENDPOINT_IDS, _USER_IDS, _ENUMS, _DATES[:3]))
        return chance.choice(chance.choice([*self._ids.values(), tame]))

    def _spoiled(self, value: Any) -> Any:
        """Replace something inside by a value of another type."""
        if isinstance(value, dict) and value and self._random.random() < 0.85:
            name = self._random.choice(list(value))
            return {**value, name: self._spoiled(value[name])}
        if isinstance(value, list) and value and self._random.random() < 0.85:
            at = self._random.randrange(len(value))
            return [*value[:at], self._spoiled(value[at]), *value[at + 1 :]]
        return self._random.choice((None, 1, 1.5, "x", True, [], {}, [[]], {"a": {}}, 10**400))

    def _filled(self, template: str) -> str:
        """Put ids into the path: mostly ones that exist."""
        while "{" in template:
            before, _, rest = template.partition("{")
            label, _, after = rest.partition("}")
            often = 0.97 if label == "application-id" else 0.85
            pool: Sequence[str] = self._ids.get(label, ())[-3:] or _LABELS.get(label, ())
            value = self._random.choice(pool) if pool and self._random.random() < often else None
            value = self._text() if value is None else value
            template = before + quote(value, safe="", errors="replace") + after
        return template

    def _query(self) -> str:
        if self._random.random() < 0.7:
            return ""
        names = ("page-size", "token", "version", "template-type", "prefix", "tagKeys", "%", "a b")
        pairs = (
            f"{quote(self._random.choice(names))}={quote(self._text(), errors='replace')}"
            for _ in range(self._random.randrange(1, 4))
        )
        return "?" + self._random.choice("&;").join(pairs)

    def _odd_target(self) -> str:
        return self._random.choice(
            ("/", "", "//", "/v1", "/v1/apps/%", "/v1/apps/%ff/endpoints/%00", "/v1/apps/../apps",
             "/v1/apps?page-size=%ff", "/v1/apps/" + "a" * 3_000, "/pinpoint-kit/v2/x", "/V1/apps",
             "/v1/apps/%2e%2e%2fx", "/v1/apps#x", "/v1/apps/a/endpoints/" + "/" * 50)
        )  # fmt: skip
