"""Django, under WSGI and ASGI: one client for views of both kinds.

    PINPOINT_KIT_URL=http://127.0.0.1:8080 gunicorn django_site:application --workers 2
    PINPOINT_KIT_URL=http://127.0.0.1:8080 uvicorn django_site:asgi_application

Connect when a module of yours is imported, for example `shop/pinpoint.py`: a fork afterwards does
no harm. Django has no hook for the end of a process. Under WSGI, close with `atexit`. ASGI servers
may end without it (uvicorn dies of the SIGTERM that stopped it), so answer their lifespan protocol,
which Django itself does not, and close there. In a project of several files, settings and URLs
stand where they always do.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import Http404, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    from django.http import HttpRequest

    Message = MutableMapping[str, Any]

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
)

pinpoint = pk.connect(application="shop")
atexit.register(pinpoint.close)
awaited = pk.AsyncPinpoint(pinpoint)  # the same client, for asynchronous views


@require_POST
def sign_in(_: HttpRequest, device: str) -> JsonResponse:
    """Record a sign-in; this returns at once, whether the server runs or not."""
    return JsonResponse({"event_id": pinpoint.auth.sign_in(device)}, status=202)


@require_GET
async def read_device(_: HttpRequest, device: str) -> JsonResponse:
    """Look an endpoint up; under ASGI, other requests are answered meanwhile."""
    try:
        endpoint = await awaited.endpoints.get(device)
    except pk.errors.NotFound:
        raise Http404 from None
    return JsonResponse({"id": endpoint.id})


urlpatterns = [path("sign-ins/<device>", sign_in), path("devices/<device>", read_device)]

application = get_wsgi_application()
_django = get_asgi_application()


async def asgi_application(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Serve requests by Django, and close when the server says that it ends."""
    if scope["type"] != "lifespan":
        await _django(scope, receive, send)
        return
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await awaited.close()
    await asyncio.to_thread(pinpoint.close)
    await send({"type": "lifespan.shutdown.complete"})
