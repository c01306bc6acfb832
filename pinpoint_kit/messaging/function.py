"""`FunctionTransport`: a Python function takes each message."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, TypeAlias, cast

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.message import NotSent, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["Answer", "FunctionTransport", "function_of"]

#: What such a function may return: nothing, a text for the sender, or an outcome.
Answer: TypeAlias = "Sent | NotSent | str | None"
_MOST_MESSAGES = 100
_FUNCTION = re.compile(r"python:(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)")


class FunctionTransport:
    """Hands each message to a Python function, one after the other.

    The function gets an `OutgoingMessage`. It returns None or a text for the sender when the
    message was taken, or `Sent` or `NotSent`. An exception counts as a temporary failure; its text
    is not shown. It runs on the engine's thread, where nobody can stop it: give what it does a
    timeout of its own.

    Args:
        function: what takes a message.
        name: what status and logs call it; the function's own name unless given.

    Raises:
        ConfigurationError: it cannot be called.

    Examples:
        >>> taken = []
        >>> FunctionTransport(taken.append, name="list").name
        'python:list'
    """

    def __init__(
        self, function: Callable[[OutgoingMessage], Answer], *, name: str | None = None
    ) -> None:
        if not callable(function):
            raise ConfigurationError(
                f"{type(function).__name__} cannot be called: give a function of one message"
            )
        self._function = function
        self._name = f"python:{name or getattr(function, '__qualname__', type(function).__name__)}"

    def __repr__(self) -> str:
        return f"<FunctionTransport {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it."""
        return self._name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return _MOST_MESSAGES

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Hand messages over, and say of each what became of it, in their order."""
        return [self._one(message) for message in messages]

    def close(self) -> None:
        """Do nothing: the function is its owner's."""

    def _one(self, message: OutgoingMessage) -> Sent | NotSent:
        try:
            answer = self._function(message)
        except Exception as error:  # noqa: BLE001 -- whatever somebody's function raises
            return NotSent(f"{self._name}: {type(error).__name__}")
        if isinstance(answer, Sent | NotSent):
            return answer
        return Sent(answer if isinstance(answer, str) else "")


def function_of(text: str) -> Callable[..., object]:
    """Import the function that `python:MODULE:FUNCTION` names.

    Raises:
        ConfigurationError: it is not of this form, or there is no such module or function.
    """
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise ConfigurationError("not the name of a function: write python:MODULE:FUNCTION")
    try:
        found: object = importlib.import_module(match["module"])
        for name in match["name"].split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{text} cannot be imported ({type(error).__name__}): name a function of a module on"
            " Python's path"
        ) from error
    if not callable(found):
        raise ConfigurationError(f"{text} cannot be called: name a function")
    return cast("Callable[..., object]", found)
