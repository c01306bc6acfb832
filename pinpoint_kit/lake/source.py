"""What an export asks of a store. The engine's `LakeSource` is one; nothing of it is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

__all__ = ["Change", "DayLines", "Piece", "Source"]


class Change(Protocol):
    """What has become of the events of an endpoint or a user; see `LakeChange`."""

    @property
    def kind(self) -> Literal["erase", "forget"]:
        """Whether the events are gone, or stay without what can name a person."""

    @property
    def of(self) -> Literal["endpoint", "user"]:
        """Whose events they are."""

    @property
    def hash(self) -> str:
        """What stands for the id."""

    @property
    def pseudonym(self) -> str | None:
        """What the endpoint is called instead, where its events stay."""


class DayLines(Protocol):
    """Events of one day; see the engine's."""

    @property
    def day(self) -> int:
        """The day that they are filed under, since 1970."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def text(self) -> str:
        """Each as JSON in a line, without a newline at the end."""


class Piece(Protocol):
    """One state of the store, for one step; see `LakePiece`."""

    @property
    def after(self) -> int:
        """The events of this step have numbers above this one."""

    @property
    def last(self) -> int:
        """And up to this one."""

    @property
    def newest(self) -> int:
        """The number of the newest event of all."""

    @property
    def changes(self) -> Sequence[Change]:
        """What to do first to the files of earlier steps, in this order."""

    @property
    def last_change(self) -> int:
        """What `finish` is to be told."""

    def hashed_endpoint(self, endpoint_id: str) -> str:
        """Return what stands for an endpoint in `changes`."""

    def hashed_user(self, user_id: str) -> str:
        """Return what stands for a user in `changes`."""

    def events(self) -> Iterator[DayLines]:
        """Yield the events of this step, some hundred at a time."""

    def endpoints(self) -> Iterator[Sequence[str]]:
        """Yield the endpoints of now, some thousand at a time, each as JSON in one line."""

    def users(self) -> Iterator[Sequence[str]]:
        """Yield the users of now."""


class Source(Protocol):
    """A store; see `LakeSource`."""

    @property
    def application_id(self) -> str:
        """The application that is exported."""

    def add(self, lake_id: str, secret: str, place: str) -> None:
        """Remember a new lake: from now on, removals are noted for it."""

    def begin(self, lake_id: str, step: int, last_change: int, *, place: str, most: int) -> None:
        """Begin a step, or the one that was interrupted."""

    def reading(self, lake_id: str) -> AbstractContextManager[Piece]:
        """Lend one state of the store, for a step that was begun."""

    def finish(self, lake_id: str, step: int, last_change: int, *, now: int) -> None:
        """End a step whose files are complete."""
