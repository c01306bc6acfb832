"""The file of `serve --identity-webhooks`: which providers may send, with their secrets.

    [importer]
    key = a secret of at least 16 characters, for endpoint ids

    [/identity/okta]
    provider = okta
    application = shop
    secret = a long secret

A file that others can read is refused. Messages name the file and the section, never a value.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.importing.pseudonyms import Places
from pinpoint_kit.identity.webhooks.app import Webhook
from pinpoint_kit.identity.webhooks.senders import (
    Authorization,
    FusionAuthSignature,
    KeycloakSignature,
)
from pinpoint_kit.system.private_files import PrivateFileError, private_text

if TYPE_CHECKING:
    import os

    from pinpoint_kit.identity.webhooks.senders import SenderCheck

__all__ = ["WEBHOOK_PREFIX", "WebhookSettings", "read_webhooks"]

#: What the paths of all webhooks begin with, beside those of the API.
WEBHOOK_PREFIX = "/identity/"
_IMPORTER = "importer"
_IMPORTER_OPTIONS = frozenset({"key", "prefix", "tenant", "hash_users", "places"})
_OPTIONS = frozenset({"provider", "application", "secret", "header"})
_REQUIRED = ("provider", "application", "secret")


@attrs.frozen
class WebhookSettings:
    """What the file says.

    Args:
        key: the secret of endpoint ids.
        prefix: what endpoint ids begin with.
        tenant: the provider's tenant, where its records do not name it.
        hash_users: replace user ids by keyed hashes.
        places: how much of a place to keep.
        webhooks: application's name -> path -> what may send there.
    """

    key: str = attrs.field(repr=False)
    prefix: str
    tenant: str
    hash_users: bool
    places: Places
    webhooks: Mapping[str, Mapping[str, Webhook]] = attrs.field(repr=False)


def read_webhooks(path: str | os.PathLike[str]) -> WebhookSettings:
    """Return what a file of webhooks says.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it cannot be read, others can read it, or it is wrong; the message says
            where.
    """
    file = Path(path)
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(_text(file))
    except configparser.Error as error:
        line = getattr(error, "lineno", None)
        at = "" if line is None else f", line {line}"
        raise ConfigurationError(
            f"{file}{at} is malformed: write [SECTION] and name = value"
        ) from None
    if not parser.has_section(_IMPORTER):
        raise ConfigurationError(f"{file} has no section [importer] with the key of endpoint ids")
    own = parser[_IMPORTER]
    _check_options(file, _IMPORTER, own, _IMPORTER_OPTIONS, ("key",))
    places = own.get("places", "country")
    if places not in get_args(Places):
        raise ConfigurationError(f"{file} [importer] places: use {', '.join(get_args(Places))}")
    try:
        hash_users = own.getboolean("hash_users", fallback=False)
    except ValueError:
        raise ConfigurationError(f"{file} [importer] hash_users: use yes or no") from None
    webhooks: dict[str, dict[str, Webhook]] = {}
    for name in parser.sections():
        if name != _IMPORTER:
            section = parser[name]
            webhooks.setdefault(section.get("application", ""), {})[name] = _webhook(file, section)
    if not webhooks:
        raise ConfigurationError(
            f"{file} has no webhook: add a section such as [{WEBHOOK_PREFIX}okta]"
        )
    return WebhookSettings(
        key=own["key"],
        prefix=own.get("prefix", "idp"),
        tenant=own.get("tenant", ""),
        hash_users=hash_users,
        places=cast("Places", places),
        webhooks=webhooks,
    )


def _webhook(file: Path, section: configparser.SectionProxy) -> Webhook:
    name = section.name
    if not name.startswith(WEBHOOK_PREFIX) or name == WEBHOOK_PREFIX:
        raise ConfigurationError(f"{file} [{name}]: the path must begin with {WEBHOOK_PREFIX}")
    _check_options(file, name, section, _OPTIONS, _REQUIRED)
    provider, secret = section["provider"].lower(), section["secret"]
    check: SenderCheck
    try:
        if "header" in section:
            check = Authorization(secret, section["header"])
        elif provider == "keycloak":
            check = KeycloakSignature(secret)
        elif provider == "fusionauth":
            check = FusionAuthSignature(secret)
        else:
            check = Authorization(secret)
        return Webhook(provider, check)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file} [{name}]: {error}") from None


def _check_options(
    file: Path,
    name: str,
    section: configparser.SectionProxy,
    known: frozenset[str],
    required: tuple[str, ...],
) -> None:
    for option in section:
        if option not in known:
            raise ConfigurationError(
                f"{file} [{name}] has an unknown option: there are {', '.join(sorted(known))}"
            )
    for option in required:
        if not section.get(option, ""):
            raise ConfigurationError(f"{file} [{name}] lacks {option}")


def _text(file: Path) -> str:
    try:
        return private_text(file)
    except PrivateFileError as error:
        raise ConfigurationError(str(error)) from None
