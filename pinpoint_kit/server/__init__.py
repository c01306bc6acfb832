"""The HTTP server around the engine: any Pinpoint client, in any language, may come in.

`asgi_app` makes an ASGI application of an engine; `pinpoint-kit serve` runs it under uvicorn.
Only imports belong here.
"""

from pinpoint_kit.server.app import asgi_app
from pinpoint_kit.server.doorkeeper import Doorkeeper
from pinpoint_kit.server.options import ServerOptions

__all__ = ["Doorkeeper", "ServerOptions", "asgi_app"]
