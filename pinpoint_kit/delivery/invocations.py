"""For functions that are frozen between two calls, as on AWS Lambda: deliver before each return."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.delivery.report import DeliveryReport

__all__ = ["flush_per_invocation"]

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds of an invocation that are left to its caller, for the answer to go out.
_RESERVE = 0.2


class _Flushes(Protocol):
    def flush(self, timeout: float) -> DeliveryReport: ...


@runtime_checkable
class _LambdaContext(Protocol):
    """What AWS Lambda hands to a handler as its second argument."""

    def get_remaining_time_in_millis(self) -> int: ...


def flush_per_invocation(
    client: _Flushes, timeout: float
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a handler so that every invocation flushes before it returns or raises.

    A frozen process delivers nothing, and may never be woken up again. The flush takes at most
    `timeout` seconds, and never more than AWS Lambda's own context says is left. What did not
    make it stays pending for the next invocation, and is logged.
    """

    def decorate(handler: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(handler)
        def invoke(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return handler(*args, **kwargs)
            finally:
                report = client.flush(_allowed(timeout, args))
                if report.pending:
                    logging.getLogger("pinpoint_kit.delivery").warning(
                        "the invocation ends with %d event(s) pending; the next one, if there"
                        " is one, delivers them",
                        report.pending,
                    )

        return invoke

    return decorate


def _allowed(timeout: float, args: tuple[object, ...]) -> float:
    left = [
        argument.get_remaining_time_in_millis() / 1000 - _RESERVE
        for argument in args
        if isinstance(argument, _LambdaContext)
    ]
    return max(0.0, min([timeout, *left]))
