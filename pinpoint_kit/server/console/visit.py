"""`Visit`: one request of somebody who has come in, as the pages see it."""

# ruff: noqa: TC004 -- no model: nothing resolves its types at run time
from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
import attrs

from pinpoint_kit.errors import PinpointKitError
from pinpoint_kit.server.console.answers import KEPT_S, VERSION_S
from pinpoint_kit.server.console.view import LONGEST_ID, View, parameter

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.server.console.answers import Answers
    from pinpoint_kit.server.console.rendering import Pages
    from pinpoint_kit.server.console.source import Visitor

__all__ = ["Visit"]

R = TypeVar("R")


@attrs.frozen(kw_only=True)
class Visit:
    """One request.

    Attributes:
        request: the request.
        visitor: who asks.
        form: what a form has brought; its token is checked.
        now: when that is.
        pages: what makes HTML.
        answers: what was asked a moment ago.
        application_id: the application, "" for none.
        application_name: its name.
        opened: its client.
    """

    request: Request
    visitor: Visitor
    form: Mapping[str, str]
    now: dt.datetime
    pages: Pages
    answers: Answers
    application_id: str
    application_name: str
    opened: Pinpoint | None

    @property
    def pinpoint(self) -> Pinpoint:
        """The client of the application."""
        if self.opened is None:
            raise LookupError("a page without an application asks for one")
        return self.opened

    def view(self, own: Sequence[str] = ()) -> View:
        """Return what the URL asks for.

        Raises:
            ValidationError: it is not possible.
        """
        return View.parse(self.request.query_params, self.now, own)

    def parameter(self, name: str) -> str:
        """Return a parameter of the URL, without blanks around it; "" when there is none.

        Raises:
            ValidationError: it is too long, holds what no text can, or there are several of it.
        """
        return parameter(self.request.query_params, name).strip()

    def id_parameter(self, name: str) -> str:
        """Return a parameter of the URL that is an id or the mark of a place; "" for none.

        Raises:
            ValidationError: as `parameter`; it may be longer.
        """
        return parameter(self.request.query_params, name, LONGEST_ID).strip()

    def field(self, name: str) -> str:
        """Return a field of the form, "" when there is none."""
        return self.form.get(name, "").strip()

    async def run(self, ask: Callable[[], R]) -> R:
        """Look something up, in a thread."""
        return await anyio.to_thread.run_sync(ask)

    async def counted(self, key: Hashable, ask: Callable[[], R]) -> R:
        """Count something that takes long: from a moment ago, or in the queue.

        Raises:
            QueueFullError: too many others wait.
        """
        version = await self.version()
        whole = (self.application_id, self.visitor.scope, self.now.date(), version, key)
        return await self.answers.get(whole, ask, kept_s=KEPT_S if version else VERSION_S)

    async def version(self) -> str:
        """Return what changes when an event arrives; "" for those who may not see events."""
        if not self.visitor.sees_people:
            return ""
        key = ("version", self.application_id, self.visitor.scope)
        return await self.answers.get(key, self._newest, kept_s=VERSION_S, is_short=True)

    def _newest(self) -> str:
        tail = self.pinpoint.events.tail()
        try:
            tail.arrived()
        except PinpointKitError:
            return ""  # what is wrong is said where a number is asked for
        return tail.mark or ""

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """Make a page."""
        return self.pages.page(template, status, **self.context(context))

    def context(self, context: dict[str, object]) -> dict[str, object]:
        """Return what every page of this visit shows, and its own."""
        return {
            "visitor": self.visitor,
            "application_id": self.application_id,
            "application_name": self.application_name,
            **context,
        }
