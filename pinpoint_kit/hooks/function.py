"""`FunctionHook`: a Python function in this process, written like a handler of AWS Lambda."""

from __future__ import annotations

import inspect
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.hooks.payloads import check_answer, check_payload
from pinpoint_kit.records.message import HookFailed

__all__ = ["FunctionContext", "FunctionHook"]

_HANDLER = 2  # a handler takes an event and a context


@attrs.frozen(kw_only=True)
class FunctionContext:
    """What a handler of Lambda gets as its context, as far as there is something to say here.

    Attributes:
        function_name: the hook's name.
        aws_request_id: a new UUID for each call.
        function_version: always `$LATEST`.
        memory_limit_in_mb: always `128`; nothing is limited.
        invoked_function_arn: the hook's name.
    """

    function_name: str
    aws_request_id: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    invoked_function_arn: str = ""
    _until: float = attrs.field(alias="until", repr=False)
    _clock: Callable[[], float] = attrs.field(alias="clock", repr=False)

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still take, in milliseconds."""
        return max(0, int((self._until - self._clock()) * 1000))


class FunctionHook:
    """Calls a Python function with the event, or with event and context as Lambda does.

    The event is what the service sends to a function, parsed; what it returns becomes JSON. A
    function that takes longer than a call may has failed, but only when it ends: nobody can stop
    it, and until then other runs of campaigns wait. Give what it does a timeout of its own.

    Args:
        function: takes `event`, or `event, context`.
        name: what logs call it; the function's own name unless given.
        clock: returns seconds that only rise.

    Raises:
        ConfigurationError: it cannot be called, takes no argument or more than two, or is `async`.

    Examples:
        >>> def keep_all(event, context):
        ...     return event["Endpoints"]
        >>> FunctionHook(keep_all).call(b'{"Endpoints": {"device-1": {}}}', 15.0)
        b'{"device-1":{}}'
    """

    def __init__(
        self,
        function: Callable[..., object],
        *,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not callable(function):
            raise ConfigurationError(
                f"{type(function).__name__} cannot be called: give a function of event and context"
            )
        self._name = f"python:{name or getattr(function, '__qualname__', type(function).__name__)}"
        if inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"{self._name} is async: give an ordinary function")
        self._has_context = _takes(function, self._name) >= _HANDLER
        self._function = function
        self._clock = clock

    def __repr__(self) -> str:
        return f"<FunctionHook {self._name}>"

    @property
    def name(self) -> str:
        """What logs call it."""
        return self._name

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Return the function's answer to one call.

        Args:
            payload: JSON in UTF-8.
            timeout: how long it may take, in seconds.

        Raises:
            HookFailed: it took longer, raised something, or returned what is no JSON.
        """
        check_payload(self._name, payload)
        began = self._clock()
        arguments: list[Any] = [json.loads(payload)]
        if self._has_context:
            arguments.append(
                FunctionContext(
                    function_name=self._name,
                    aws_request_id=str(uuid.uuid4()),
                    invoked_function_arn=self._name,
                    until=began + timeout,
                    clock=self._clock,
                )
            )
        try:
            answer = self._function(*arguments)
        except (Exception, SystemExit) as error:  # whatever somebody's function raises
            raise HookFailed(f"{self._name}: raised {type(error).__name__}") from error
        taken = self._clock() - began
        if taken > timeout:
            raise HookFailed(f"{self._name}: took {taken:.1f} seconds; a call may take {timeout:g}")
        try:
            text = json.dumps(answer, allow_nan=False, separators=(",", ":"))
            content = text.encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise HookFailed(
                f"{self._name}: returned what is no JSON ({type(error).__name__})"
            ) from error
        return check_answer(self._name, content)

    def close(self) -> None:
        """Do nothing: the function is its owner's."""


def _takes(function: Callable[..., object], name: str) -> int:
    """Return how many arguments a function is given: one, or two."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin that does not say
        return 1
    for count in (_HANDLER, 1):
        try:
            signature.bind(*range(count))
        except TypeError:
            continue
        return count
    raise ConfigurationError(
        f"{name} takes neither event nor event and context: give one that does"
    )
