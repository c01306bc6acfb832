"""Flask, under gunicorn or uWSGI: one client, connected when the application is imported.

    PINPOINT_KIT_URL=http://127.0.0.1:8080 gunicorn flask_app:app --workers 2 --preload
    PINPOINT_KIT_URL=http://127.0.0.1:8080 uwsgi --http :8000 --module flask_app:app \
        --master --processes 2 --enable-threads \
        --hook-master-start "unix_signal:15 gracefully_kill_them_all"

The servers may fork before or after the import: each worker delivers what it has recorded. Flask
has no hook for the end of a process, so close with `atexit`. uWSGI needs `--enable-threads`:
without it, no thread of Python's runs between two requests, and the client's are such threads. The
hook lets a request end before its worker does; without it, a worker that SIGTERM meets in the
middle of a request ends without `atexit`.
"""

from __future__ import annotations

import atexit

from flask import Flask, abort

import pinpoint_kit as pk

pinpoint = pk.connect(application="shop")
atexit.register(pinpoint.close)

app = Flask(__name__)


@app.post("/sign-ins/<device>")
def sign_in(device: str) -> tuple[dict[str, str], int]:
    """Record a sign-in; this returns at once, whether the server runs or not."""
    return {"event_id": pinpoint.auth.sign_in(device)}, 202


@app.get("/devices/<device>")
def read_device(device: str) -> dict[str, str | None]:
    """Look an endpoint up, and wait for the answer."""
    try:
        return {"id": pinpoint.endpoints.get(device).id}
    except pk.errors.NotFound:
        abort(404)
