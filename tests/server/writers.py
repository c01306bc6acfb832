"""Clients that write numbered states, note what was answered, and can tell what should be stored.

Each writer has things of its own that nobody else writes, so that after a crash exactly two states
are right: that of the last answered request, or that of the one that had no answer yet. Anything
else was lost, or stored by halves.
"""

from __future__ import annotations

import json
from collections import Counter
from http.client import HTTPConnection, IncompleteRead
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from tests.server.conftest import PATIENCE
from tests.server.served import rows

if TYPE_CHECKING:
    import threading
    from pathlib import Path

__all__ = ["Api", "Writer", "make_writers"]

EVENTS_A_BATCH = 50
ENDPOINTS_A_BATCH = 20


class Api:
    """A connection that sends JSON and reads whole answers."""

    def __init__(self, port: int, app: str = "") -> None:
        self.app = app
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(self, method: str, path: str, payload: object = None) -> tuple[int, Any]:
        """Return the status and the JSON of an answer.

        Raises:
            ConnectionError: no answer came.
            IncompleteRead: only a part of one.
        """
        body = None if payload is None else json.dumps(payload).encode()
        path = path.replace("{app}", self.app)
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        if answer.getheader("Content-Length") is None:
            raise IncompleteRead(b"")  # the headers ended too soon
        return answer.status, json.loads(answer.read())

    def read(self, path: str) -> bytes:
        """Return the content of a page that is no JSON."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read()

    def make_app(self) -> str:
        """Make an application, use it from now on, and return its id."""
        status, made = self.ask("POST", "/v1/apps", {"Name": "shop"})
        assert status == 201
        self.app = made["Id"]
        return self.app

    def close(self) -> None:
        self._connection.close()


@attrs.define
class Writer:
    """Sends one request after another, as long as there is a server.

    Attributes:
        name: what the ids of its things begin with.
        answered: the number of the last request that was answered; -1 before the first.
        pending: the number of the request that got no answer.
        refusals: answers that were not a success.
        broken: how many answers ended in the middle.
    """

    name: str
    answered: int = -1
    pending: int | None = None
    refusals: list[tuple[int, Any]] = attrs.field(factory=list)
    broken: int = 0

    def prepare(self, api: Api) -> None:
        """Make what has to be there before the first request."""

    def request(self, number: int) -> tuple[str, str, object]:
        """Return the method, path and payload that write a state."""
        raise NotImplementedError

    def after(self, number: int) -> object:
        """Return what is to be seen after a request; -1 is before the first."""
        raise NotImplementedError

    def look(self, api: Api, database: Path) -> object:
        """Return what is to be seen now."""
        raise NotImplementedError

    def run(self, port: int, app: str, answers: threading.Semaphore) -> None:
        """Write until the server is gone, releasing the semaphore at every answer."""
        api = Api(port, app)
        try:
            while not self.refusals:
                if self.pending is None:
                    self.pending = self.answered + 1
                status, answer = api.ask(*self.request(self.pending))
                if status >= 300:
                    self.refusals.append((status, answer))
                    continue
                self.answered, self.pending = self.pending, None
                answers.release()
        except IncompleteRead:
            self.broken += 1
        except ConnectionError:
            pass
        finally:
            api.close()

    def settle(self, api: Api, database: Path) -> bool:
        """Look at what is stored, and goes on from there.

        Returns:
            Whether the request without an answer is stored.

        Raises:
            AssertionError: an answered request is not stored, or one is stored by halves.
        """
        seen = self.look(api, database)
        if self.pending is not None and seen == self.after(self.pending):
            self.answered, self.pending = self.pending, None
            return True
        assert seen == self.after(self.answered), f"{seen} after {self}"
        self.pending = None
        return False


class Endpoint(Writer):
    """UpdateEndpoint: one endpoint, with columns, maps and a user."""

    def request(self, number: int) -> tuple[str, str, object]:
        payload = {
            "ChannelType": "EMAIL",
            "Address": f"{number}@example.com",
            "Attributes": {"n": [str(number)]},
            "Metrics": {"n": number},
            "User": {"UserId": self.name, "UserAttributes": {"n": [str(number)]}},
        }
        return "PUT", f"/v1/apps/{{app}}/endpoints/{self.name}", payload

    def after(self, number: int) -> object:
        return None if number < 0 else (f"{number}@example.com", [str(number)], number)

    def look(self, api: Api, database: Path) -> object:
        del database
        status, found = api.ask("GET", f"/v1/apps/{{app}}/endpoints/{self.name}")
        if status == 404:
            return None
        assert found["User"]["UserAttributes"] == found["Attributes"]
        return found["Address"], found["Attributes"]["n"], found["Metrics"]["n"]


class Batch(Writer):
    """UpdateEndpointsBatch: all endpoints of a batch get the same number."""

    def request(self, number: int) -> tuple[str, str, object]:
        items = [{"Id": key, "Metrics": {"n": number}} for key in self._ids()]
        return "PUT", "/v1/apps/{app}/endpoints", {"Item": items}

    def after(self, number: int) -> object:
        return [] if number < 0 else [number] * ENDPOINTS_A_BATCH

    def look(self, api: Api, database: Path) -> object:
        del database
        answers = [api.ask("GET", f"/v1/apps/{{app}}/endpoints/{key}") for key in self._ids()]
        return [found["Metrics"]["n"] for status, found in answers if status == 200]

    def _ids(self) -> list[str]:
        return [f"{self.name}-{place}" for place in range(ENDPOINTS_A_BATCH)]


class Events(Writer):
    """PutEvents: a hundredth of a second's events of ten endpoints, which they also number.

    The request without an answer is sent again after the restart, whether it is stored or not.
    """

    def request(self, number: int) -> tuple[str, str, object]:
        event = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00Z"}
        share = EVENTS_A_BATCH // 10
        items = {
            f"{self.name}-{place}": {
                "Endpoint": {"Metrics": {"n": number}},
                "Events": {f"{number}-{place}-{index}": event for index in range(share)},
            }
            for place in range(10)
        }
        return "POST", "/v1/apps/{app}/events", {"BatchItem": items}

    def after(self, number: int) -> object:
        numbers = [] if number < 0 else [number] * 10
        return numbers, dict.fromkeys(range(number + 1), EVENTS_A_BATCH)

    def look(self, api: Api, database: Path) -> object:
        paths = [f"/v1/apps/{{app}}/endpoints/{self.name}-{place}" for place in range(10)]
        answers = [api.ask("GET", path) for path in paths]
        numbers = [found["Metrics"]["n"] for status, found in answers if status == 200]
        sql = "SELECT event_id FROM events WHERE endpoint GLOB ?"
        stored = rows(database, sql, f"{self.name}-*")
        return numbers, dict(Counter(int(key.partition("-")[0]) for (key,) in stored))

    def settle(self, api: Api, database: Path) -> bool:
        unsure = self.pending
        is_stored = super().settle(api, database)
        self.pending = unsure
        return is_stored


class Template(Writer):
    """UpdateEmailTemplate, in place."""

    def prepare(self, api: Api) -> None:
        status, _ = api.ask("POST", f"/v1/templates/{self.name}/email", self._content(-1))
        assert status == 201

    def request(self, number: int) -> tuple[str, str, object]:
        return "PUT", f"/v1/templates/{self.name}/email", self._content(number)

    def after(self, number: int) -> object:
        return self._content(number)

    def look(self, api: Api, database: Path) -> object:
        del database
        _, found = api.ask("GET", f"/v1/templates/{self.name}/email")
        return {name: found[name] for name in self._content(0)}

    @staticmethod
    def _content(number: int) -> dict[str, str]:
        return {"Subject": str(number), "TextPart": str(number) * 1000}


class Segment(Writer):
    """UpdateSegment: every request makes a version."""

    id = ""

    def prepare(self, api: Api) -> None:
        status, made = api.ask("POST", "/v1/apps/{app}/segments", {"Name": "-1"})
        assert status == 201
        self.id = made["Id"]

    def request(self, number: int) -> tuple[str, str, object]:
        return "PUT", f"/v1/apps/{{app}}/segments/{self.id}", {"Name": str(number)}

    def after(self, number: int) -> object:
        return number + 2, str(number), number + 2

    def look(self, api: Api, database: Path) -> object:
        _, found = api.ask("GET", f"/v1/apps/{{app}}/segments/{self.id}")
        sql = (
            "SELECT count(*) FROM segment_versions v JOIN segments s ON v.segment = s.number"
            " WHERE s.id = ?"
        )
        ((versions,),) = rows(database, sql, self.id)
        return found["Version"], found["Name"], versions


class Person(Writer):
    """Makes a user with endpoints and events, deletes the user, and so on in turn."""

    def request(self, number: int) -> tuple[str, str, object]:
        if number % 2:
            return "DELETE", f"/v1/apps/{{app}}/users/{self.name}", None
        event = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00Z"}
        items = {
            f"{self.name}-{place}": {
                "Endpoint": {"User": {"UserId": self.name}},
                "Events": {str(number): event},
            }
            for place in range(5)
        }
        return "POST", "/v1/apps/{app}/events", {"BatchItem": items}

    def after(self, number: int) -> object:
        is_there = number >= 0 and number % 2 == 0
        return (5, 5, number // 2 * 5 + 5) if is_there else (0, 0, (number + 1) // 2 * 5)

    def look(self, api: Api, database: Path) -> object:
        status, found = api.ask("GET", f"/v1/apps/{{app}}/users/{quote(self.name)}")
        sql = "SELECT count(*) FROM events WHERE type = 'level_up' AND "
        ((named,),) = rows(database, sql + "user_id = ?", self.name)
        ((anonymous,),) = rows(database, sql + "endpoint GLOB 'deleted-*' AND user_id IS NULL")
        return (len(found["Item"]) if status == 200 else 0), named, named + anonymous


def make_writers(api: Api) -> list[Writer]:
    """One of each, ready to begin."""
    kinds = (Endpoint, Batch, Events, Template, Segment, Person)
    writers: list[Writer] = [kind(kind.__name__.lower()) for kind in kinds]
    for writer in writers:
        writer.prepare(api)
    return writers
