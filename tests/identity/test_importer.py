"""The importer: what is in the engine afterwards, a second time, and from every kind of file."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import ConfigurationError, Endpoint, User
from pinpoint_kit.identity import Importer, ImportReport, okta
from pinpoint_kit.identity.importing.sessions import SessionStart
from pinpoint_kit.testing import Fault, FaultyPinpoint, recorded_events

DATA = Path(__file__).resolve().parents[1] / "data" / "identity"
KEY = "0123456789abcdef"
MS = 1723564700353
MINUTE = 60_000
IN, START, STOP, FAIL = (
    "_userauth.sign_in",
    "_session.start",
    "_session.stop",
    "_userauth.auth_fail",
)


def login(number: int = 0, **members: object) -> dict[str, Any]:
    """Return a log-in at Keycloak, a minute after the one of the number before."""
    return {
        "type": "LOGIN",
        "time": MS + number * MINUTE,
        "realmId": "r",
        "clientId": "shop",
        "userId": "u-1",
        "sessionId": f"s-{number}",
        **members,
    }


def logout(number: int = 0, **members: object) -> dict[str, Any]:
    """Return the end of that session, five seconds later."""
    at = MS + number * MINUTE + 5_000
    return {"type": "LOGOUT", "time": at, "realmId": "r", "sessionId": f"s-{number}", **members}


def load(pinpoint: pk.Pinpoint, records: list[Any], **options: Any) -> ImportReport:
    """Import with a new importer, as after a restart."""
    return Importer(pinpoint, key=KEY, **options).load(records, "keycloak")


def types(pinpoint: pk.Pinpoint) -> list[str]:
    """Return the types of all recorded events, sorted."""
    return sorted(found.event.type for found in recorded_events(pinpoint))


def test_a_second_run_adds_nothing(pinpoint: pk.Pinpoint) -> None:
    """Ids follow from the records: events, endpoints and users are the same afterwards."""
    seen: list[object] = []
    for _ in range(2):
        importer = Importer(pinpoint, key=KEY)
        for name in ("okta", "auth0", "entra"):
            report = importer.load_file(DATA / f"{name}.ndjson", name)
        assert report.events == {IN: 12, FAIL: 12, START: 1}
        events = recorded_events(pinpoint)
        seen.append(sorted((e.endpoint_id, e.user_id or "", e.event.id or "") for e in events))
        # Two of the failures, and two of the sign-ins, are the same record with the same id.
    assert seen[0] == seen[1]


def test_a_sign_in_makes_an_endpoint_with_its_user(pinpoint: pk.Pinpoint) -> None:
    """The endpoint is opted out, has no address, and names provider and client only."""
    load(pinpoint, [login()])
    endpoint = pinpoint.users.endpoints("u-1")[0]
    assert endpoint.id is not None
    assert endpoint.id.startswith("idp-keycloak-")
    assert "u-1" not in endpoint.id
    assert endpoint.attributes == {"provider": ["keycloak"], "client": ["shop"]}
    assert (endpoint.opt_out, endpoint.address, endpoint.channel_type) == ("ALL", None, None)
    assert [e.user_id for e in recorded_events(pinpoint)] == ["u-1", "u-1"]


def test_another_key_makes_other_endpoints(pinpoint: pk.Pinpoint) -> None:
    """Nobody without the key can tell whose endpoint it is, and a short key is refused."""
    for key in (KEY, KEY[::-1]):
        Importer(pinpoint, key=key).load([login()], "keycloak")
    assert len(pinpoint.users.endpoints("u-1")) == 2
    with pytest.raises(ConfigurationError, match="key has 5 bytes"):
        Importer(pinpoint, key="short")


def test_failures_attach_nobody_and_make_one_endpoint_a_client(pinpoint: pk.Pinpoint) -> None:
    """A thousand guessed names are one endpoint, and a known person's failures another."""
    failure = {**login(), "type": "LOGIN_ERROR", "userId": None, "error": "user_not_found"}
    guesses = [{**failure, "time": MS + n, "details": {"username": f"n{n}"}} for n in range(30)]
    known = {**failure, "userId": "u-1", "error": "invalid_user_credentials"}
    report = load(pinpoint, [login(), *guesses, known])
    assert report.unknown_persons == 30
    failures = recorded_events(pinpoint, FAIL)
    assert len(failures) == 31
    assert {found.user_id for found in failures} == {None}
    assert len({found.endpoint_id for found in failures}) == 2
    assert len(pinpoint.users.endpoints("u-1")) == 1


