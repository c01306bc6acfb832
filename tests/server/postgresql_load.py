"""Clients that load servers from a process of their own, and say what was answered.

    python -m tests.server.postgresql_load '{"ports": [1, 2], "app": "…", "clients": [0, 1], …}'

Each client repeats for `seconds`: it merges into endpoints that all share, has endpoints join users
who are full, takes an address from others, and records events. With `is_patient` it asks again
until it is answered, as the SDK does. The report, on stdout, is what a model needs: the last value
that was answered for each thing that only this client writes.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from typing import Any

SHARED = 6
USERS = 3
ADDRESSES = 3
EVENTS = 10


class Client:
    """One client: a thread with a connection to each server."""

    def __init__(self, number: int, task: dict[str, Any]) -> None:
        self.number = number
        self.task = task
        self.random = random.Random(number)  # noqa: S311 -- a load, no secret
        self.statuses: Counter[int] = Counter()
        self.messages: Counter[str] = Counter()
        self.merged: dict[str, int] = {}
        self.events: list[str] = []
        self.turn = 0

    def send(self, method: str, path: str, payload: object) -> tuple[int, Any]:
        """Return the status and the body of an answer; patient clients ask until there is one."""
        while True:
            port = self.random.choice(self.task["ports"])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(method, path, json.dumps(payload))
                response = connection.getresponse()
                status, content = response.status, response.read()
            except (OSError, http.client.HTTPException):
                status, content = 0, b"{}"
            finally:
                connection.close()
            self.statuses[status] += 1
            if status not in {0, 500, 502, 503} or not self.task["is_patient"]:
                body = json.loads(content or b"{}")
                if status >= 400:
                    self.messages[str(body.get("Message"))] += 1
                return status, body
            time.sleep(0.2)

    def run(self) -> None:
        """Load until the time is over."""
        end = time.monotonic() + self.task["seconds"]
        kinds = (self.merge, self.merge, self.join, self.take, self.record)
        while time.monotonic() < end:
            self.turn += 1
            kinds[self.turn % len(kinds)]()

    def _endpoint(self, name: str, **members: object) -> int:
        path = f"/v1/apps/{self.task['app']}/endpoints/{name}"
        return self.send("PUT", path, members)[0]

    def merge(self) -> None:
        """Write a metric of this client's own into an endpoint that all write."""
        name = f"shared-{self.random.randrange(SHARED)}"
        member = {"Metrics": {f"c{self.number}": self.turn}}
        if self.turn % 2:
            status = self._endpoint(name, **member)
        else:
            items = [{"Id": name, **member}, {"Id": f"own-{self.number}", **member}]
            path = f"/v1/apps/{self.task['app']}/endpoints"
            status = self.send("PUT", path, {"Item": self.random.sample(items, 2)})[0]
        if status == 202:
            self.merged[name] = self.turn

    def join(self) -> None:
        """Have an endpoint join a user who has about as many as a user may."""
        number = self.random.randrange(80)
        channel = self.random.choice(["GCM", "APNS", "EMAIL"])
        user = {"UserId": f"user-{self.random.randrange(USERS)}"}
        self._endpoint(f"joining-{number}", ChannelType=channel, Address=f"a{number}", User=user)

    def take(self) -> None:
        """Take an address that others have."""
        address = f"+1555010{self.random.randrange(ADDRESSES)}"
        name = f"taking-{self.random.randrange(8)}"
        self._endpoint(name, ChannelType="SMS", Address=address)

    def record(self) -> None:
        """Record events of endpoints that others write."""
        items: dict[str, Any] = {}
        ids = [f"{self.number}-{self.turn}-{n}" for n in range(EVENTS)]
        for event_id in ids:
            name = f"shared-{self.random.randrange(SHARED)}"
            item = items.setdefault(name, {"Endpoint": {"Attributes": {"x": ["y"]}}, "Events": {}})
            item["Events"][event_id] = {
                "EventType": "load",
                "Timestamp": "2026-01-01T00:00:00Z",
            }
        path = f"/v1/apps/{self.task['app']}/events"
        status, body = self.send("POST", path, {"BatchItem": items})
        if status == 202:
            answers = [a for each in body["Results"].values() for a in each["EventsItemResponse"]]
            self.events += answers

    def report(self) -> dict[str, Any]:
        """Return what the model needs."""
        return {
            "number": self.number,
            "statuses": self.statuses,
            "messages": self.messages,
            "merged": self.merged,
            "events": self.events,
        }


def main() -> None:
    """Run the clients of this process."""
    task = json.loads(sys.argv[1])
    clients = [Client(number, task) for number in task["clients"]]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump([client.report() for client in clients], sys.stdout)


if __name__ == "__main__":
    main()
