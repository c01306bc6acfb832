"""The HTTP server around the engine: any Pinpoint client, in any language, may come in.

`asgi_app` makes an ASGI application of an engine; `pinpoint-kit serve` runs it under uvicorn.
Only imports belong here, and the sentence for when the extra is missing.
"""

try:
    from pinpoint_kit.server.app import asgi_app
except ModuleNotFoundError as error:
    if error.name != "prometheus_client":
        raise
    raise ModuleNotFoundError(
        "the server needs uvicorn and prometheus-client: pip install 'pinpoint-kit[server]'",
        name=error.name,
    ) from None
from pinpoint_kit.server.access.audit import AuditLog
from pinpoint_kit.server.access.authenticator import Authenticator
from pinpoint_kit.server.options import ServerOptions

#: The earlier name of `Authenticator`.
Doorkeeper = Authenticator

__all__ = ["AuditLog", "Authenticator", "Doorkeeper", "ServerOptions", "asgi_app"]
