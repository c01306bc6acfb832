"""For functions that are frozen between two calls, as on AWS Lambda: deliver before each return.

A handler stays the kind of function that it is: a plain one, a coroutine, a generator or an
asynchronous generator. Which of them it is matters here only. Nothing here queues or sends.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from typing import (
    TYPE_CHECKING,
    Any,
    NamedTuple,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    runtime_checkable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

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
    """Decorate a handler so that every invocation flushes before it ends, also by an error.

    A frozen process delivers nothing, and may never be woken up again. The flush takes at most
    `timeout` seconds, and never more than AWS Lambda's own context says is left. What did not
    make it stays pending for the next invocation, and is logged.

    A coroutine or an asynchronous generator flushes on a thread, so that the event loop goes on;
    a generator flushes when it is exhausted or closed.
    """

    def decorate(handler: Callable[P, R]) -> Callable[P, R]:
        # An object with an asynchronous `__call__` is such a handler too.
        looked_at = handler, type(handler).__call__
        wrap = next((kind.wrap for kind in _KINDS if any(map(kind.is_function, looked_at))), _plain)
        return cast("Callable[P, R]", functools.wraps(handler)(wrap(handler, client, timeout)))

    return decorate


def _plain(
    handler: Callable[..., object], client: _Flushes, timeout: float
) -> Callable[..., object]:
    def invoke(*args: object, **kwargs: object) -> object:
        is_over = True
        try:
            result = handler(*args, **kwargs)
            # Another decorator may hide what kind of function the handler is.
            wrap = next((kind.wrap for kind in _KINDS if kind.is_result(result)), None)
            if wrap is None:
                return result
            is_over = False
            return wrap(lambda *_, **__: result, client, timeout)(*args, **kwargs)
        finally:
            if is_over:
                _flush(client, _allowed(timeout, args))

    return invoke


def _coroutine(
    handler: Callable[..., Any], client: _Flushes, timeout: float
) -> Callable[..., object]:
    async def invoke(*args: object, **kwargs: object) -> object:
        try:
            return await handler(*args, **kwargs)
        finally:
            await _flush_beside(client, _allowed(timeout, args))

    return invoke


def _generator(
    handler: Callable[..., Any], client: _Flushes, timeout: float
) -> Callable[..., object]:
    def invoke(*args: object, **kwargs: object) -> Generator[object, object, object]:
        try:
            return (yield from handler(*args, **kwargs))
        finally:
            _flush(client, _allowed(timeout, args))

    return invoke


def _async_generator(
    handler: Callable[..., Any], client: _Flushes, timeout: float
) -> Callable[..., object]:
    async def invoke(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        """Return what `yield from` would be, which asynchronous generators do not have."""
        work: AsyncGenerator[object, object] = handler(*args, **kwargs)
        try:
            step = work.asend(None)
            while True:
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    await work.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 -- it is the handler's
                    step = work.athrow(error)
                else:
                    step = work.asend(sent)
        finally:
            await _flush_beside(client, _allowed(timeout, args))

    return invoke


class _Kind(NamedTuple):
    is_function: Callable[[object], bool]
    is_result: Callable[[object], bool]
    wrap: Callable[[Callable[..., Any], _Flushes, float], Callable[..., object]]


_KINDS = (
    _Kind(inspect.iscoroutinefunction, inspect.iscoroutine, _coroutine),
    _Kind(inspect.isgeneratorfunction, inspect.isgenerator, _generator),
    _Kind(inspect.isasyncgenfunction, inspect.isasyncgen, _async_generator),
)


def _flush(client: _Flushes, timeout: float) -> None:
    report = client.flush(timeout)
    if report.pending:
        logging.getLogger("pinpoint_kit.delivery").warning(
            "the invocation ends with %d event(s) pending; the next one, if there is one,"
            " delivers them",
            report.pending,
        )


async def _flush_beside(client: _Flushes, timeout: float) -> None:
    """Flush without holding up the event loop; one of another library than asyncio has to wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        _flush(client, timeout)
    else:
        await asyncio.to_thread(_flush, client, timeout)


def _allowed(timeout: float, args: tuple[object, ...]) -> float:
    left = [
        argument.get_remaining_time_in_millis() / 1000 - _RESERVE
        for argument in args
        if isinstance(argument, _LambdaContext)
    ]
    return max(0.0, min([timeout, *left]))
