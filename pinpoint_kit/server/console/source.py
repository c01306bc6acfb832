"""What the console reads from: `Source`, and `Visitor`, for whom it reads.

A source gives what `pinpoint_kit.connect` gives, for one application at a time. Where it leads is
not known here: the engine of this process, a server elsewhere, a lake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.models.application import Application

__all__ = ["Access", "Keys", "Source", "Visitor"]

Access = Literal["analytics", "read-only", "read-write"]


@attrs.frozen
class Visitor:
    """Somebody who has come in.

    Attributes:
        access_key_id: their access key, "" where none is asked for.
        access: what they may see: numbers, everything, or also change.
        applications: the ids that they may see, or None for all.
        csrf: what their forms must bring.
    """

    access_key_id: str
    access: Access
    applications: frozenset[str] | None
    csrf: str = attrs.field(repr=False)

    @property
    def scope(self) -> tuple[str, Access, frozenset[str] | None]:
        """Who may see the same: an answer is used again for nobody else."""
        return self.access_key_id, self.access, self.applications

    @property
    def sees_people(self) -> bool:
        """Whether they may see events, endpoints and users: personal data."""
        return self.access != "analytics"

    @property
    def may_write(self) -> bool:
        """Whether they may save funnels, make segments, and add and lift opt-outs."""
        return self.access == "read-write"


class Source(Protocol):
    """What the console reads from. It is used from several threads."""

    @property
    def place(self) -> str:
        """What is read, in a word for people, without a password."""

    @property
    def access(self) -> Access:
        """What there is to see where no access keys say it: of a lake, numbers only."""

    def applications(self, visitor: Visitor) -> Sequence[Application]:
        """List the applications that somebody may see.

        Raises:
            PinpointKitError: as `Pinpoint.applications.list`.
        """

    def open(self, visitor: Visitor, application_id: str) -> Pinpoint:
        """Return the client of one application; it stays the source's.

        Raises:
            PinpointKitError: it cannot be opened.
        """


class HeldKey(Protocol):
    """An access key, as far as the console must know it."""

    @property
    def access_key_id(self) -> str:
        """Its name."""

    @property
    def secret_access_key(self) -> str:
        """Its secret."""

    @property
    def access(self) -> Access:
        """What it may do."""

    @property
    def applications(self) -> frozenset[str] | None:
        """What it is for; None: everything."""


class Keys(Protocol):
    """The access keys that open the console."""

    def find(self, access_key_id: str) -> HeldKey | None:
        """Return a key as it is now; None when it opens the console no longer."""

    def log_in(self, access_key_id: str, secret: str) -> HeldKey | None:
        """Return the key whose secret this is; None when there is none."""
