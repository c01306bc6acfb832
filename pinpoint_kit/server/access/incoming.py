"""`Incoming`: a request as it arrived, before anybody has decoded anything of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Incoming"]


@attrs.frozen
class Incoming:
    """The parts of a request that are signed.

    Attributes:
        method: as it was sent.
        raw_path: as it was sent, still percent-encoded.
        raw_query: as it was sent, without `?`.
        headers: values by lower-case name, in the order in which they came, decoded as Latin-1.
        body: the whole body.
    """

    method: str
    raw_path: str = attrs.field(repr=False)
    raw_query: str = attrs.field(repr=False)
    headers: Mapping[str, Sequence[str]] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @classmethod
    def of(
        cls,
        method: str,
        raw_path: str,
        raw_query: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
    ) -> Self:
        """Returns the request, its headers by name."""
        values: dict[str, list[str]] = {}
        for name, value in headers:
            values.setdefault(name.lower(), []).append(value)
        return cls(method, raw_path, raw_query, values, body)

    def header(self, name: str) -> str:
        """Returns the first value of a header, "" when it was not sent."""
        values = self.headers.get(name)
        return values[0].strip() if values else ""
