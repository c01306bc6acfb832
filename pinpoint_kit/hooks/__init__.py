"""What campaigns call: a Python function, a Lambda function, a URL.

The operator maps the name, the ARN or the URL that a campaign says to one of these; nothing else is
ever called. What is heavy is loaded by the hook that needs it, when it is opened. Only imports
belong here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.hooks.function import FunctionHook
    from pinpoint_kit.hooks.lambda_function import LambdaHook
    from pinpoint_kit.hooks.opening import open_hook
    from pinpoint_kit.hooks.url import UrlHook
    from pinpoint_kit.records.message import Hook, HookFailed

__all__ = ["FunctionHook", "Hook", "HookFailed", "LambdaHook", "UrlHook", "open_hook"]

_HERE = "pinpoint_kit.hooks"
_CONTRACT = "pinpoint_kit.records.message"
_HOME_OF = {
    "FunctionHook": f"{_HERE}.function",
    "Hook": _CONTRACT,
    "HookFailed": _CONTRACT,
    "LambdaHook": f"{_HERE}.lambda_function",
    "UrlHook": f"{_HERE}.url",
    "open_hook": f"{_HERE}.opening",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
