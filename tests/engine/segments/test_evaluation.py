"""Who belongs to a segment: a table of cases, at the wire of the engine.

The cases stand in segment_cases.py. Each is asked in every way: the members are listed, counted and
selected for an export, and membership is explained for one member and for one who is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.segments import imported, sources
from pinpoint_kit.engine.segments import members as segment_members
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.wire.instants import moment_ms
from tests.engine.conftest import MORNING, Clock, Wire, restore_nul, without_nul
from tests.engine.segments import segment_cases as cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Audience:
    """The endpoints of one world, in an application of its own."""

    def __init__(self, engine: Engine, world: str) -> None:
        self.wire = Wire(engine)
        self.ids: dict[str, str] = {}
        endpoints = cases.WORLDS[world]
        items = [{"Id": name, **without_nul(given)} for name, given in endpoints.items()]
        answer = self.wire.batch(*items)
        assert answer.status == 202, answer.json
        restore_nul(self.wire)
        if world == "recency":
            self._put_events()
        if world == "groups":
            self._make_sources()

    def own(self, path: str) -> Any:
        """Call an operation of our own on a segment."""
        answer = self.wire.send("GET", f"/pinpoint-kit/v1/apps/{self.wire.app}/segments/{path}")
        assert answer.status == 200, answer.json
        return answer.json

    def exported(self, segment_id: str) -> set[str]:
        """Return the ids that the statement for export jobs selects."""
        with self.wire.engine._context.store.read() as connection:
            app = apps.require(connection, self.wire.app)
            segment = sources.require(connection, app, segment_id)
            members = segment_members.select_members(segment, app, moment_ms(MORNING))
            rows = connection.execute(members.add_columns(ENDPOINTS.c.id))
            return {row.id for row in rows}

    def create(self, definition: dict[str, Any]) -> str:
        """Make a segment; sources are named by names."""
        plain = without_nul(self._resolved(definition))
        answer = self.wire.post(f"/v1/apps/{self.wire.app}/segments", plain)
        assert answer.status == 201, answer.json
        restore_nul(self.wire)
        segment_id: str = answer.json["Id"]
        return segment_id

    def _resolved(self, definition: Any) -> Any:
        if isinstance(definition, list):
            return [self._resolved(each) for each in definition]
        if not isinstance(definition, dict):
            return definition
        if set(definition) == {"Id"}:
            return {"Id": self.ids[definition["Id"]]}
        return {name: self._resolved(value) for name, value in definition.items()}

    def _put_events(self) -> None:
        items = {
            name: {
                "Endpoint": {},
                "Events": {
                    f"e{number}": {"EventType": "x", "Timestamp": timestamp}
                    for number, timestamp in enumerate(timestamps)
                },
            }
            for name, timestamps in cases.EVENTS.items()
        }
        assert self.wire.put_events(items).status == 202

    def _make_sources(self) -> None:
        for name, definition in cases.SOURCES.items():
            self.ids[name] = self.create(definition)
        context = self.wire.engine._context
        with context.store.write() as connection:
            app = apps.require(connection, self.wire.app)
            for name, (keys, users) in cases.IMPORTED.items():
                made = {"Format": "JSON", "S3Url": "s3://b/k", "RoleArn": "r"}
                segment = imported.create_imported(connection, context, app, name, made, 0)
                imported.add_members(connection, segment, keys, users)
                self.ids[name] = segment.id


@pytest.fixture(scope="module")
def audiences(shared_databases: Callable[[], str]) -> Iterator[dict[str, Audience]]:
    """Every world, in one engine whose clock stands still."""
    with Engine.open(shared_databases(), clock=Clock()) as engine:
        yield {world: Audience(engine, world) for world in cases.WORLDS}


def meant(world: str, members: str) -> set[str]:
    """Return the ids that a case expects."""
    names = members.split()
    if names[:1] != [cases.ALL]:
        return set(names)
    return set(cases.WORLDS[world]) - {name.removeprefix("-") for name in names[1:]}


@pytest.mark.parametrize(
    ("world", "definition", "members"),
    [
        pytest.param(world, given, ids, id=f"{world}: {title}")
        for world, title, given, ids in cases.CASES
    ],
)
def test_members(
    audiences: dict[str, Audience], world: str, definition: dict[str, Any], members: str
) -> None:
    """Exactly the expected endpoints are listed, counted, exported and explained as members."""
    audience, expected = audiences[world], meant(world, members)
    assert expected <= set(cases.WORLDS[world])
    segment_id = audience.create(definition)
    listed = [item["Id"] for item in audience.own(f"{segment_id}/members")["Item"]]
    assert sorted(listed) == sorted(expected)
    assert audience.own(f"{segment_id}/count")["Count"] == len(expected)
    assert audience.exported(segment_id) == expected
    strangers = set(cases.WORLDS[world]) - expected
    for group, is_member in ((expected, True), (strangers, False)):
        for name in sorted(group)[:1]:
            explained = audience.own(f"{segment_id}/explanations/{quote(name)}")
            assert explained["IsMember"] is is_member
            assert explained["Criteria"][-1]["IsMet"] is is_member


def test_there_are_enough_cases() -> None:
    """The table is not thinned out, and no case stands in it twice."""
    titles = [(world, title) for world, title, _, _ in cases.CASES]
    assert len(titles) == len(set(titles)) >= 150
