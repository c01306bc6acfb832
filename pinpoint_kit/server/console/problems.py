"""What goes wrong, as a status, a title and what to do next. No value of a request stands here."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from pinpoint_kit.errors import (
    BadRequest,
    ConfigurationError,
    Forbidden,
    NotFound,
    PinpointKitError,
    ServiceError,
    TooManyRequests,
    TransportError,
    ValidationError,
)
from pinpoint_kit.server.console.answers import QueueFullError

if TYPE_CHECKING:
    from pinpoint_kit.server.console.source import Visitor

__all__ = ["NOT_GENUINE", "NOT_HERE", "TOO_LONG", "NoPageError", "log", "of"]

_logger = logging.getLogger(__name__)

_TOO_MANY, _UNAVAILABLE = 429, 503
#: Where in a request something is wrong, as messages say it for programs: its last name is enough.
_PLACE = re.compile(r" @ \$(?:\S*\.)?([A-Za-z_]\w*)\S*$")

#: What is said of a token of a page, which people have in their links only.
_TOKEN = re.compile(r"^token must be | @ \$\.after$")
_NO_PLACE = "This link leads to a place that is not in the list: begin at its first page (after)"

NOT_HERE = (
    "Not at this name",
    (
        "Without access keys the console answers as localhost only: use its loopback address, such"
        " as http://127.0.0.1:8025/console/, or start the server with --credentials."
    ),
)
TOO_LONG = ("This form is too long", "Shorten what it holds, and send it again.")
NOT_GENUINE = (
    "Nothing was changed",
    (
        "This form did not come from a page of your session. Go back, load the page anew, and send"
        " it again."
    ),
)


class NoPageError(Exception):
    """There is no page of this address."""


def log(error: Exception) -> None:
    """Log an error that is a fault of ours."""
    if not isinstance(error, (PinpointKitError, QueueFullError, NoPageError)):
        # A traceback would hold personal data.
        _logger.error("a page failed: %s", type(error).__name__)


def of(  # noqa: PLR0911 -- a table of what can go wrong
    error: Exception, visitor: Visitor
) -> tuple[int, str, str]:
    """Return status, title and advice for an error."""
    if isinstance(error, QueueFullError) or _is_busy(error):
        return 503, "Too many charts are being counted", "Load the page again in a few seconds."
    if isinstance(error, Forbidden):
        return 403, "This access key may not see that", _forbidden(visitor)
    if isinstance(error, NoPageError):
        return 404, "No such page", "Check the address, or begin at the list of applications."
    if isinstance(error, NotFound):
        return 404, "Not found", "There is none of this id. It may have been deleted."
    if isinstance(error, (ValidationError, BadRequest)):
        return 400, "This cannot be asked", _sentence(error)
    if isinstance(error, ConfigurationError):
        return 501, "Not answered here", str(error)
    if isinstance(error, TransportError):
        return 502, "No answer came", "Check that the server runs, and load the page again."
    if isinstance(error, ServiceError):
        return 502, "The server refused", "Load the page again; its log says more."
    return 500, "This page failed", "Please report it with the line of the server's log."


def _sentence(error: ValidationError | BadRequest) -> str:
    message = str(error) if isinstance(error, ValidationError) else error.message
    if _TOKEN.search(message):
        return _NO_PLACE
    place = _PLACE.search(message)
    text = message if place is None else f"{message[: place.start()]} ({place[1]})"
    return f"{text[:1].upper()}{text[1:]}"


def _is_busy(error: Exception) -> bool:
    return isinstance(error, TooManyRequests) or (
        isinstance(error, ServiceError) and error.status in {_TOO_MANY, _UNAVAILABLE}
    )


def _forbidden(visitor: Visitor) -> str:
    if not visitor.access_key_id and visitor.sees_people:
        return (
            "The server refuses it to the credentials with which this console was started: see"
            " `access` and `applications` of their key in its credentials file."
        )
    if not visitor.sees_people:
        return (
            "A key with access = analytics sees numbers and nobody behind them. Events, people,"
            " segments and jobs need read-only or read-write."
        )
    if not visitor.may_write:
        return "A key with access = read-only changes nothing. This needs read-write."
    return "It is for other applications: see `applications` in the credentials file."