def test_an_e_mail_address_as_user_id_becomes_a_keyed_hash(pinpoint: pk.Pinpoint) -> None:
    """So does every user id when that is asked for."""
    load(pinpoint, [login(userId="ana@example.com")])
    load(pinpoint, [login(1)], hash_users=True)
    users = {found.user_id for found in recorded_events(pinpoint, IN)}
    assert len(users) == 2
    assert all(user is not None and len(user) == 32 for user in users)


@pytest.mark.parametrize(
    ("places", "country", "region", "city"),
    [
        ("none", None, None, None),
        ("country", "PT", None, None),
        ("region", "PT", "Lisboa", None),
        ("city", "PT", "Lisboa", "Lisbon"),
    ],
)
def test_as_much_of_a_place_is_kept_as_is_wanted(
    pinpoint: pk.Pinpoint, places: Any, country: str, region: str, city: str
) -> None:
    """Only the country unless more or less is asked for."""
    record = {
        "class_uid": 3002,
        "activity_id": 1,
        "status_id": 1,
        "time": MS,
        "user": {"uid": "u-1"},
        "src_endpoint": {"location": {"country": "PT", "region": "Lisboa", "city": "Lisbon"}},
    }
    Importer(pinpoint, key=KEY, places=places).load([record], "ocsf")
    place = pinpoint.users.endpoints("u-1")[0].location
    assert (None if place is None else place.country) == country
    assert (None if place is None else place.region) == region
    assert (None if place is None else place.city) == city


# Sessions


def test_the_end_of_a_session_has_its_duration(pinpoint: pk.Pinpoint) -> None:
    """Also when the file begins with the latest record."""
    load(pinpoint, [logout(), login()])
    stop = recorded_events(pinpoint, STOP)[0]
    assert stop.event.session is not None
    assert stop.event.session.duration_ms == 5_000
    assert stop.user_id == "u-1"
    assert {found.endpoint_id for found in recorded_events(pinpoint)} == {stop.endpoint_id}


def test_an_end_without_a_start_has_no_duration(pinpoint: pk.Pinpoint) -> None:
    """It is recorded, counted, and not given a wrong one."""
    report = load(pinpoint, [logout()])
    stop = recorded_events(pinpoint, STOP)[0]
    assert stop.event.session is not None
    assert stop.event.session.duration_ms is None
    assert report.stops_without_start == 1


def test_the_end_of_a_session_finds_its_start_among_the_stored_events(
    pinpoint: pk.Pinpoint,
) -> None:
    """A new importer remembers nothing, and asks by the session's id."""
    load(pinpoint, [login(), login(1)])
    report = load(pinpoint, [logout(), logout(7)])
    assert report.stops_without_start == 1
    found = recorded_events(pinpoint, STOP)
    durations = {e.event.session.duration_ms for e in found if e.event.session is not None}
    assert durations == {5_000, None}
    known = next(e for e in found if e.event.session and e.event.session.duration_ms)
    assert known.user_id == "u-1"


