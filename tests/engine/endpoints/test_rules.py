"""The rules that tie endpoints together: addresses, users, and at most 15 endpoints of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

LIMIT_MESSAGE = "Exceeded maximum endpoint per user count: 15"
EVICTING = ["ADM", "GCM", "APNS", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU"]
REFUSED = ["SMS", "PUSH", "VOICE", "EMAIL", "CUSTOM", "IN_APP", "APNS_SANDBOX"]


def status(wire: Wire, endpoint_id: str) -> str:
    """Return the endpoint's status."""
    result: str = wire.get(endpoint_id)["EndpointStatus"]
    return result


def test_the_same_address_deactivates_the_older_endpoint(wire: Wire) -> None:
    """The endpoint updated last with a channel type and address is the active one."""
    wire.update("old", ChannelType="EMAIL", Address="a@b")
    wire.update("bystander", ChannelType="CUSTOM", Address="a@b")
    wire.update("new", ChannelType="EMAIL", Address="a@b")
    assert [status(wire, name) for name in ("old", "new", "bystander")] == [
        "INACTIVE", "ACTIVE", "ACTIVE"
    ]  # fmt: skip
    wire.update("old", Attributes={"a": ["1"]})
    assert [status(wire, name) for name in ("old", "new")] == ["ACTIVE", "INACTIVE"]


def test_an_inactive_endpoint_takes_no_address(wire: Wire) -> None:
    """An endpoint that is set inactive does not deactivate another one."""
    wire.update("old", ChannelType="EMAIL", Address="a@b")
    wire.update("new", ChannelType="EMAIL", Address="a@b", EndpointStatus="INACTIVE")
    assert [status(wire, name) for name in ("old", "new")] == ["ACTIVE", "INACTIVE"]


def test_addresses_within_a_batch(wire: Wire) -> None:
    """Items of one batch deactivate each other in their order, as single updates would."""
    contact = {"ChannelType": "EMAIL", "Address": "a@b"}
    wire.update("stored", **contact)
    wire.batch({"Id": "x", **contact}, {"Id": "y", **contact}, {"Id": "x", **contact})
    assert [status(wire, name) for name in ("stored", "x", "y")] == [
        "INACTIVE", "ACTIVE", "INACTIVE"
    ]  # fmt: skip
    wire.batch({"Id": "y"}, {"Id": "stored"}, {"Id": "stored", "Address": "c@d"}, {"Id": "x"})
    assert [status(wire, name) for name in ("stored", "x", "y")] == ["ACTIVE", "ACTIVE", "INACTIVE"]


