"""The console: an application's numbers and audience as pages for a browser.

It is given what reads (`Source`) and asks as every client does: there is no SQL here and nothing
of the engine. Starlette and Jinja2 come with the extra `console`; only imports belong here.
"""

try:
    from pinpoint_kit.server.console.app import PREFIX, Console
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"jinja2", "starlette"}:
        raise
    raise ModuleNotFoundError(
        "the console needs starlette and jinja2: pip install 'pinpoint-kit[console]'",
        name=error.name,
    ) from None
from pinpoint_kit.server.console.sessions import Sessions
from pinpoint_kit.server.console.source import Source

__all__ = ["PREFIX", "Console", "Sessions", "Source"]
