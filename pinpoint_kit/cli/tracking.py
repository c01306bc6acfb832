"""Openings and clicks of e-mail beside a server: what is sent has links, and they are answered.

Only the joining is here: what an address is, and what it answers, belongs to `messaging`.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from pinpoint_kit.doors import open_transports
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.messaging import (
    TRACKING_PREFIX,
    Links,
    TrackedEmail,
    Transport,
    tracking_app,
    tracking_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.messaging import Link
    from pinpoint_kit.records.message import Channel
    from pinpoint_kit.server.mounts import Mount

__all__ = ["links_of", "open_tracked_transports", "open_tracking"]

_OUTCOMES = {"open": "opened", "click": "clicked"}


def links_of(
    transports: Mapping[str, str],
    *,
    public_url: str | None,
    key: Path | None,
    database: Path | None,
) -> Links:
    """Return what makes the links of a server.

    Args:
        transports: the URLs of transports by channel.
        public_url: what the server's address is for recipients.
        key: the file of the key; beside the database unless given.
        database: the file of the database, if it is one.

    Raises:
        ConfigurationError: something is missing, or the key's file is not private.
    """
    if public_url is None:
        raise ConfigurationError(
            "--track-opens-and-clicks needs --public-url, the server's address for recipients"
        )
    if not any(channel.upper() == "EMAIL" for channel in transports):
        raise ConfigurationError(
            "--track-opens-and-clicks is for e-mail that is sent: add --transport EMAIL=smtp://..."
        )
    path = key or (database and database.with_name(f"{database.name}.tracking-key"))
    if path is None:
        raise ConfigurationError(
            "--track-opens-and-clicks needs --tracking-key FILE, which is made if there is none"
        )
    return Links(public_url, tracking_key(path))


def open_tracked_transports(given: Mapping[str, str], links: Links) -> dict[Channel, Transport]:
    """Open transports, with tracked links in e-mail.

    Raises:
        ConfigurationError: one cannot be opened.
    """
    opened = open_transports(given)
    opened["EMAIL"] = TrackedEmail(opened["EMAIL"], links)
    return opened


def open_tracking(links: Links, engine: Engine) -> Mount:
    """Return the app that answers links and reports to an engine."""
    from pinpoint_kit.server.mounts import Mount  # noqa: PLC0415 -- an extra

    app = tracking_app(links, _Reporting(engine))
    return Mount(TRACKING_PREFIX, "TrackedLink", app, 0, lambda: None)


class _Reporting:
    """Reports to an engine, on a thread; a message that is gone is nobody's fault."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def __call__(self, kind: str, link: Link, agent: str) -> None:
        """Report an opening or a click."""
        from pinpoint_kit.engine import Request  # noqa: PLC0415 -- loads SQLAlchemy

        body: dict[str, str] = {"Outcome": _OUTCOMES[kind], "UserAgent": agent}
        if link.url:
            body["Link"] = link.url
        request = Request(
            method="POST",
            path=(
                f"/pinpoint-kit/v1/apps/{quote(link.application_id, safe='')}/messages/"
                f"{quote(link.message_id, safe='')}/outcomes"
            ),
            query="",
            headers={},
            body=orjson.dumps({name: value for name, value in body.items() if value}),
        )
        await asyncio.to_thread(functools.partial(self.engine.handle, request))
