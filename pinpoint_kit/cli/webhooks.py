"""The webhooks of identity providers beside a server: its engine, behind the public API.

Only the joining is here: what the file means and what is answered belongs to `identity`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pinpoint_kit as pk
from pinpoint_kit import identity
from pinpoint_kit.doors import client_of
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.server.mounts import Mount

__all__ = ["open_webhooks", "received"]

_MAX_BODY_BYTES = 5_000_000


def received(file: Path) -> identity.WebhookSettings:
    """Read a file of webhooks.

    Raises:
        ConfigurationError: the file is wrong, or the extra `identity` is not installed.
    """
    try:
        import starlette  # noqa: F401, PLC0415 -- an extra
    except ModuleNotFoundError:
        raise ConfigurationError(
            "starlette is missing, which receives webhooks: pip install 'pinpoint-kit[identity]'"
        ) from None
    return identity.read_webhooks(file)


def open_webhooks(file: Path, engine: Engine) -> Mount:
    """Return the app that receives the webhooks of a file and records into an engine.

    Args:
        file: see `identity.read_webhooks`.
        engine: what records; it stays the caller's.

    Raises:
        ConfigurationError: the file is wrong.
        StoreError: an application cannot be made.
    """
    from pinpoint_kit.server.mounts import Mount  # noqa: PLC0415 -- an extra

    settings = received(file)
    client = client_of(engine)
    apps: dict[str, Any] = {}
    with ExitStack() as undo:
        undo.callback(client.close)
        for name, webhooks in settings.webhooks.items():
            with pk.Pinpoint(client, "not-known-yet") as outer:
                application_id = outer.applications.find_or_create(name).id
            pinpoint = undo.enter_context(pk.Pinpoint(client, application_id))
            importer = identity.Importer(
                pinpoint,
                key=settings.key,
                prefix=settings.prefix,
                tenant=settings.tenant,
                hash_users=settings.hash_users,
                places=settings.places,
            )
            app = identity.webhook_app(importer, webhooks, max_body_bytes=_MAX_BODY_BYTES)
            apps.update(dict.fromkeys(webhooks, app))
        other = next(iter(apps.values()))  # answers 404

        async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
            await apps.get(scope["path"], other)(scope, receive, send)

        close = undo.pop_all().close
    return Mount(identity.WEBHOOK_PREFIX, "IdentityWebhook", answer, _MAX_BODY_BYTES, close)
