"""FastAPI: one client for the life of the application, awaited where an answer is needed.

    PINPOINT_KIT_URL=http://127.0.0.1:8080 uvicorn fastapi_app:app --workers 2

Connect in the lifespan, which runs once in each worker, and close there: leaving `async with`
delivers what was recorded, for at most 5 seconds.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect before the first request, and close after the last one."""
    async with pk.connect_async(application="shop") as app.state.pinpoint:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/sign-ins/{device}", status_code=202)
async def sign_in(device: str, request: Request) -> dict[str, str]:
    """Record a sign-in; this returns at once, whether the server runs or not."""
    pinpoint: pk.AsyncPinpoint = request.app.state.pinpoint
    return {"event_id": pinpoint.auth.sign_in(device)}


@app.get("/devices/{device}")
async def read_device(device: str, request: Request) -> dict[str, str | None]:
    """Look an endpoint up; other requests are answered meanwhile."""
    pinpoint: pk.AsyncPinpoint = request.app.state.pinpoint
    try:
        endpoint = await pinpoint.endpoints.get(device)
    except pk.errors.NotFound:
        raise HTTPException(404, "no such device") from None
    return {"id": endpoint.id}
