"""What a request may say of an e-mail's headers: of a message, a campaign, a template, a channel.

A line end would begin a header of its own. A text with variables is looked at when it is rendered:
messages/rendering/plans.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.records.headers import is_header_name, is_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MARK", "check_headers", "check_line"]

#: How a variable begins.
MARK = "{{"
_MAX_HEADERS = 15
_MAX_CHARS = {"Name": 126, "Value": 870}


def check_line(text: object, path: str) -> None:
    """Check what becomes a header as it is, or nothing.

    Args:
        text: the text; None and "" are fine.
        path: where it stands.

    Raises:
        ApiError: it has a line end, or another control character.
    """
    if isinstance(text, str) and not is_one_line(text):
        raise bad_request("must be one line, without control characters", path)


def check_headers(source: Mapping[str, object], path: str) -> None:
    """Check the member `Headers`: how many, how long, and that each is one header.

    Args:
        source: what may have it.
        path: where that stands.

    Raises:
        ApiError: there are too many, or one is none.
    """
    headers = cast("Sequence[Mapping[str, str]]", source.get("Headers") or ())
    if len(headers) > _MAX_HEADERS:
        raise bad_request(f"has at most {_MAX_HEADERS} items", f"{path}.Headers")
    for position, header in enumerate(headers):
        where = f"{path}.Headers[{position}]"
        for name, most in _MAX_CHARS.items():
            if len(header.get(name, "")) > most:
                raise bad_request(f"has at most {most} characters", f"{where}.{name}")
        given = header.get("Name")
        if given and not is_header_name(given):
            raise bad_request(
                "must be the name of a header: signs of ASCII without blanks and colons",
                f"{where}.Name",
            )
        value = header.get("Value", "")
        if MARK not in value:
            check_line(value, f"{where}.Value")
