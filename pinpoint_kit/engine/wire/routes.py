"""The 122 operations, read from botocore's service model: method, path, labels, shapes, status.

The only file that imports botocore. No operation, path or status is written down by hand, but
for one undocumented sibling path that browsers' beacons use, and for the extension operations: what
Pinpoint's API cannot be asked, such as for all endpoints. Those stand below `/pinpoint-kit/`, where
the service has nothing. What an operation does belongs elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import attrs

from pinpoint_kit.engine.wire.refusals import ApiError, bad_request
from pinpoint_kit.engine.wire.shapes import NOTHING, Shape

__all__ = ["EXTENSION_SEGMENT", "Match", "Route", "Routes", "load"]

#: AWS's own browser SDKs send beacons here; it takes the same body as PutEvents.
_SIBLINGS = {"PutEvents": "/v1/apps/{application-id}/events/legacy"}

#: Every path of an extension operation begins so.
EXTENSION_SEGMENT = "pinpoint-kit"
_EXTENSION_APP = f"/{EXTENSION_SEGMENT}/v1/apps/{{application-id}}"
#: The extension operations: method and path. All of them answer 200.
_EXTENSIONS = {
    "AddOptOuts": ("POST", f"{_EXTENSION_APP}/opt-outs"),
    "ClearMessages": ("POST", f"{_EXTENSION_APP}/messages/clear"),
    "CountSegmentMembers": ("GET", f"{_EXTENSION_APP}/segments/{{segment-id}}/count"),
    "CreateFunnel": ("POST", f"{_EXTENSION_APP}/funnels"),
    "CreateMetricSegment": ("POST", f"{_EXTENSION_APP}/metrics/{{metric-name}}/segments"),
    "DeleteFunnel": ("DELETE", f"{_EXTENSION_APP}/funnels/{{funnel-id}}"),
    "DiscardStreamDeadLetters": ("POST", f"{_EXTENSION_APP}/streams/dead-letters/discard"),
    "EraseData": ("POST", f"{_EXTENSION_APP}/erasures"),
    "ExplainSegmentMembership": (
        "GET",
        f"{_EXTENSION_APP}/segments/{{segment-id}}/explanations/{{endpoint-id}}",
    ),
    "FindEndpoints": ("POST", f"{_EXTENSION_APP}/endpoints/find"),
    "FindEvents": ("POST", f"{_EXTENSION_APP}/events/find"),
    "GetMessage": ("GET", f"{_EXTENSION_APP}/messages/{{message-id}}"),
    "GetCampaignResults": ("GET", f"{_EXTENSION_APP}/campaigns/{{campaign-id}}/results"),
    "GetMetric": ("POST", f"{_EXTENSION_APP}/metrics/{{metric-name}}"),
    "GetStreamStatus": ("GET", f"{_EXTENSION_APP}/streams"),
    "ImportEvents": ("POST", f"{_EXTENSION_APP}/events/import"),
    "ListEndpointIds": ("GET", f"{_EXTENSION_APP}/endpoint-ids"),
    "ListEndpoints": ("GET", f"{_EXTENSION_APP}/endpoints"),
    "ListFunnels": ("GET", f"{_EXTENSION_APP}/funnels"),
    "ListMessages": ("POST", f"{_EXTENSION_APP}/messages/find"),
    "ListOptOuts": ("POST", f"{_EXTENSION_APP}/opt-outs/find"),
    "ListSegmentMembers": ("GET", f"{_EXTENSION_APP}/segments/{{segment-id}}/members"),
    "ListStreamDeadLetters": ("GET", f"{_EXTENSION_APP}/streams/dead-letters"),
    "PauseStream": ("POST", f"{_EXTENSION_APP}/streams/pause"),
    "PreviewTemplate": ("POST", f"{_EXTENSION_APP}/templates/preview"),
    "RemoveOptOuts": ("POST", f"{_EXTENSION_APP}/opt-outs/remove"),
    "RemoveStreamDestination": ("POST", f"{_EXTENSION_APP}/streams/remove"),
    "ReplayStream": ("POST", f"{_EXTENSION_APP}/streams/replays"),
    "ReportMessageOutcome": ("POST", f"{_EXTENSION_APP}/messages/{{message-id}}/outcomes"),
    "ResumeStream": ("POST", f"{_EXTENSION_APP}/streams/resume"),
    "RetryStreamDeadLetters": ("POST", f"{_EXTENSION_APP}/streams/dead-letters/retry"),
}


@attrs.frozen
class Route:
    """One operation as the service model declares it.

    Attributes:
        operation: its name.
        method: the HTTP method.
        template: the path with its labels in braces.
        labels: the labels' names, in the order of the path.
        payload: the member that is the body, or "" when there is none.
        status: the HTTP status of success.
        body: what the body of a request looks like.
        answer: what the body of a success looks like.
    """

    operation: str
    method: str
    template: str
    labels: tuple[str, ...]
    payload: str
    status: int
    body: Shape = attrs.field(default=NOTHING, eq=False, repr=False)
    answer: Shape = attrs.field(default=NOTHING, eq=False, repr=False)


@attrs.frozen
class Match:
    """What a method and a path ask for: found once a request, and handed on to all who ask.

    Attributes:
        method: as it was sent.
        segments: the decoded parts of the path; none when the path cannot be decoded.
        by_method: the operations at this path; none when there is no such path.
        values: the decoded values of the path's labels.
        refusal: why the path cannot be decoded, None when it can.
    """

    method: str
    segments: tuple[str, ...] = attrs.field(repr=False)
    by_method: Mapping[str, Route] = attrs.field(repr=False, factory=dict)
    values: tuple[str, ...] = attrs.field(repr=False, default=())
    refusal: ApiError | None = None

    @property
    def route(self) -> Route | None:
        """The operation, None when there is none."""
        return self.by_method.get(self.method)

    @property
    def operation(self) -> str:
        """The operation's name, "" when there is none."""
        route = self.route
        return route.operation if route else ""

    @property
    def is_extension(self) -> bool:
        """Whether the path stands below ours, known to this release or not."""
        return self.segments[:1] == (EXTENSION_SEGMENT,)

    def labels(self, route: Route) -> dict[str, str]:
        """Return the values by the route's own label names."""
        return dict(zip(route.labels, self.values, strict=True))


