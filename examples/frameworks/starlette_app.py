"""Starlette: one client for the life of the application, awaited where an answer is needed.

    PINPOINT_KIT_URL=http://127.0.0.1:8080 uvicorn starlette_app:app --workers 2

Connect in the lifespan, which runs once in each worker, and close there. What it yields is the
state of every request.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, pk.AsyncPinpoint]]:
    """Connect before the first request, and close after the last one."""
    async with pk.connect_async(application="shop") as pinpoint:
        yield {"pinpoint": pinpoint}


async def sign_in(request: Request) -> JSONResponse:
    """Record a sign-in; this returns at once, whether the server runs or not."""
    pinpoint: pk.AsyncPinpoint = request.state.pinpoint
    event_id = pinpoint.auth.sign_in(request.path_params["device"])
    return JSONResponse({"event_id": event_id}, status_code=202)


async def read_device(request: Request) -> JSONResponse:
    """Look an endpoint up; other requests are answered meanwhile."""
    pinpoint: pk.AsyncPinpoint = request.state.pinpoint
    try:
        endpoint = await pinpoint.endpoints.get(request.path_params["device"])
    except pk.errors.NotFound:
        raise HTTPException(404, "no such device") from None
    return JSONResponse({"id": endpoint.id})


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/sign-ins/{device}", sign_in, methods=["POST"]),
        Route("/devices/{device}", read_device),
    ],
)
