"""`Pages`: templates to HTML, and the two files that go with them. Everything is escaped."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from pinpoint_kit.analytics import charts
from pinpoint_kit.server.console.view import NAMES, RANGES

if TYPE_CHECKING:
    from starlette.requests import Request


__all__ = ["MENU", "Pages"]

_HERE = Path(__file__).parent
_STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
#: Marks that change the direction of the text behind them, and control characters.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
#: A page's path, its name in the menu, and whether it shows personal data.
MENU = (
    ("overview", "Overview", False),
    ("usage", "Usage", False),
    ("revenue", "Revenue", False),
    ("events", "Events", False),
    ("sign-ins", "Sign-ins", False),
    ("demographics", "Demographics", False),
    ("retention", "Retention", False),
    ("funnels", "Funnels", False),
    ("segments", "Segments", True),
    ("campaigns", "Campaigns", True),
    ("outbox", "Outbox", True),
    ("opt-outs", "Opt-outs", True),
    ("jobs", "Jobs", True),
    ("streams", "Streams", True),
    ("live", "Live", True),
    ("person", "People", True),
)
_RATES = frozenset({"rate", "share", "step_rate"})


class Pages:
    """Makes the answers of one console.

    Args:
        prefix: its path.
        place: what it reads, for people.
    """

    def __init__(self, prefix: str, place: str) -> None:
        self._static = {name: (_HERE / "static" / name).read_bytes() for name in _STATIC}
        digest = hashlib.sha256(b"".join(self._static.values())).hexdigest()[:12]
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.finalize = _shown
        self._environment.filters |= {
            "path": _path,
            "number": _number,
            "cell": _cell,
            "percent": _percent,
        }
        self._environment.globals |= {
            "prefix": prefix,
            "place": place,
            "menu": MENU,
            "names": NAMES,
            "ranges": RANGES,
            "version": digest,
            "visitor": None,
            "application_id": "",
            "application_name": "",
            "active": "",
        }

    def text(self, template: str, **context: object) -> str:
        """Make HTML."""
        return self._environment.get_template(template).render(**context)

    def page(self, template: str, status: int = 200, **context: object) -> HTMLResponse:
        """Make an answer."""
        return HTMLResponse(self.text(template, **context), status)

    def problem(self, status: int, title: str, advice: str, **context: object) -> HTMLResponse:
        """Make an answer that says what is wrong, and what to do next.

        Args:
            status: the status.
            title: what is wrong.
            advice: what to do next.
            **context: what every page of a visit shows; nothing of a stranger's.
        """
        response = self.page("problem.html", status, title=title, advice=advice, **context)
        if status == 503:  # noqa: PLR2004 -- HTTP
            response.headers["Retry-After"] = "5"
        return response

    async def static(self, request: Request) -> Response:
        """Answer with one of the files; its URL changes when it does."""
        name = request.path_params["name"]
        if name not in _STATIC:
            return self.problem(404, "No such file", "Load the page again.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._static[name], media_type=_STATIC[name], headers=headers)


def _shown(value: object) -> object:
    """Show a value as text; text without the marks that would turn what stands beside it."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.timezone.utc):%Y-%m-%d %H:%M:%S}"
    if type(value) is str:
        return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _path(value: str) -> str:
    """Write a text as one part of a path."""
    return quote(value, safe="")


def _number(value: float | Decimal | None) -> str:
    return charts.format_number(value)


def _percent(value: float | None) -> str:
    return charts.format_number(value, unit="%")


def _cell(value: object, name: str, unit: str) -> str:
    """Write a cell of a chart's table; a text that comes from outside keeps its direction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "—"
    if isinstance(value, (int, float, Decimal)):
        is_rate = name in _RATES or (name == "value" and unit in {"ratio", "rate"})
        return charts.format_number(value, unit="%" if is_rate else "")
    if isinstance(value, str):
        return Markup("<bdi>{}</bdi>").format(_shown(value))
    return str(value)
