"""Identity providers: their own records become sign-ins, sessions and users.

A provider is a table; one reader reads them all, without a client and without a clock. The
importer, the webhooks and the pollers record what it says. Only imports belong here; what is
heavy is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.identity import (
        auth0,
        authentik,
        cognito,
        duo,
        ecs,
        entra,
        fusionauth,
        google_workspace,
        keycloak,
        ocsf,
        okta,
        onelogin,
    )
    from pinpoint_kit.identity.importing.importer import Importer
    from pinpoint_kit.identity.importing.report import ImportReport
    from pinpoint_kit.identity.importing.sessions import SessionHistory, SessionStart
    from pinpoint_kit.identity.providers import PROVIDERS, provider
    from pinpoint_kit.identity.pulling.cursors import Cursors
    from pinpoint_kit.identity.pulling.sources import Auth0Logs, OktaLogs, Page, Source, pull
    from pinpoint_kit.identity.reading.reading import Identity, Reading
    from pinpoint_kit.identity.reading.rules import (
        AUTH_FAIL,
        RESUME,
        SIGN_IN,
        SIGN_UP,
        STOP,
        Rule,
        leave_out,
    )
    from pinpoint_kit.identity.reading.table import Part, ProviderTable
    from pinpoint_kit.identity.webhooks.app import Webhook, webhook_app
    from pinpoint_kit.identity.webhooks.file import (
        WEBHOOK_PREFIX,
        WebhookSettings,
        read_webhooks,
    )
    from pinpoint_kit.identity.webhooks.senders import (
        Authorization,
        FusionAuthSignature,
        KeycloakSignature,
    )

__all__ = [
    "AUTH_FAIL",
    "PROVIDERS",
    "RESUME",
    "SIGN_IN",
    "SIGN_UP",
    "STOP",
    "WEBHOOK_PREFIX",
    "Auth0Logs",
    "Authorization",
    "Cursors",
    "FusionAuthSignature",
    "Identity",
    "ImportReport",
    "Importer",
    "KeycloakSignature",
    "OktaLogs",
    "Page",
    "Part",
    "ProviderTable",
    "Reading",
    "Rule",
    "SessionHistory",
    "SessionStart",
    "Source",
    "Webhook",
    "WebhookSettings",
    "auth0",
    "authentik",
    "cognito",
    "duo",
    "ecs",
    "entra",
    "fusionauth",
    "google_workspace",
    "keycloak",
    "leave_out",
    "ocsf",
    "okta",
    "onelogin",
    "provider",
    "pull",
    "read_webhooks",
    "webhook_app",
]

_MODULES = frozenset(
    {"auth0", "authentik", "cognito", "duo", "ecs", "entra", "fusionauth", "google_workspace"}
    | {"keycloak", "ocsf", "okta", "onelogin"}
)
_HOMES = {
    "importing.importer": ("Importer",),
    "importing.report": ("ImportReport",),
    "importing.sessions": ("SessionHistory", "SessionStart"),
    "providers": ("PROVIDERS", "provider"),
    "pulling.cursors": ("Cursors",),
    "pulling.sources": ("Auth0Logs", "OktaLogs", "Page", "Source", "pull"),
    "reading.reading": ("Identity", "Reading"),
    "reading.rules": ("AUTH_FAIL", "RESUME", "SIGN_IN", "SIGN_UP", "STOP", "Rule", "leave_out"),
    "reading.table": ("Part", "ProviderTable"),
    "webhooks.app": ("Webhook", "webhook_app"),
    "webhooks.file": ("WEBHOOK_PREFIX", "WebhookSettings", "read_webhooks"),
    "webhooks.senders": ("Authorization", "FusionAuthSignature", "KeycloakSignature"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