def test_many_ends_of_sessions_are_looked_up_together(
    pinpoint: pk.Pinpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty by one request, each of them once; starts of the same file need none."""
    load(pinpoint, [login(n) for n in range(120)])
    asked: list[list[str]] = []
    find = pinpoint.events.find

    def noted(**filters: Any) -> Any:
        asked.append(list(filters["session_id"]))
        return find(**filters)

    monkeypatch.setattr(pinpoint.events, "find", noted)
    ends = [logout(n) for n in range(120)]
    report = load(pinpoint, [*ends, *ends[:3], login(200), logout(200)])
    assert report.stops_without_start == 0
    assert [len(sessions) for sessions in asked] == [50, 50, 20]
    found = [e.event.session for e in recorded_events(pinpoint, STOP)]
    assert [session.duration_ms for session in found if session is not None] == [5_000] * 121


def test_a_server_that_cannot_look_events_up_is_asked_once(
    pinpoint: pk.Pinpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends are recorded there without a duration."""
    asked: list[object] = []

    def find(**filters: object) -> None:
        asked.append(filters)
        raise ConfigurationError("FindEvents: not Pinpoint's own")

    monkeypatch.setattr(pinpoint.events, "find", find)
    report = load(pinpoint, [logout(), logout(1)])
    assert report.stops_without_start == 2
    assert len(asked) == 1


def test_a_start_from_before_a_restart_is_looked_up(pinpoint: pk.Pinpoint) -> None:
    """The history is asked by the session's id, once."""

    class History:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def session_start(self, session_id: str) -> SessionStart | None:
            self.asked.append(session_id)
            for found in recorded_events(pinpoint, START):
                session = found.event.session
                if session is not None and session.id == session_id:
                    assert session.start_timestamp is not None
                    return SessionStart(found.endpoint_id, session.start_timestamp)
            return None

    history = History()
    load(pinpoint, [login()], history=history)
    assert history.asked == []
    report = load(pinpoint, [logout(), logout(time=MS + 7_000)], history=history)
    assert report.stops_without_start == 0
    assert len(set(history.asked)) == len(history.asked) == 1
    sessions = [found.event.session for found in recorded_events(pinpoint, STOP)]
    assert sorted(s.duration_ms or 0 for s in sessions if s is not None) == [5_000, 7_000]


# Devices


def clients(pinpoint: pk.Pinpoint) -> set[str]:
    """Return the clients at which the user has an endpoint."""
    return {(e.attributes or {})["client"][0] for e in pinpoint.users.endpoints("u-1")}


def test_the_sixteenth_device_takes_the_place_of_the_one_used_least_lately(
    pinpoint: pk.Pinpoint,
) -> None:
    """All events keep their user, and a second run changes nothing."""
    records = [login(n, clientId=f"c{n}") for n in range(18)]
    report = load(pinpoint, records)
    assert report.replaced_devices == 3
    assert clients(pinpoint) == {f"c{n}" for n in range(3, 18)}
    assert [found.user_id for found in recorded_events(pinpoint, IN)] == ["u-1"] * 18
    again = load(pinpoint, records)
    assert (again.replaced_devices, again.unattached) == (0, 3)
    assert clients(pinpoint) == {f"c{n}" for n in range(3, 18)}
    assert len(recorded_events(pinpoint, IN)) == 18


def test_a_device_that_is_used_again_is_kept(pinpoint: pk.Pinpoint) -> None:
    """What counts is the last use, not the first; also over a restart."""
    day = 24 * 60
    load(pinpoint, [login(n * day, clientId=f"c{n}") for n in range(15)])
    load(pinpoint, [login(20 * day, clientId="c0"), login(21 * day, clientId="new")])
    assert clients(pinpoint) == {"new", "c0", *(f"c{n}" for n in range(2, 15))}
    load(pinpoint, [login(22 * day, clientId="c1")])
    assert clients(pinpoint) == {"new", "c0", "c1", *(f"c{n}" for n in range(3, 15))}


def test_the_last_use_counts_to_the_minute_within_a_run(pinpoint: pk.Pinpoint) -> None:
    """The stored date of use is written once a day; the importer remembers the exact one."""
    records = [login(n, clientId=f"c{n}") for n in range(15)]
    importer = Importer(pinpoint, key=KEY)
    importer.load([*records, login(20, clientId="c0"), login(21, clientId="new")], "keycloak")
    assert clients(pinpoint) == {"new", "c0", *(f"c{n}" for n in range(2, 15))}
    endpoints = {(e.attributes or {})["client"][0]: e for e in pinpoint.users.endpoints("u-1")}
    at_first = dt.datetime.fromtimestamp(MS // 1_000, dt.timezone.utc)
    stored = endpoints["c0"].effective_date
    assert stored is not None
    assert stored.replace(microsecond=0) == at_first


def test_endpoints_of_others_never_give_way(pinpoint: pk.Pinpoint) -> None:
    """A user whose places the app itself has taken keeps them; the sign-in is counted."""
    pinpoint.endpoints.update_many(Endpoint(id=f"app-{n}", user=User(id="u-1")) for n in range(15))
    report = load(pinpoint, [login()])
    assert (report.replaced_devices, report.unattached) == (0, 1)
    assert {e.id for e in pinpoint.users.endpoints("u-1")} == {f"app-{n}" for n in range(15)}
    assert types(pinpoint) == [START, IN]


# Files

RECORDS = [login(n) for n in range(5)]
LINES = "\n".join(json.dumps(record) for record in RECORDS)
FORMS = {
    "lines": LINES,
    "lines with blanks": "\n\n" + LINES.replace("\n", " \r\n\r\n") + "\n",
    "an array": json.dumps(RECORDS),
    "a pretty array": json.dumps(RECORDS, indent=2),
    "pretty objects": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "objects on one line": " ".join(json.dumps(record) for record in RECORDS),
    "an envelope": json.dumps({"Records": RECORDS}),
    "a pretty envelope": json.dumps({"value": RECORDS, "@odata.nextLink": "x"}, indent=1),
    "pages": "\n".join(json.dumps({"logs": [record]}) for record in RECORDS),
    "byte order mark": "\ufeff" + LINES,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_zipped", [False, True])
def test_every_form_of_file_is_read(
    pinpoint: pk.Pinpoint, tmp_path: Path, form: str, *, is_zipped: bool
) -> None:
    """JSON, JSON lines, arrays, several objects, envelopes, each also with gzip."""
    content = FORMS[form].encode()
    file = tmp_path / "records"
    file.write_bytes(gzip.compress(content) if is_zipped else content)
    report = Importer(pinpoint, key=KEY).load_file(file, "keycloak")
    assert (report.records, report.events, report.unreadable) == (5, {START: 5, IN: 5}, 0)


def test_a_folder_is_read_to_its_bottom(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """All files with known endings, in the order of their names."""
    for number, record in enumerate(RECORDS):
        folder = tmp_path / f"2024/{number}"
        folder.mkdir(parents=True)
        (folder / "part.json.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
        (folder / "_SUCCESS").write_text("")
    report = Importer(pinpoint, key=KEY).load_file(tmp_path, "keycloak")
    assert report.records == 5
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        Importer(pinpoint, key=KEY).load_file(tmp_path / "nowhere", "keycloak")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="no records in the folder"):
        Importer(pinpoint, key=KEY).load_file(tmp_path / "empty", "keycloak")


@pytest.mark.parametrize(
    ("content", "records", "unreadable"),
    [
        (LINES.encode() + b"\n{broken\n", 5, 1),
        (LINES.encode() + b"\n{\xff}\n", 5, 1),
        (json.dumps(RECORDS)[:-5].encode(), 4, 1),
        (gzip.compress(LINES.encode())[:-20], 0, 1),
        (b"", 0, 0),
        (b"\n \n", 0, 0),
        (b"\xff\xfe\x00", 0, 1),
    ],
)
def test_what_cannot_be_read_is_counted(
    pinpoint: pk.Pinpoint, content: bytes, records: int, unreadable: int
) -> None:
    """Broken pieces are counted, and what is whole is recorded."""
    report = Importer(pinpoint, key=KEY).load_file(io.BytesIO(content), "keycloak")
    assert report.unreadable == unreadable
    assert report.records >= records
    assert report.is_complete == (unreadable == 0)


def test_log_lines_are_read_from_a_file(pinpoint: pk.Pinpoint) -> None:
    """Lines that are no events are left out with a reason."""
    lines = (
        b"2024-08-13 15:58:19,000 INFO  [io.quarkus] (main) started\n"
        b"2024-08-13 15:58:20,353 DEBUG [org.keycloak.events] (x) type=LOGIN, realmId=r,"
        b" clientId=shop, userId=u-1, ipAddress=192.0.2.7, code_id=s-1\n"
    )
    report = Importer(pinpoint, key=KEY).load_file(io.BytesIO(lines), "keycloak")
    assert (report.events, report.ignored) == ({START: 1, IN: 1}, {"not_an_event": 1})


def test_a_large_array_is_read_item_by_item(pinpoint: pk.Pinpoint) -> None:
    """Pieces end in the middle of records."""
    array = json.dumps([login(n, note="x" * 700) for n in range(3_000)])
    assert len(array) > 2_000_000
    report = Importer(pinpoint, key=KEY).load_file(io.BytesIO(array.encode()), "keycloak")
    assert (report.records, report.unreadable) == (3_000, 0)


def test_the_page_of_an_api_is_a_record_source(pinpoint: pk.Pinpoint) -> None:
    """Envelopes are opened in `load` too, and a table of one's own is a provider."""
    okta_record = {
        "uuid": "e-1",
        "published": "2024-08-13T15:58:20Z",
        "eventType": "user.session.start",
        "outcome": {"result": "SUCCESS"},
        "actor": {"id": "u-1"},
    }
    importer = Importer(pinpoint, key=KEY)
    importer.load([{"data": {"events": [okta_record]}}], okta.TABLE)
    importer.load([[okta_record]], okta.read)
    assert importer.report.records == 2
    assert types(pinpoint) == [IN]


def test_no_answer_is_an_error_and_the_records_can_be_given_again(
    faulty_pinpoint: FaultyPinpoint,
) -> None:
    """What was not taken raises; a new import makes it complete, without duplicates."""
    with faulty_pinpoint.connect(retry=pk.RetryPolicy(max_attempts=1)) as pinpoint:
        importer = Importer(pinpoint, key=KEY)
        faulty_pinpoint.always(Fault.refused(500), operation="ImportEvents")
        with pytest.raises(pk.PinpointKitError):
            importer.load([login()], "keycloak")
        faulty_pinpoint.heal()
        load(pinpoint, [login()])
        assert sorted(e.event.type for e in faulty_pinpoint.events()) == [START, IN]


#: What a server answers that knows no ImportEvents.
FOREIGN = Fault.html(404)


def test_another_server_gets_endpoints_and_then_events(faulty_pinpoint: FaultyPinpoint) -> None:
    """It is asked once; the outcome is the same, devices that take another's place included."""
    records = [
        *[login(n, clientId=f"c{n}") for n in range(16)],
        {**login(), "type": "LOGIN_ERROR", "error": "expired_code"},
    ]
    with faulty_pinpoint.connect() as pinpoint:
        faulty_pinpoint.always(FOREIGN, operation="ImportEvents")
        report = load(pinpoint, records)
        asked = [request.operation for request in faulty_pinpoint.requests]
        assert asked.count("ImportEvents") == 1
        assert asked.index("UpdateEndpointsBatch") < asked.index("PutEvents")
        faulty_pinpoint.heal()
        seen = sorted((e.endpoint_id, e.user_id, e.event.id) for e in faulty_pinpoint.events())
    with pk.connect("sqlite://") as pinpoint:
        assert load(pinpoint, records) == report
        events = recorded_events(pinpoint)
        assert sorted((e.endpoint_id, e.user_id, e.event.id) for e in events) == seen
        assert report.replaced_devices == 1


def test_records_without_events_do_not_tell_what_a_server_can(
    faulty_pinpoint: FaultyPinpoint,
) -> None:
    """Nobody is asked for a window of ignored records, so the next one may still be refused."""
    ignored = {**login(), "type": "CODE_TO_TOKEN"}
    with faulty_pinpoint.connect() as pinpoint:
        faulty_pinpoint.always(FOREIGN, operation="ImportEvents")
        report = load(pinpoint, [*[ignored] * 1_000, login()])
        assert report.events == {START: 1, IN: 1}


def test_events_that_another_server_does_not_take_yet_are_an_error(
    faulty_pinpoint: FaultyPinpoint,
) -> None:
    """They are counted, and can be given again."""
    with faulty_pinpoint.connect(retry=pk.RetryPolicy(max_attempts=1)) as pinpoint:
        importer = Importer(pinpoint, key=KEY)
        faulty_pinpoint.script([FOREIGN], operation="ImportEvents")
        faulty_pinpoint.always(Fault.items(500))
        with pytest.raises(pk.DeliveryError, match="2 of 2 events not taken yet"):
            importer.load([login()], "keycloak")
        faulty_pinpoint.heal()
        importer.load([login()], "keycloak")
        assert sorted(e.event.type for e in faulty_pinpoint.events()) == [START, IN]
