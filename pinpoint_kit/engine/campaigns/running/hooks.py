"""The functions that campaigns call: which one a name means, what it is sent, what it answers.

A function is found among those that the operator has given, and nowhere else: a stored name never
opens a connection. Calls are made outside of transactions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

import attrs
import orjson

from pinpoint_kit.engine.campaigns.definition import Members
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.records.message import Hook, HookFailed

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["MOST_ENDPOINTS", "Called", "find", "names_of", "target_of"]

#: Endpoints by their ids, as a hook gives them back.
_Answer: TypeAlias = Mapping[str, Mapping[str, object]]

_logger = logging.getLogger(__name__)

#: Endpoints of one call, seconds that it may take, and how often it is tried: Developer Guide,
#: "Customizing segments with AWS Lambda".
MOST_ENDPOINTS, TIMEOUT_S, ATTEMPTS = 50, 15.0, 3
#: What Lambda takes of one call.
_MAX_PAYLOAD_BYTES = 6_000_000
#: Members of an endpoint that are objects.
_OBJECTS = frozenset({"Attributes", "Demographic", "Location", "Metrics", "User"})
_ARN = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:([^:]+)(?::[^:]+)?")


def target_of(hook: Members) -> str:
    """Return what a CampaignHook names: a function's name or ARN, or a URL."""
    return cast("str", hook.get("WebUrl") or hook.get("LambdaFunctionName") or "")


def find(hooks: Mapping[str, Hook], target: str) -> Hook | None:
    """Return the hook that the operator has given for a name, an ARN or a URL, None without one.

    A function is known by its whole ARN, and by its name on either side.
    """
    if target in hooks:
        return hooks[target]
    name = _name(target)
    return next((hook for known, hook in hooks.items() if _name(known) == name), None)


def _name(target: str) -> str:
    match = _ARN.fullmatch(target)
    return match[1] if match else target


@attrs.frozen
class Called:
    """A hook, and what each call of a run tells it.

    Attributes:
        hook: what is called.
        head: the members that all calls of the run have.
    """

    hook: Hook
    head: Members = attrs.field(repr=False)

    @classmethod
    def to_filter(cls, hook: Hook, names: Members, messages: Members) -> Called:
        """Return the hook of a segment's endpoints, which may change them or leave some out."""
        return cls(hook, {"MessageConfiguration": messages, **names})

    @classmethod
    def to_deliver(cls, hook: Hook, names: Members, messages: Members) -> Called:
        """Return the hook of 2018 that delivers: samples read `Message`, in small letters."""
        message = _lowered(messages)
        return cls(hook, {"MessageConfiguration": messages, "Message": message, **names})

    @classmethod
    def to_custom(cls, hook: Hook, names: Members, data: str) -> Called:
        """Return the function of a custom channel."""
        return cls(hook, {"Message": {}, "Data": data, **names})

    def filter(self, endpoints: Members) -> Mapping[str, Mapping[str, object]] | None:
        """Return the endpoints that it leaves, as it has changed them; None when it has failed.

        Args:
            endpoints: each as GetEndpoint shows it, by its id, 50 at most.
        """
        return self._tried(endpoints, _endpoints_of)

    def deliver(self, endpoints: Members) -> bool:
        """Have it deliver to endpoints, as `filter`; return whether it has answered."""
        return self._tried(endpoints, lambda _: {}) is not None

    def _tried(self, endpoints: Members, read: Callable[[bytes], _Answer]) -> _Answer | None:
        payload = orjson.dumps({**self.head, "Endpoints": endpoints})
        if len(payload) > _MAX_PAYLOAD_BYTES:
            _logger.warning("the call of %s would be %d bytes long", self.hook.name, len(payload))
            return None
        for _ in range(ATTEMPTS):
            answer, why = self._once(payload, read)
            if answer is not None:
                return answer
        _logger.warning("%s failed %d times, last: %s", self.hook.name, ATTEMPTS, why)
        return None

    def _once(self, payload: bytes, read: Callable[[bytes], _Answer]) -> tuple[_Answer | None, str]:
        """Return the answer of one call, or why there is none."""
        try:
            return read(self.hook.call(payload, TIMEOUT_S)), ""
        except HookFailed as failed:
            return None, str(failed)
        except ValueError:
            return None, "the answer is not a map of endpoints"
        except Exception as error:  # noqa: BLE001 -- the operator's own code
            return None, f"it raised {type(error).__name__}"


def names_of(
    application_id: str, campaign_id: str, activity_id: str, treatment: int, scheduled: int
) -> Members:
    """Return the members that name a run."""
    return {
        "ApplicationId": application_id,
        "CampaignId": campaign_id,
        "TreatmentId": str(treatment),
        "ActivityId": activity_id,
        "ScheduledTime": instants.from_ms(scheduled),
    }


def _endpoints_of(answer: bytes) -> Mapping[str, Mapping[str, object]]:
    """Return the endpoints of an answer; numbers in lists of attributes become texts.

    Raises:
        ValueError: it is no map of endpoints.
    """
    found = orjson.loads(answer)
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise ValueError
    return {key: _read_endpoint(endpoint) for key, endpoint in found.items()}


def _read_endpoint(endpoint: dict[str, object]) -> Mapping[str, object]:
    """Return an endpoint of an answer as GetEndpoint would show it.

    Raises:
        ValueError: a member is not of its kind.
    """
    shown = {name: value for name, value in endpoint.items() if value is not None}
    for name in _OBJECTS & shown.keys():
        shown[name] = _object(shown[name])
    if "Attributes" in shown:
        shown["Attributes"] = _lists(shown["Attributes"])
    if "User" in shown:
        user = cast("dict[str, object]", shown["User"])
        own = {"UserAttributes": _lists(user["UserAttributes"])} if "UserAttributes" in user else {}
        if isinstance(user.get("UserId"), (dict, list)):
            raise ValueError
        known = {"UserId": _texts(user["UserId"])[0]} if "UserId" in user else {}
        shown["User"] = {**user, **known, **own}
    return shown


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 -- an answer of the wrong kind, as any other
    return {name: member for name, member in value.items() if member is not None}


def _lists(value: object) -> dict[str, list[str]]:
    return {name: _texts(values) for name, values in _object(value).items()}


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each if isinstance(each, str) else orjson.dumps(each).decode() for each in values]


def _lowered(value: object) -> object:
    if isinstance(value, dict):
        return {name.lower(): _lowered(member) for name, member in value.items()}
    return value
