"""`GET /` for a browser: what answers here, and where to go. API clients get the API's own answer.

It shows nothing that is stored, and needs no access.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pinpoint_kit.engine.wire.http import Response
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.server.head import Head
    from pinpoint_kit.server.mounts import Mount

__all__ = ["is_asked_for", "page"]

_CONSOLE = "/console/"
_OPEN = '<p><a href="/console/">Open the console</a>: charts, events, segments and jobs.</p>'
_CLOSED = (
    "<p>The console is not served here: start the server with"
    " <code>pinpoint-kit serve --console</code>, or run <code>pinpoint-kit console --url</code>"
    " with this server's URL.</p>"
)
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pinpoint_kit</title>
</head>
<body>
<main>
<h1>pinpoint_kit {version}</h1>
<p>This server answers the Amazon Pinpoint API: point a client here, in any language, with
<code>AWS_ENDPOINT_URL_PINPOINT</code>.</p>
{console}
<p>Documentation: <code>docs/</code> of the package, and <code>pinpoint-kit --help</code>. Health:
<a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>.</p>
</main>
</body>
</html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}


def is_asked_for(head: Head) -> bool:
    """Whether a browser asks for the first page."""
    return head.method == "GET" and head.path == "/" and "text/html" in head.header("accept")


def page(mounts: Sequence[Mount]) -> Response:
    """Return the page."""
    is_open = any(mount.prefix == _CONSOLE for mount in mounts)
    text = _PAGE.format(version=VERSION, console=_OPEN if is_open else _CLOSED)
    headers = {**_HEADERS, "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(200, headers, text.encode())
