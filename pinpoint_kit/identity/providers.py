"""The providers by their names: for the importer and the command line.

A module is imported when its table is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.table import ProviderTable

__all__ = ["PROVIDERS", "provider"]

_HOMES = {
    "auth0": "auth0",
    "authentik": "authentik",
    "cognito": "cognito.reader",
    "duo": "duo",
    "ecs": "ecs",
    "entra": "entra",
    "fusionauth": "fusionauth",
    "google_workspace": "google_workspace",
    "keycloak": "keycloak",
    "ocsf": "ocsf",
    "okta": "okta",
    "onelogin": "onelogin",
}

#: The names that `provider` knows.
PROVIDERS = tuple(sorted(_HOMES))


def provider(name: str) -> ProviderTable:
    """Return the table of a provider.

    Args:
        name: one of `PROVIDERS`, in any case; `-` counts as `_`.

    Raises:
        ConfigurationError: there is no such provider.

    Examples:
        >>> provider("okta").name
        'okta'
    """
    key = name.lower().replace("-", "_")
    if key not in _HOMES:
        raise ConfigurationError(
            f"no such provider: {name}; there are {', '.join(PROVIDERS)}, or make a ProviderTable"
        )
    module = import_module(f"pinpoint_kit.identity.{_HOMES[key]}")
    return cast("ProviderTable", module.TABLE)
