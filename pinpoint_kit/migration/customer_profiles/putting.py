"""`Putter`: puts profile objects into a domain, ten a call and no faster than it takes them.

What may pass is tried again, object by object; what is refused is said with its code. Which objects
these are, and how far they came, is the business of loading.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import tenacity

from pinpoint_kit.errors import BadRequest, PinpointKitError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["MOST_ITEMS", "Item", "Pace", "Putter"]

#: Of BatchPutProfileObject.
MOST_ITEMS = 10
_TRIES = 6
_FIRST_WAIT_S = 0.08
_LONGEST_WAIT_S = 20.0
_TOO_MANY = 429
_SERVER_ERRORS = 500
_CONCURRENT = "concurrent update in-progress"


@attrs.frozen
class Item:
    """One profile object."""

    line: int
    content: str


class Pace:
    """So many objects a second, evenly; a throttled call slows down what follows.

    Args:
        rate: objects a second at most.
        sleep: waits, in seconds.
        clock: tells seconds.
    """

    def __init__(
        self, rate: float, sleep: Callable[[float], object], clock: Callable[[], float]
    ) -> None:
        self._rate = self._most = rate
        self._sleep = sleep
        self._clock = clock
        self._next = clock()

    def wait(self, objects: int) -> None:
        """Wait for the turn of so many objects."""
        now = self._clock()
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + objects / self._rate

    def slow_down(self) -> None:
        """Take fewer from now on."""
        self._rate = max(self._most / 32, self._rate / 2)

    def speed_up(self) -> None:
        """Come back to the rate that was given."""
        self._rate = min(self._most, self._rate * 1.05)


class Putter:
    """Puts objects into a domain.

    Args:
        client: a boto3 client for `customer-profiles`.
        domain: the name of the domain.
        pace: how fast.
        sleep: waits, in seconds.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 -- botocore's
        domain: str,
        pace: Pace,
        sleep: Callable[[float], object],
    ) -> None:
        self._client = client
        self._domain = domain
        self._pace = pace
        self._sleep = sleep
        self._type_name = ""

    def put_type(self, object_type: Mapping[str, Any]) -> None:
        """Make or update the object type; the objects are of this type from then on."""
        self._type_name = object_type["ObjectTypeName"]
        self._call("put_profile_object_type", DomainName=self._domain, **object_type)

    def put(self, items: Sequence[Item]) -> dict[Item, str]:
        """Put objects, and return for each why it was refused; "" when it was taken."""
        try:
            return self._put_all(items)
        except BadRequest as error:
            if len(items) == 1:
                return {items[0]: error.code or str(error.status)}
        outcomes: dict[Item, str] = {}
        for item in items:  # one of them is refused, and takes the others with it
            outcomes |= self.put([item])
        return outcomes

    def _put_all(self, items: Sequence[Item]) -> dict[Item, str]:
        outcomes: dict[Item, str] = {}
        left = list(items)
        for attempt in range(_TRIES):
            if attempt:
                self._wait(_FIRST_WAIT_S * 2**attempt)
            self._pace.wait(len(left))
            answer = self._call(
                "batch_put_profile_object",
                DomainName=self._domain,
                ObjectTypeName=self._type_name,
                Items=[
                    {"Id": str(index), "Object": each.content} for index, each in enumerate(left)
                ],
            )
            refused = {str(each.get("Id")): each for each in answer.get("Failed") or ()}
            taken = {str(each.get("Id")) for each in answer.get("Successful") or ()}
            again = []
            for index, item in enumerate(left):
                each = refused.get(str(index))
                if each is None and str(index) in taken:
                    outcomes[item] = ""
                    continue
                outcomes[item] = "NoAnswer" if each is None else str(each.get("Code"))
                if each is None or _is_passing(each.get("Code"), each.get("Message")):
                    again.append(item)
            left = again
            if not left:
                self._pace.speed_up()
                break
        return outcomes

    def _call(self, name: str, **params: object) -> Mapping[str, Any]:
        """Call an operation, again and again where that may help."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=self._wait,
            reraise=True,
        )
        return retrying(self._once, name, params)

    def _wait(self, seconds: float) -> None:
        self._pace.slow_down()
        self._sleep(seconds)

    def _once(self, name: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        from pinpoint_kit.transport.translation import translating  # noqa: PLC0415 -- loads botocore

        with translating("".join(word.capitalize() for word in name.split("_"))):
            answer: Mapping[str, Any] = getattr(self._client, name)(**params)
        return answer


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, ServiceError) and _CONCURRENT in error.message:
        return True
    return isinstance(error, PinpointKitError) and error.is_retryable


def _is_passing(code: object, message: object) -> bool:
    """Whether an object that was refused may be taken later."""
    is_later = isinstance(code, int) and (code == _TOO_MANY or code >= _SERVER_ERRORS)
    return is_later or _CONCURRENT in str(message)
