"""`View`: what a page shows, as its URL says it: days, zone, who is counted, filters, breakdown.

A view is made from a query and makes queries, so that every page and chart can be sent as a link.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import attrs

from pinpoint_kit.analytics.conditions import parse_conditions
from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams

__all__ = ["LONGEST_ID", "NAMES", "View", "parameter"]

#: What can be filtered and broken down by; attributes have names of their own behind a dot.
NAMES = (
    *("platform", "app_version", "make", "model", "locale", "country", "channel", "event_type"),
    *("attributes.", "endpoint_attributes.", "user_attributes."),
)
#: Ranges that one click chooses, in days.
RANGES = (7, 30, 90)
_DEFAULT_DAYS = 30
_MOST_DAYS = 400
_LONGEST = 400
#: The longest id, and the longest mark of a place in a list.
LONGEST_ID = 2_000
#: The longest name of an attribute that metrics take.
_LONGEST_NAME = 256
#: Each is asked of every event, and stands in every link of a page.
_MOST_FILTERS = 20
_COUNT = re.compile(r"[0-9]{1,6}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@attrs.frozen(kw_only=True)
class View:
    """What is asked.

    Attributes:
        first: the first day.
        last: the last day.
        zone: the IANA zone whose days they are.
        actor: who is counted.
        where: the filters, each as text.
        by: the breakdown, "" for none.
        own: parameters that a single page has.
    """

    first: dt.date
    last: dt.date
    zone: str = "UTC"
    actor: Literal["endpoint", "user"] = "endpoint"
    where: tuple[str, ...] = ()
    by: str = ""
    own: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def parse(cls, query: QueryParams, now: dt.datetime, own: Sequence[str] = ()) -> View:
        """Return the view of a query.

        Args:
            query: the query.
            now: the present, aware.
            own: the names of the page's own parameters.

        Raises:
            ValidationError: something is not possible; the message says what, and what to write.
        """
        zone = parameter(query, "zone") or "UTC"
        today = now.astimezone(_zone(zone)).date()
        last = _day(parameter(query, "last"), "last") or today
        first = _day(parameter(query, "first"), "first") or last - dt.timedelta(
            days=_count(parameter(query, "days")) - 1
        )
        if first > last or (last - first).days >= _MOST_DAYS:
            raise ValidationError(
                f"choose days in their order, {_MOST_DAYS} at most", "$.first", "range"
            )
        actor = parameter(query, "actor") or "endpoint"
        if actor not in {"endpoint", "user"}:
            raise ValidationError("choose endpoint or user", "$.actor", "choice")
        where = tuple(dict.fromkeys(text for text in query.getlist("where") if text))
        if len(where) > _MOST_FILTERS:
            raise ValidationError(f"choose {_MOST_FILTERS} filters at most", "$.where", "range")
        parse_conditions(_bounded(text, "where") for text in where)
        return cls(
            first=first,
            last=last,
            zone=zone,
            actor="user" if actor == "user" else "endpoint",
            where=where,
            by=_breakdown(parameter(query, "by").strip()),
            own={name: text for name in own if (text := parameter(query, name))},
        )

    @property
    def conditions(self) -> dict[str, Any]:
        """The filters as the verbs take them."""
        return parse_conditions(self.where)

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.last - self.first).days + 1

    def query(self, **changes: object) -> str:
        """Return the query of this view, or of one that differs from it.

        Args:
            **changes: attributes, or parameters of the page; "" leaves one out.
        """
        fields = {field.name for field in attrs.fields(View)} - {"own"}
        kept = {name: value for name, value in changes.items() if name in fields}
        view = attrs.evolve(self, **kept) if kept else self  # type: ignore[arg-type] # a template's
        extra = {**self.own, **{n: str(v) for n, v in changes.items() if n not in fields}}
        pairs = [("first", str(view.first)), ("last", str(view.last))]
        pairs += [("zone", view.zone)] if view.zone != "UTC" else []
        pairs += [("actor", view.actor)] if view.actor != "endpoint" else []
        pairs += [("where", text) for text in view.where]
        pairs += [("by", view.by)] if view.by else []
        pairs += [(name, value) for name, value in extra.items() if value]
        return urlencode(pairs)

    def of_page(self) -> str:
        """Return the query for another page: its breakdown and its own parameters stay behind."""
        return attrs.evolve(self, by="", own={}).query()

    def without(self, text: str) -> str:
        """Return the query without one of the filters."""
        return self.query(where=tuple(each for each in self.where if each != text))

    def of_last(self, days: int, **more: str) -> str:
        """Return the query for so many days, with the same end, and with what a page needs."""
        return self.query(first=self.last - dt.timedelta(days=days - 1), **more)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            f"{name!r} is no time zone: write one such as Europe/Lisbon", "$.zone", "zone"
        ) from None


def _breakdown(name: str) -> str:
    """Return a breakdown that metrics know: each chart of a page would refuse another one."""
    head, _, key = name.partition(".")
    is_known = f"{head}." in NAMES and len(key) <= _LONGEST_NAME if key else head in NAMES
    if name and not is_known:
        known = ", ".join(f"{each}NAME" if each.endswith(".") else each for each in NAMES)
        raise ValidationError(f"unknown breakdown: write one of {known}", "$.by", "unknown")
    return name


def _day(text: str, name: str) -> dt.date | None:
    if not text:
        return None
    try:
        found = dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2200:  # noqa: PLR2004 -- years with events
        raise ValidationError(f"{text!r} is no day: write 2026-10-30", f"$.{name}", "date")
    return found


def _count(text: str) -> int:
    if not text:
        return _DEFAULT_DAYS
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= _MOST_DAYS:
        raise ValidationError(f"choose 1 to {_MOST_DAYS} days", "$.days", "range")
    return int(text)


def parameter(query: QueryParams, name: str, longest: int = _LONGEST) -> str:
    """Return a parameter that a query has once; "" when there is none.

    Raises:
        ValidationError: it is too long, holds what no text can, or there are several that differ:
            none of them is meant more than the others.
    """
    found = {text for text in query.getlist(name) if text}
    if len(found) > 1:
        raise ValidationError("give one value, not several", f"$.{name}", "choice")
    return _bounded(found.pop(), name, longest) if found else ""


def _bounded(text: str, name: str, longest: int = _LONGEST) -> str:
    if len(text) > longest:
        raise ValidationError(f"write {longest} characters at most", f"$.{name}", "length")
    if "\0" in text:  # which no stored text holds
        raise ValidationError("leave out the character U+0000", f"$.{name}", "character")
    return text