@attrs.define
class _Node:
    children: dict[str, _Node] = attrs.field(factory=dict)
    label: _Node | None = None
    by_method: dict[str, Route] = attrs.field(factory=dict)

    def add(self, route: Route, template: str) -> None:
        node = self
        for segment in template.split("/")[1:]:
            if segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.children.setdefault(segment, _Node())
        node.by_method[route.method] = route

    def find(
        self, segments: tuple[str, ...], values: tuple[str, ...]
    ) -> tuple[Mapping[str, Route], tuple[str, ...]] | None:
        """Literal segments win; a label never takes an empty segment."""
        if not segments:
            return (self.by_method, values) if self.by_method else None
        head, rest = segments[0], segments[1:]
        child = self.children.get(head)
        found = child.find(rest, values) if child else None
        if found is None and self.label is not None and head:
            found = self.label.find(rest, (*values, head))
        return found


class Routes:
    """All operations, findable by path."""

    def __init__(self, routes: list[Route], statuses: Mapping[str, int]) -> None:
        #: The operations of the service model.
        self.all = tuple(routes)
        #: The extension operations.
        self.extensions = tuple(
            _extension_route(name, *where) for name, where in _EXTENSIONS.items()
        )
        #: HTTP status by exception name, for example 404 for `NotFoundException`.
        self.statuses = dict(statuses)
        self._root = _Node()
        self._depth = 0
        for route in (*routes, *self.extensions):
            for template in filter(None, (route.template, _SIBLINGS.get(route.operation))):
                self._root.add(route, template)
                self._depth = max(self._depth, template.count("/"))

    def resolve(self, method: str, path: str) -> Match:
        """Return what a method and a raw path ask for. Never raises.

        The path is split before it is decoded, so that an id may hold an encoded slash.
        """
        first, *raw = path.split("/", self._depth + 1)
        try:
            segments = (
                tuple(raw)
                if "%" not in path and path.isascii()
                else tuple([_decoded(segment) for segment in raw])
            )
        except ApiError as refusal:
            return Match(method, (), refusal=refusal)
        if first:  # no leading slash
            return Match(method, ())
        found = self._root.find(segments, ()) if len(raw) <= self._depth else None
        return Match(method, segments, *found) if found else Match(method, segments)