@pytest.mark.sqlite_only("counts the steps of its machine")
def test_any_number_of_endpoints_with_one_address(wire: Wire) -> None:
    """A webhook's URL or a shared phone: what an update costs does not grow with their number."""
    steps: list[None] = []

    def count(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(lambda: steps.append(None), 100)

    event.listen(wire.engine._context.store._engine, "checkout", count)
    costs = []
    for number in range(20):
        steps.clear()
        contact = {"ChannelType": "CUSTOM", "Address": "https://example.com/hook"}
        answer = wire.batch(*({"Id": f"{number}-{n}", **contact} for n in range(100)))
        assert answer.status == 202
        costs.append(len(steps))
    assert 0 < costs[-1] < 2 * costs[1]
    assert [status(wire, name) for name in ("18-99", "19-98", "19-99")] == [
        "INACTIVE", "INACTIVE", "ACTIVE"
    ]  # fmt: skip


def test_user_attributes_are_shared(wire: Wire) -> None:
    """User attributes are kept once per user and show on each of the user's endpoints."""
    wire.update("a", User={"UserId": "u", "UserAttributes": {"plan": ["pro"], "age": ["40"]}})
    wire.update("b", User={"UserId": "u", "UserAttributes": {"plan": ["free"], "x": ["1"]}})
    wire.update("c", User={"UserId": "U"})
    for name in ("a", "b"):
        assert wire.get(name)["User"] == {
            "UserId": "u", "UserAttributes": {"plan": ["free"], "age": ["40"], "x": ["1"]}
        }  # fmt: skip
    assert wire.get("c")["User"] == {"UserId": "U", "UserAttributes": {}}
    wire.update("a", User={"UserAttributes": {"plan": [], "age": []}})
    assert wire.get("b")["User"]["UserAttributes"] == {"x": ["1"]}


def test_user_attributes_before_the_user_is_known(wire: Wire) -> None:
    """Without a user id they wait on the endpoint, and join the user with it."""
    wire.update("a", User={"UserAttributes": {"name": ["Ana"], "plan": ["old"]}})
    assert wire.get("a")["User"] == {"UserAttributes": {"name": ["Ana"], "plan": ["old"]}}
    wire.update("b", User={"UserId": "u", "UserAttributes": {"age": ["40"]}})
    wire.update("a", User={"UserId": "u", "UserAttributes": {"plan": ["new"]}})
    expected = {"name": ["Ana"], "plan": ["new"], "age": ["40"]}
    assert wire.get("b")["User"] == {"UserId": "u", "UserAttributes": expected}


def test_changing_and_leaving_a_user(wire: Wire) -> None:
    """Attributes stay with the user, and go when the last endpoint has left."""
    wire.update("a", User={"UserId": "u", "UserAttributes": {"x": ["1"]}})
    wire.update("a", User={"UserId": "v"})
    assert wire.get("a")["User"] == {"UserId": "v", "UserAttributes": {}}
    assert wire.user("u").status == 404
    assert wire.rows("SELECT user_id, attributes FROM users") == [
        {"user_id": "v", "attributes": "{}"}
    ]
    wire.update("a", User={"UserId": ""})
    assert wire.get("a")["User"] == {}


def test_users_within_a_batch(wire: Wire) -> None:
    """A batch may move an endpoint between users and back."""
    wire.update("a", User={"UserId": "u", "UserAttributes": {"x": ["1"]}})
    wire.batch({"Id": "a", "User": {"UserId": "v"}}, {"Id": "b", "User": {"UserId": "v"}},
               {"Id": "a", "User": {"UserId": "u"}})  # fmt: skip
    assert (wire.user_ids("u"), wire.user_ids("v")) == (["a"], ["b"])
    assert wire.get("a")["User"]["UserAttributes"] == {"x": ["1"]}


def test_get_and_delete_user_endpoints(wire: Wire) -> None:
    """A user's endpoints are listed and deleted together; user ids are case-sensitive."""
    for name in ("a", "b"):
        wire.update(name, User={"UserId": "u:1/2", "UserAttributes": {"x": ["1"]}})
    wire.update("c", User={"UserId": "other"})
    listed = wire.user("u:1/2")
    assert listed.status == 200
    assert listed.json["Item"] == [wire.get("a"), wire.get("b")]
    assert wire.user("U:1/2").status == 404
    deleted = wire.user("u:1/2", "DELETE")
    assert (deleted.status, deleted.json) == (202, listed.json)
    assert wire.user("u:1/2").message == "User not found"
    assert wire.user("u:1/2", "DELETE").status == 404
    assert [row["id"] for row in wire.rows("SELECT id FROM endpoints")] == ["c"]
    assert wire.rows("SELECT user_id FROM users") == [{"user_id": "other"}]


def fill(wire: Wire, clock: Clock, channel: str, count: int = 15) -> None:
    """Give user u endpoints e0, e1, …, each a second newer."""
    for number in range(count):
        clock.advance(1)
        assert wire.update(
            f"e{number}", ChannelType=channel, Address=f"address-{number}", User={"UserId": "u"}
        ).status == 202  # fmt: skip


@pytest.mark.parametrize("channel", EVICTING)
def test_the_16th_push_endpoint_takes_the_oldest_ones_place(
    wire: Wire, clock: Clock, channel: str
) -> None:
    """The push endpoint with the oldest EffectiveDate becomes inactive and loses its user."""
    fill(wire, clock, "APNS")
    wire.update("e0", EffectiveDate="2030-01-01T00:00:00Z")
    wire.update("e7", EffectiveDate="2001-01-01T00:00:00Z")
    answer = wire.update("new", ChannelType=channel, Address="n", User={"UserId": "u"})
    assert answer.status == 202
    assert sorted(wire.user_ids("u")) == sorted([f"e{n}" for n in range(15) if n != 7] + ["new"])
    gone = wire.get("e7")
    assert (gone["EndpointStatus"], gone["User"]) == ("INACTIVE", {})
    back = wire.update("e7", EndpointStatus="ACTIVE", User={"UserId": "u"})
    assert back.status == 202
    assert len(wire.user_ids("u")) == 15


@pytest.mark.parametrize("channel", EVICTING)
def test_the_16th_push_endpoint_needs_a_push_endpoint_to_replace(
    wire: Wire, clock: Clock, channel: str
) -> None:
    """When the user has no endpoint of the evictable channels, the newcomer is refused."""
    fill(wire, clock, "EMAIL")
    answer = wire.update("new", ChannelType=channel, Address="n", User={"UserId": "u"})
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message == LIMIT_MESSAGE
    assert wire.send("GET", wire.endpoint_path("new")).status == 404


@pytest.mark.parametrize("channel", REFUSED)
def test_the_16th_endpoint_of_other_channels_is_refused(
    wire: Wire, clock: Clock, channel: str
) -> None:
    """These channels never push another endpoint out; APNS_SANDBOX is among them in practice."""
    fill(wire, clock, "GCM")
    answer = wire.update("new", ChannelType=channel, Address="n", User={"UserId": "u"})
    assert (answer.status, answer.message) == (400, LIMIT_MESSAGE)
    assert len(wire.user_ids("u")) == 15


def test_the_limit_leaves_the_users_own_endpoints_alone(wire: Wire, clock: Clock) -> None:
    """Updating one of the 15 is always possible, also in a batch and with the user id again."""
    fill(wire, clock, "EMAIL")
    assert wire.update("e3", User={"UserId": "u"}).status == 202
    assert wire.batch(*({"Id": f"e{n}", "User": {"UserId": "u"}} for n in range(15))).status == 202


def test_the_limit_within_a_batch(wire: Wire) -> None:
    """A batch that brings 16 endpoints to a user is refused at the 16th, as a whole."""
    items = [
        {"Id": f"e{n}", "ChannelType": "SMS", "Address": str(n), "User": {"UserId": "u"}}
        for n in range(16)
    ]
    answer = wire.batch(*items)
    assert (answer.status, answer.message) == (400, f"{LIMIT_MESSAGE} @ $.Item[15]")
    assert wire.rows("SELECT * FROM endpoints") == []
    assert wire.batch(*items[:15]).status == 202


def test_evictions_within_a_batch(wire: Wire) -> None:
    """A batch may push out endpoints that it wrote itself."""
    items = [
        {"Id": f"e{n:02}", "ChannelType": "GCM", "Address": str(n), "User": {"UserId": "u"},
         "EffectiveDate": f"2020-01-01T00:00:{n:02}Z"}
        for n in range(20)
    ]  # fmt: skip
    assert wire.batch(*items).status == 202
    assert wire.user_ids("u") == [f"e{n:02}" for n in range(5, 20)]
    assert status(wire, "e04") == "INACTIVE"


def test_the_limit_can_be_that_of_2018(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """The number in the message is the limit in force."""
    wire = make_wire(limits=Limits(max_endpoints_per_user=10))
    fill(wire, clock, "SMS", 10)
    answer = wire.update("new", User={"UserId": "u"})
    assert answer.message == "Exceeded maximum endpoint per user count: 10"


def test_a_batch_is_all_or_nothing(wire: Wire) -> None:
    """One bad item refuses the batch, names its position, and nothing is stored."""
    wire.update("old", Attributes={"a": ["1"]})
    before = wire.dump()
    for bad, message in [
        ({"Id": "x", "Address": "a@b"}, "Missing ChannelType @ $.Item[1]"),
        ({"Id": "x", "Metrics": {"m": "1"}}, "must be a number @ $.Item[1].Metrics.m"),
        ({"Address": "a@b"}, "Missing Id @ $.Item[1]"),
        ({"Id": "{x}"}, "An endpoint id must not contain $, { or } @ $.Item[1]"),
        ({"Id": ""}, "An endpoint id must not be empty @ $.Item[1]"),
        ({"Id": 5}, "must be a string @ $.Item[1].Id"),
        ("x", "must be a JSON object @ $.Item[1]"),
    ]:
        answer = wire.batch({"Id": "old", "Attributes": {"a": ["2"]}}, bad)
        assert (answer.status, answer.message) == (400, message)
        assert wire.dump() == before


def test_a_batch_in_order(wire: Wire) -> None:
    """An endpoint that occurs twice gets both updates, the later one last."""
    answer = wire.batch(
        {"Id": "a", "Attributes": {"x": ["1"], "y": ["1"]}},
        {"Id": "A", "Attributes": {"x": ["2"]}},
    )
    assert answer.status == 202
    assert answer.json["Message"] == "Accepted"
    assert wire.get("a")["Attributes"] == {"x": ["2"], "y": ["1"]}


def test_the_size_of_a_batch(make_wire: Callable[..., Wire]) -> None:
    """A batch has at most 100 items and 7 MB; an empty one is accepted."""
    wire = make_wire(limits=Limits(max_endpoint_request_bytes=10_000))
    assert wire.batch(*({"Id": str(n)} for n in range(100))).status == 202
    answer = wire.batch(*({"Id": str(n)} for n in range(101)))
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "101" in answer.message
    assert wire.batch({"Id": "x", "Unknown": "x" * 10_000}).status == 413
    assert wire.batch().status == 202
    assert wire.put(f"/v1/apps/{wire.app}/endpoints", {"Item": {}}).status == 400
    assert wire.put(f"/v1/apps/{wire.app}/endpoints", {}).status == 400


def remove(wire: Wire, kind: str, *patterns: object) -> object:
    """Call RemoveAttributes."""
    return wire.put(f"/v1/apps/{wire.app}/attributes/{kind}", {"Blacklist": patterns})


def test_removed_attributes_are_captured_no_longer(wire: Wire) -> None:
    """Stored values stay, later ones are left out, clearing still works."""
    wire.update("e", Attributes={"color": ["red"], "size": ["1"]}, Metrics={"m": 1},
                User={"UserId": "u", "UserAttributes": {"name": ["Ana"]}})  # fmt: skip
    answer = wire.put(f"/v1/apps/{wire.app}/attributes/endpoint-custom-attributes",
                      {"Blacklist": ["colo*", "[odd"]})  # fmt: skip
    assert answer.status == 200
    assert answer.json == {
        "ApplicationId": wire.app, "AttributeType": "endpoint-custom-attributes",
        "Attributes": ["colo*", "[odd"],
    }  # fmt: skip
    remove(wire, "endpoint-metric-attributes", "m")
    remove(wire, "endpoint-user-attributes", "n?me")
    assert wire.get("e")["Attributes"] == {"color": ["red"], "size": ["1"]}
    changes = {
        "Attributes": {"color": ["blue"], "colour": ["x"], "[odd": ["x"], "size": ["2"]},
        "Metrics": {"m": 2, "n": 2},
        "User": {"UserAttributes": {"name": ["Eva"], "age": ["4"]}},
    }
    wire.update("e", **changes)
    got = wire.get("e")
    assert got["Attributes"] == {"color": ["red"], "size": ["2"]}
    assert got["Metrics"] == {"m": 1, "n": 2}
    assert got["User"]["UserAttributes"] == {"name": ["Ana"], "age": ["4"]}
    wire.update("e", Attributes={"color": []})
    assert wire.get("e")["Attributes"] == {"size": ["2"]}


@pytest.mark.parametrize("payload", [{"Blacklist": "x"}, {"Blacklist": [1]}, {"Blacklist": [""]},
                                     {"Blacklist": ["x" * 51]}, []])  # fmt: skip
def test_bad_patterns_are_refused(wire: Wire, payload: object) -> None:
    """Patterns are a list of strings no longer than a name."""
    path = f"/v1/apps/{wire.app}/attributes/endpoint-custom-attributes"
    assert wire.put(path, payload).status == 400
    assert wire.put(path.replace("custom", "other"), {"Blacklist": ["x"]}).status == 400
    assert wire.put(path, {}).json["Attributes"] == []


def test_patterns_are_limited(wire: Wire) -> None:
    """An application has at most 250 patterns of a type: each costs every later write."""
    assert wire.put(f"/v1/apps/{wire.app}/attributes/endpoint-custom-attributes",
                    {"Blacklist": [f"p{n}" for n in range(251)]}).status == 400  # fmt: skip


def test_many_new_endpoints_beside_known_ones(wire: Wire) -> None:
    """A large batch stores every text as it is, whether endpoint and user are new or not."""
    texts = [
        "tab\t",
        "line\nfeed\r",
        "back\\slash",
        "\\N",
        "\\.",
        "",
        'quo"te',
        "{1,2}",
        "\U0001f600",
    ]

    def item(number: int, turn: int) -> dict[str, object]:
        text = texts[number % len(texts)]
        return {
            "Id": f"Id-{number:03}",
            "ChannelType": "CUSTOM",
            "Address": f"{turn} {number} {text}",
            "Attributes": {"a": [text]},
            "Metrics": {"m": number / 3},
            "Location": {"Latitude": number % 9 / 2, "City": f"in {text}"},
            "User": {"UserId": f"user {number // 2} {text}", "UserAttributes": {"b": [text]}},
        }

    for turn, start in enumerate((0, 50, 100, 100)):
        items = [item(number, turn) for number in range(start, start + 100)]
        assert wire.batch(*items).status == 202
        for wanted in items:
            shown = wire.get(str(wanted["Id"]))
            assert {name: shown[name] for name in ("Id", "Address", "Attributes", "Metrics")} == {
                name: wanted[name] for name in ("Id", "Address", "Attributes", "Metrics")
            }
            assert shown["Location"] == wanted["Location"]
            assert shown["User"] == wanted["User"]
    assert wire.rows("SELECT count(*) AS n FROM endpoints") == [{"n": 200}]
    in_order = wire.rows("SELECT id FROM endpoints ORDER BY number")
    assert [row["id"] for row in in_order] == [f"Id-{number:03}" for number in range(200)]
