"""`Position`: how far a run is, as its row keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs

if TYPE_CHECKING:
    from pinpoint_kit.engine.campaigns.activities import Activity

__all__ = ["Position"]


@attrs.frozen(kw_only=True)
class Position:
    """How far a run is.

    Attributes:
        after: the number of the endpoint that was dealt with last.
        last: the number of the last endpoint; None until it is looked up.
        due: when the run goes on, milliseconds since 1970.
        first_message: the number of the newest message when the run began.
        templates: the template configuration, with the versions that were active then; empty for
            a campaign that waits for events.
        sending: the messages that were handed to a transport, and whose result is not stored yet:
            their numbers, each with the id of the event that has started it.
        until: of those whose time is limited, the numbers, each with the last instant at which a
            transport may take it.
        wave: of a run of local time: the wave under way, its instant and its zones; the first has
            none, and tells of those who get nothing.
        waves: of such a run, the waves to come.
        zones: of such a run, how many zones there are (`total`), and were dealt with (`done`).
    """

    after: int = 0
    last: int | None = None
    due: int = 0
    first_message: int = 0
    templates: Mapping[str, object] = attrs.field(factory=dict)
    sending: Sequence[tuple[int, str]] = ()
    until: Sequence[tuple[int, int]] = ()
    wave: tuple[int, Sequence[str]] | None = None
    waves: Sequence[tuple[int, Sequence[str]]] = ()
    zones: Mapping[str, int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, activity: Activity) -> Position:
        """Return the position of a run."""
        return cls(**cast("dict[str, Any]", activity.position))  # Any: as `stored` has written it

    @property
    def is_over(self) -> bool:
        """Whether all endpoints were dealt with, and the results of all messages are stored."""
        is_done = self.last is not None and self.after >= self.last
        return is_done and not self.waves and not self.sending

    @property
    def ready_at(self) -> int:
        """When there is something to do: at once while messages wait, whatever wave comes next."""
        return 0 if self.sending else self.due

    def stored(self) -> dict[str, object]:
        """Return it as the run's row keeps it: what differs from a run that has not begun."""
        return {
            field.name: value
            for field in attrs.fields(Position)
            if (value := getattr(self, field.name)) != getattr(_NEW, field.name)
        }


_NEW = Position()