def _decoded(segment: str) -> str:
    if "%" not in segment and segment.isascii():
        return segment
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeError:
        raise bad_request("The path is not percent-encoded UTF-8") from None


def _labels(template: str) -> tuple[str, ...]:
    return tuple(part[1:-1] for part in template.split("/") if part.startswith("{"))


def _extension_route(name: str, method: str, template: str) -> Route:
    return Route(name, method, template, _labels(template), payload="", status=200)


@functools.cache
def load() -> Routes:
    """Return the operations of the installed service model; loaded once, on first use."""
    from botocore.loaders import Loader  # noqa: PLC0415 -- heavy, and not needed to import us

    model = Loader().load_service_model("pinpoint", "service-2")
    shapes = model["shapes"]
    known: dict[str, Shape] = {}
    routes = []
    for name, operation in sorted(model["operations"].items()):
        http = operation["http"]
        given = shapes[operation["input"]["shape"]]
        answered = shapes[operation["output"]["shape"]] if "output" in operation else {}
        routes.append(
            Route(
                operation=name,
                method=http["method"],
                template=http["requestUri"],
                labels=_labels(http["requestUri"]),
                payload=given.get("payload", ""),
                status=http["responseCode"],
                body=_payload(given, shapes, known),
                answer=_payload(answered, shapes, known),
            )
        )
    statuses = {
        name: shape["error"]["httpStatusCode"]
        for name, shape in shapes.items()
        if shape.get("exception") and "httpStatusCode" in shape.get("error", {})
    }
    return Routes(routes, statuses)


def _payload(
    wrapper: Mapping[str, Any], shapes: Mapping[str, Any], known: dict[str, Shape]
) -> Shape:
    """Return the shape of the one member that is the body on the wire."""
    if "payload" not in wrapper:
        return NOTHING
    return _shape(wrapper["members"][wrapper["payload"]]["shape"], shapes, known)


#: How long texts may be, by how their members' names end. The service model has no lengths. These
#: are IAM's for the ARN of a role and for an external id (API reference, CreateRole, AssumeRole),
#: S3's for bucket and key (1,024 bytes, percent-encoded), and for names and descriptions, of which
#: many stand on one page, a bound of our own.
_MAX_CHARS = {
    "Arn": 2_048,
    "ExternalId": 1_224,
    "S3Url": 4_096,
    "S3UrlPrefix": 4_096,
    "Name": 512,
    "Description": 4_096,
}


def _bounded(member: str, shape: Shape) -> Shape:
    if shape.kind != "string" or shape.choices:
        return shape
    fitting = (most for end, most in _MAX_CHARS.items() if member.endswith(end))
    return attrs.evolve(shape, max_chars=next(fitting, 0))


def _shape(name: str, shapes: Mapping[str, Any], known: dict[str, Shape]) -> Shape:
    """Return a shape with everything inside of it; the model has no shape inside itself."""
    if name not in known:
        declared = shapes[name]
        item = declared.get("member") or declared.get("value")
        known[name] = Shape(
            kind=declared["type"],
            members={
                member.get("locationName", called): _bounded(
                    called, _shape(member["shape"], shapes, known)
                )
                for called, member in declared.get("members", {}).items()
            },
            required=tuple(declared.get("required", ())),
            item=_shape(item["shape"], shapes, known) if item else None,
            choices=tuple(declared.get("enum", ())),
        )
    return known[name]
