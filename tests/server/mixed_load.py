"""A client process that writes and reads for some seconds, and checks what it reads.

Several of them share one application and its endpoints, of which each keeps metrics of its own
name. Prints one JSON object: answers that were wrong, latencies by operation, and what must be
stored at the end.

Usage: mixed_load.py PORT APPLICATION_ID NAME SECONDS
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from http.client import HTTPConnection
from typing import Any

SHARED = 20
EVENTS_A_REQUEST = 20
#: As many requests as are not events are in between: reading is half of these.
ROUND = (
    "put_events",
    "update",
    "get",
    "put_events",
    "update_batch",
    "get",
    "put_events",
    "come_go",
)


class Client:
    """One connection, and what it has written."""

    def __init__(self, port: int, app: str, name: str) -> None:
        self.name = name
        self.number = 0
        self.events = 0
        self.last = dict.fromkeys(range(SHARED), -1)
        self.wrong: list[object] = []
        self.latencies: dict[str, list[float]] = defaultdict(list)
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._app = f"/v1/apps/{app}"
        self._random = random.Random(name)  # noqa: S311 -- no secret

    def ask(self, operation: str, method: str, path: str, payload: object = None) -> Any:
        """Send a request and notes how long the answer took."""
        body = None if payload is None else json.dumps(payload)
        began = time.perf_counter()
        self._connection.request(method, self._app + path, body)
        answer = self._connection.getresponse()
        content = answer.read()
        self.latencies[operation].append(time.perf_counter() - began)
        if answer.status >= 300 and operation != "GetEndpoint, deleted":
            self.wrong.append([operation, answer.status, content.decode()])
        return answer.status, json.loads(content)

    def put_events(self) -> None:
        """Events of shared endpoints, which change with them."""
        places = self._random.sample(range(SHARED), 4)
        event = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00Z"}
        share = range(EVENTS_A_REQUEST // len(places))
        items = {
            f"shared-{place}": {
                "Endpoint": {"Metrics": {self.name: self.number}},
                "Events": {f"{self.name}-{self.number}-{place}-{i}": event for i in share},
            }
            for place in places
        }
        _, answer = self.ask("PutEvents", "POST", "/events", {"BatchItem": items})
        for item in answer["Results"].values():
            parts = [item["EndpointItemResponse"], *item["EventsItemResponse"].values()]
            self.wrong += [part for part in parts if part["StatusCode"] != 202]
        self.events += EVENTS_A_REQUEST
        self._note(places)

    def update(self) -> None:
        """One shared endpoint."""
        place = self._random.randrange(SHARED)
        payload = {"Metrics": {self.name: self.number}}
        self.ask("UpdateEndpoint", "PUT", f"/endpoints/shared-{place}", payload)
        self._note([place])

    def update_batch(self) -> None:
        """Half of the shared endpoints at once."""
        places = self._random.sample(range(SHARED), SHARED // 2)
        items = [{"Id": f"shared-{p}", "Metrics": {self.name: self.number}} for p in places]
        self.ask("UpdateEndpointsBatch", "PUT", "/endpoints", {"Item": items})
        self._note(places)

    def get(self) -> None:
        """Our own metric of a shared endpoint is the one that we wrote last."""
        place = self._random.randrange(SHARED)
        if self.last[place] < 0:
            return
        _, found = self.ask("GetEndpoint", "GET", f"/endpoints/shared-{place}")
        if found["Metrics"][self.name] != self.last[place]:
            self.wrong.append(["lost", place, found["Metrics"][self.name], self.last[place]])

    def come_go(self) -> None:
        """Return an endpoint that nobody else knows is there, and then it is not."""
        path = f"/endpoints/{self.name}-own"
        self.ask("UpdateEndpoint", "PUT", path, {"User": {"UserId": self.name}})
        self.ask("DeleteEndpoint", "DELETE", path)
        status, _ = self.ask("GetEndpoint, deleted", "GET", path)
        if status != 404:
            self.wrong.append(["still there", status])

    def run(self, seconds: float) -> None:
        """Goes round until the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            getattr(self, ROUND[self.number % len(ROUND)])()
            self.number += 1
        self._connection.close()

    def _note(self, places: list[int]) -> None:
        self.last.update(dict.fromkeys(places, self.number))


def main() -> None:
    """Works, then reports."""
    port, app, name, seconds = sys.argv[1:]
    client = Client(int(port), app, name)
    client.run(float(seconds))
    report = {
        "wrong": client.wrong,
        "latencies": client.latencies,
        "events": client.events,
        "last": client.last,
    }
    print(json.dumps(report))  # noqa: T201 -- its answer


if __name__ == "__main__":
    main()
