"""The parts of a URL, and what is wrong with one; nothing that could be a secret is ever shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["FORMS", "is_engine", "scheme_of", "shown", "split"]

FORMS = (
    "write sqlite:///FILE or postgresql://USER@HOST/DATABASE for the embedded engine,"
    " http://HOST:PORT for a server that speaks the Pinpoint API, or aws://REGION for the hosted"
    " service"
)
_ENGINE_SCHEMES = frozenset({"sqlite", "postgresql", "postgres"})
_MOST_SHOWN_CHARS = 200
#: What looks like the path of a database, and can hold no secret.
_FILE = re.compile(r"[\w./ -]{1,200}\.(db|sqlite|sqlite3)\Z")


def scheme_of(url: object) -> str:
    """Return the scheme of a URL in small letters.

    Raises:
        ConfigurationError: it is no URL.
    """
    if not isinstance(url, str) or "://" not in url:
        raise ConfigurationError(f"{_no_url(url)}: {FORMS}")
    return url.partition(":")[0].lower()


def is_engine(url: str) -> bool:
    """Return whether a URL names a database of the engine's own."""
    return url.partition(":")[0].lower() in _ENGINE_SCHEMES


def _no_url(url: object) -> str:
    if url == "":
        return "the URL is empty"
    meant = f": a file is sqlite:///{url}" if isinstance(url, str) and _FILE.match(url) else ""
    return f"not a URL: {shown(url)}{meant}"


def shown(url: object) -> str:
    """Return the URL without anything that could be a secret."""
    plain = str(url).rpartition("@")[2].partition("?")[0].partition("#")[0]
    return repr(plain[:_MOST_SHOWN_CHARS])


def split(url: str, known: str) -> tuple[SplitResult, str | None]:
    """Return the parts of a URL and the one parameter that it may have.

    Raises:
        ConfigurationError: it is malformed, holds a secret, or has another parameter.
    """
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError(f"{shown(url)} is malformed: {FORMS}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            "a URL is no place for secrets: put access keys into a profile or environment variables"
        )
    if parts.fragment or query.keys() - {known}:
        raise ConfigurationError(
            f"{shown(url)} may carry ?{known}=... and no other parameter: leave the rest out"
        )
    return parts, query.get(known, [""])[-1] or None
