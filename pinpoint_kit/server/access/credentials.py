"""`Credential`: an access key and what its holder may do; and the text of a credentials file.

    [PKEXAMPLE]
    secret_access_key = at-least-32-characters-that-nobody-guesses
    applications = 0123456789abcdef0123456789abcdef
    access = read-write

Everything that decides something must be written down: there are no defaults to forget. Messages
name the file, the section or the line, never a value. Files themselves are the business of
access/credentials_file.py.
"""

from __future__ import annotations

import configparser
import re
import secrets
import string
from typing import Literal, TypeAlias

import attrs

from pinpoint_kit.errors import ConfigurationError

__all__ = ["ACCESS", "Access", "Credential", "make", "parse"]

#: What a key may do: see numbers and nobody behind them, read everything, or do everything.
Access: TypeAlias = Literal["analytics", "read-only", "read-write"]

_SHORTEST_SECRET = 32

_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_]{4,128}")
_APPLICATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECRET = re.compile(rf"[!-~]{{{_SHORTEST_SECRET},}}")
_TOKEN = re.compile(r"[!-~]+")
_REQUIRED = ("secret_access_key", "applications", "access")
_OPTIONS = (*_REQUIRED, "session_token", "region", "console")
_CONSOLE = {"yes": True, "no": False}
ACCESS: tuple[Access, ...] = ("analytics", "read-only", "read-write")


@attrs.frozen
class Credential:
    """An access key.

    Attributes:
        access_key_id: its name, which is no secret.
        secret_access_key: what requests are signed with.
        applications: the ids that it is for, or None for all and for what belongs to none.
        access: what it may do.
        session_token: what every request must bring as well, "" when none may.
        region: the only Region that requests may be signed for, "" for any.
        is_for_console: whether its holder may log in to the console with it.
    """

    access_key_id: str
    secret_access_key: str = attrs.field(repr=False)
    applications: frozenset[str] | None
    access: Access
    session_token: str = attrs.field(repr=False, default="")
    region: str = ""
    is_for_console: bool = False


def make(
    applications: frozenset[str] | None, *, access: Access, is_for_console: bool = False
) -> Credential:
    """Return a new access key that nobody can guess.

    Args:
        applications: the ids that it is for, or None for all.
        access: what it may do.
        is_for_console: whether its holder may log in to the console with it.

    Raises:
        ConfigurationError: an id is none.
    """
    if not all(map(_APPLICATION_ID.fullmatch, applications or ())):
        raise ConfigurationError(
            "an application id has at most 64 letters, digits, hyphens and underscores: write the"
            " Id that GetApps shows"
        )
    letters = string.ascii_uppercase + string.digits
    return Credential(
        access_key_id="PK" + "".join(secrets.choice(letters) for _ in range(18)),
        secret_access_key=secrets.token_urlsafe(30),
        applications=applications,
        access=access,
        is_for_console=is_for_console,
    )


def parse(text: str, source: str) -> dict[str, Credential]:
    """Return the credentials of a file by their access key ids.

    Args:
        text: the content.
        source: the file's name, for messages.

    Raises:
        ConfigurationError: something is missing, unknown or wrong; the message says where, and
            what to write.
    """
    sections = _sections(text, source)
    if not sections:
        raise ConfigurationError(
            f"{source} holds no access key: `pinpoint-kit credentials add` makes one"
        )
    return {name: _credential(name, values, source) for name, values in sections.items()}


def _sections(text: str, source: str) -> dict[str, dict[str, str]]:
    # Nothing is a default section, nothing is interpolated: a secret may hold any character.
    parser = configparser.ConfigParser(
        default_section="", interpolation=None, delimiters=("=",), empty_lines_in_values=False
    )
    try:
        parser.read_string(text)
    except configparser.DuplicateSectionError as error:
        raise ConfigurationError(
            f"{source}, line {error.lineno}: this access key is there already: keep one section"
        ) from None
    except configparser.DuplicateOptionError as error:
        raise ConfigurationError(
            f"{source}, line {error.lineno}: this option is there already: keep one"
        ) from None
    except configparser.MissingSectionHeaderError as error:
        raise ConfigurationError(
            f"{source}, line {error.lineno}: write [ACCESS_KEY_ID] above the first option"
        ) from None
    except configparser.ParsingError as error:
        raise ConfigurationError(
            f"{source}, line {error.errors[0][0]}: write OPTION = VALUE"
        ) from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _credential(name: str, values: dict[str, str], source: str) -> Credential:
    if not _ACCESS_KEY_ID.fullmatch(name):
        raise ConfigurationError(
            f"{source}: the name of a section is an access key id of 4 to 128 letters, digits and"
            " underscores; one is not"
        )
    where = f"{source}, section [{name}]"
    if values.keys() - set(_OPTIONS):
        raise ConfigurationError(f"{where}: the options are {', '.join(_OPTIONS)}; one is not")
    for option in _REQUIRED:
        if option not in values:
            raise ConfigurationError(f"{where}: {option} is missing: {_HINTS[option]}")
    if not _SECRET.fullmatch(values["secret_access_key"]):
        raise ConfigurationError(
            f"{where}: secret_access_key is too short or no plain text: "
            f"{_HINTS['secret_access_key']}"
        )
    access = next((name for name in ACCESS if name == values["access"]), None)
    if access is None:
        raise ConfigurationError(f"{where}: access is wrong: {_HINTS['access']}")
    for option, form in (("session_token", _TOKEN), ("region", _REGION)):
        if option in values and not form.fullmatch(values[option]):
            raise ConfigurationError(f"{where}: {option} is wrong: write it, or leave it out")
    return Credential(
        access_key_id=name,
        secret_access_key=values["secret_access_key"],
        applications=_applications(values["applications"], where),
        access=access,
        session_token=values.get("session_token", ""),
        region=values.get("region", ""),
        is_for_console=_is_for_console(values, where),
    )


def _is_for_console(values: dict[str, str], where: str) -> bool:
    found = _CONSOLE.get(values.get("console", "no"))
    if found is None:
        raise ConfigurationError(f"{where}: console is wrong: write yes or no, or leave it out")
    if found and "session_token" in values:
        raise ConfigurationError(
            f"{where}: a key with a session token opens no console: leave one of the two out"
        )
    return found


def _applications(text: str, where: str) -> frozenset[str] | None:
    if text == "*":
        return None
    ids = text.replace(",", " ").split()
    if not ids or not all(map(_APPLICATION_ID.fullmatch, ids)):
        raise ConfigurationError(f"{where}: applications is wrong: {_HINTS['applications']}")
    return frozenset(ids)


_HINTS = {
    "secret_access_key": f"write at least {_SHORTEST_SECRET} characters without spaces, or let"
    " `pinpoint-kit credentials add` make it",
    "applications": "write * for all, or application ids with commas between them",
    "access": "write analytics, read-only or read-write",
}
