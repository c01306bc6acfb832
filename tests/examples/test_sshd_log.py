"""What `examples/sshd_signins.py` reads out of lines, friendly and hostile ones.

Lines are in the forms that sshd and PAM write; the hosts are documentation addresses.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing import in_time

if TYPE_CHECKING:
    from examples import sshd_signins
else:
    _PATH = Path(__file__).resolve().parents[2] / "examples" / "sshd_signins.py"
    _SPEC = importlib.util.spec_from_file_location("sshd_signins", _PATH)
    sshd_signins = importlib.util.module_from_spec(_SPEC)
    sys.modules["sshd_signins"] = sshd_signins
    _SPEC.loader.exec_module(sshd_signins)

AT = b"Dec 10 09:32:20 host "
END = b" from 192.0.2.7 port 49116 ssh2"
PRINT = b"SHA256:" + b"a" * 43


def read(*lines: bytes, year: int = 2025) -> list[sshd_signins.Reading]:
    """Read lines, each with its line end."""
    return list(sshd_signins.read_log([line + b"\n" for line in lines], year=year))


def found(*lines: bytes) -> list[tuple[str, str | None, str]]:
    """Type, user and host of all events of the lines."""
    return [(e.event.type, e.user, e.host) for reading in read(*lines) for e in reading.events]


def reasons(*lines: bytes) -> list[str]:
    """Why each line gives no event; "" where it does."""
    return [reading.reason for reading in read(*lines)]


def failed(user: bytes, *, tail: bytes = END) -> bytes:
    """Return a failed attempt in sshd's own words."""
    return AT + b"sshd[1]: Failed password for invalid user " + user + tail


# The forms


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"sshd[1]: Accepted password for ana", ("_userauth.sign_in", "ana")),
        (b"sshd-session[1]: Accepted password for ana", ("_userauth.sign_in", "ana")),
        (b"/usr/sbin/sshd[1]: Accepted password for ana", ("_userauth.sign_in", "ana")),
        (b"sshd[1]: Failed password for ana", ("_userauth.auth_fail", "ana")),
        (b"sshd[1]: Failed password for invalid user ana", ("_userauth.auth_fail", "ana")),
        (b"sshd[1]: Failed password for illegal user ana", ("_userauth.auth_fail", "ana")),
        (b"sshd[1]: Failed none for invalid user ana", ("_userauth.auth_fail", "ana")),
        (b"sshd[1]: Failed keyboard-interactive/pam for ana", ("_userauth.auth_fail", "ana")),
    ],
)
def test_sshd_s_own_lines(message: bytes, expected: tuple[str, str]) -> None:
    """Sshd's lines of one attempt give one event with the user and the host."""
    assert found(AT + message + END) == [(*expected, "192.0.2.7")]


@pytest.mark.parametrize(
    ("message", "user", "host"),
    [
        (b"sshd(pam_unix)[1]: %s rhost=A.example  user=root", "root", "a.example"),
        (b"sshd(pam_unix)[1]: %s rhost=192.0.2.7 ", None, "192.0.2.7"),
        (b"gdm(pam_unix)[1]: %s rhost= ", None, ""),
        (b"login[1]: pam_unix(login:auth): %s rhost=  user=root", "root", ""),
        (b"sudo: pam_unix(sudo:auth): %s rhost=  user=ana", "ana", ""),
        (b"vsftpd[1]: pam_unix(vsftpd:auth): %s rhost=2001:db8::7 user=ana", "ana", "2001:db8::7"),
    ],
)
def test_pam_s_failures(message: bytes, user: str | None, host: str) -> None:
    """PAM's failures of services that do not report themselves give one event each."""
    failure = b"authentication failure; logname= uid=0 euid=0 tty=x ruser="
    assert found(AT + message % failure) == [("_userauth.auth_fail", user, host)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not a log line"),
        (b"Dec 10", "not a log line"),
        (b"\x00\xff\xfe", "not a log line"),
        (b"Dec 32 09:32:20 host sshd[1]: Accepted password for a" + END, "impossible date"),
        (b"Feb 29 09:32:20 host sshd[1]: Accepted password for a" + END, "impossible date"),
        (b"Dec 10 25:32:20 host sshd[1]: Accepted password for a" + END, "impossible date"),
        (b"9999-12-31T23:59:59-12:00 host sshd[1]: x", "impossible date"),
        (AT + b"x" * 65_536, "too long"),
        (AT + b"kernel: Failed password for root" + END, "other programs"),
        (AT + b"evil(pam_evil)[1]: session opened for user a by (uid=0)", "other programs"),
        (AT + b"CRON[1]: pam_unix(cron:session): session closed for user a", "other programs"),
        (AT + b"sshd[1]: Connection closed by 192.0.2.7", "connections and other news of sshd"),
        (AT + b"sshd[1]: pam_unix(sshd:auth): check pass; user unknown", "other news of PAM"),
        (AT + b"sshd[1]: pam_unix(sshd:session): session opened for user ana", "cut off"),
        (AT + b"su(pam_unix)[1]: session closed for user a", "session that began before the log"),
        (AT + b"su(pam_unix)[1]: authentication failure; logname= uid=0", "cut off"),
        (AT + b"last message repeated 2 times", "repeats of other lines"),
        (AT + b"sshd[1]: message repeated 2 times: [ pam_unix(sshd:session): session opened"
         b" for user ana by (uid=0)]", "repeated session line"),
    ],
)  # fmt: skip
def test_what_gives_no_event(line: bytes, reason: str) -> None:
    """A line that is no sign-in, or no complete one, is counted by its reason."""
    assert reasons(line) == [reason]


def test_times_with_a_year_and_a_zone() -> None:
    """Newer systems write the year and the zone: the event has the instant in UTC."""
    [reading] = read(
        b"2024-02-29T23:30:00.123456-02:00 host sshd[1]: Accepted password for a" + END
    )
    [event] = reading.events
    assert event.event.timestamp == dt.datetime(
        2024, 3, 1, 1, 30, 0, 123000, tzinfo=dt.timezone.utc
    )


# One attempt, one event


def test_pam_and_sshd_tell_of_one_attempt() -> None:
    """In today's form PAM's lines repeat what sshd says: only sshd's count."""
    pam = b"sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh"
    lines = [
        AT + pam + b" ruser= rhost=192.0.2.7  user=root",
        AT + b"sshd[1]: Failed password for root" + END,
        AT + b"sshd[1]: message repeated 5 times: [ Failed password for root" + END + b"]",
        AT + b"sshd[1]: PAM 5 more authentication failures; logname= uid=0 euid=0 tty=ssh"
        b" ruser= rhost=192.0.2.7  user=root",
    ]
    assert len(found(*lines)) == 6
    copy = "PAM's copy of what sshd says itself"
    assert reasons(*lines) == [copy, "", "", copy]


def test_old_pam_and_sshd_in_one_log() -> None:
    """In the old form PAM's line counts, and sshd's lines of that process only what is more."""
    old = AT + b"sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=ssh ruser="
    own = AT + b"sshd[1]: Failed password for root" + END
    pam = old + b" rhost=h.example  user=root"
    assert [host for _, _, host in found(pam, own)] == ["h.example"]
    assert [host for _, _, host in found(pam, own, own)] == ["h.example", "192.0.2.7"]
    more = pam.replace(b"authentication failure;", b"2 more authentication failures;")
    assert len(found(pam, more, own, own, own)) == 3
    later = own.replace(b"09:32", b"09:43")
    assert len(found(pam, later)) == 2
    other = own.replace(b"[1]", b"[2]")
    assert len(found(pam, other)) == 2


def test_repeats_of_syslogd_itself() -> None:
    """`last message repeated N times` repeats the line before it of the same machine."""
    line = AT + b"gdm(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=:0 ruser="
    repeat = AT + b"last message repeated 3 times"
    assert len(found(line + b" rhost= ", repeat)) == 4
    assert len(found(line + b" rhost= ", AT + b"kernel: news", repeat)) == 1
    assert len(found(line + b" rhost= ", repeat.replace(b"host", b"other"))) == 1


def test_a_number_of_repeats_is_believed_within_reason() -> None:
    """A billion repeats are no billion events."""
    for number in (b"0", b"101", b"999999999", b"9" * 30):
        line = b"message repeated %s times: [ Failed password for root%s]" % (number, END)
        assert found(AT + b"sshd[1]: " + line) == []


def test_a_line_that_is_there_twice_counts_twice_with_ids_of_its_own() -> None:
    """Two attempts in one second look the same; their ids differ, and are the same next time."""
    first, second = (reading.events[0].event.id for reading in read(failed(b"a"), failed(b"a")))
    assert first != second
    again = [e.event.id for reading in read(failed(b"a"), failed(b"a")) for e in reading.events]
    assert again == [first, second]


def test_ids_stay_when_the_log_grows() -> None:
    """What a longer log says of its first lines is what the shorter one said."""
    lines = [failed(b"a"), failed(b"b"), failed(b"a"), failed(b"c")]
    for length in range(len(lines)):
        assert read(*lines)[:length] == read(*lines[:length])


# Sessions


def test_a_session_has_its_duration() -> None:
    """Start and stop carry one session; the stop has the distance of the two lines."""
    [accepted, start, stop] = read(
        AT + b"sshd[7]: Accepted password for ana" + END,
        AT + b"sshd[7]: pam_unix(sshd:session): session opened for user ana(uid=7) by (uid=0)",
        b"Dec 10 09:45:06 host sshd[7]: pam_unix(sshd:session): session closed for user ana",
    )
    assert [e.event.type for e in accepted.events] == ["_userauth.sign_in"]
    [begin], [end] = start.events, stop.events
    assert begin.event.session is not None
    assert end.event.session is not None
    assert begin.event.session.id == end.event.session.id
    assert end.event.session.duration_ms == 766_000
    assert begin.endpoint_id == end.endpoint_id == accepted.events[0].endpoint_id


def test_sessions_of_one_user_overlap() -> None:
    """Several sessions at one endpoint end each in its own time."""
    opened = b"Dec 10 09:00:0%d host sshd(pam_unix)[%d]: session opened for user a by (uid=0)"
    closed = b"Dec 10 09:0%d:00 host sshd(pam_unix)[%d]: session closed for user a"
    readings = read(opened % (1, 1), opened % (2, 2), closed % (3, 1), closed % (5, 2))
    stops = [e.event.session for reading in readings[2:] for e in reading.events]
    assert [session.duration_ms for session in stops if session] == [179_000, 298_000]
    assert len({e.endpoint_id for reading in readings for e in reading.events}) == 1


def test_a_session_without_accepted_is_a_sign_in_unless_of_su() -> None:
    """Where only PAM's lines are there, the session tells of the sign-in; su needs none."""
    opened = b"(pam_unix)[1]: session opened for user a by root(uid=0)"
    start = ("_session.start", "a", "")
    assert found(AT + b"login" + opened) == [("_userauth.sign_in", "a", ""), start]
    assert found(AT + b"su" + opened) == [start]


def test_an_old_accepted_does_not_lend_its_host() -> None:
    """A process number is used again: after ten minutes the session is somebody else's."""
    accepted = b"Dec 10 09:20:00 host sshd[1]: Accepted password for a" + END
    opened = AT + b"sshd[1]: pam_unix(sshd:session): session opened for user a by (uid=0)"
    assert found(accepted, opened)[1:] == [
        ("_userauth.sign_in", "a", ""),
        ("_session.start", "a", ""),
    ]


def test_a_clock_that_is_set_back_gives_no_negative_duration() -> None:
    """The duration is 0 then."""
    readings = read(
        AT + b"su[1]: pam_unix(su:session): session opened for user a by (uid=0)",
        b"Dec 10 09:00:00 host su[1]: pam_unix(su:session): session closed for user a",
    )
    session = readings[1].events[0].event.session
    assert session is not None
    assert session.duration_ms == 0


# Hostile names


HOSTILE = [
    b"",
    b" ",
    b" 0101",
    b"root from 198.51.100.1 port 22 ssh2",
    b"root from 198.51.100.1 port 22 ssh2: RSA " + PRINT,
    b"x from 198.51.100.1 port 22 ssh2]",
    b"a rhost=198.51.100.1  user=root",
    b"invalid user root",
    b"${jndi:ldap://198.51.100.1/x}",
    b"a/../../b\\c\"d'e",
    b"\x1b[2J\x07\x00\t\r",
    b"\xff\xfe\xc3\x28",
    "ünï❤\u202e\u2028".encode(),
    b"x" * 10_240,
    b"from",
    b" from ",
]


@pytest.mark.parametrize("user", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_forges_nothing(user: bytes) -> None:
    """Whatever name is tried, the host is the one that sshd wrote, and the name is kept whole."""
    [(kind, name, host)] = found(failed(user))
    assert (kind, host) == ("_userauth.auth_fail", "192.0.2.7")
    assert name is not None
    assert name.encode("utf-8", "surrogateescape") == user


@given(st.binary(max_size=300).filter(lambda user: b"\n" not in user))
@settings(deadline=None)
def test_no_name_forges_anything(user: bytes) -> None:
    """The same for any bytes without a line end, as sshd writes none."""
    [(_, name, host)] = found(failed(user))
    assert name is not None
    assert (name.encode("utf-8", "surrogateescape"), host) == (user, "192.0.2.7")


@given(st.integers(0, 200), st.sampled_from(HOSTILE))
@settings(deadline=None)
def test_a_line_cut_short_is_left_out(cut: int, user: bytes) -> None:
    """A cut line gives no event, or one of a host that really stands in the line."""
    line = failed(user)
    for _, _, host in found(line[: max(0, len(line) - 1 - cut)]):
        # Only where the name itself has the end of a line can the cut fall behind it.
        assert user.endswith((b"ssh2", PRINT)) or b"ssh2" in user
        assert host == "198.51.100.1"


def test_keys_and_certificates() -> None:
    """A fingerprint may follow; a certificate's id that could be a host makes the line void."""
    key = END + b": ED25519 " + PRINT
    assert found(failed(b"a", tail=key))[0][2] == "192.0.2.7"
    name = b" ID %s (serial 0) CA RSA " + PRINT
    certificate = END + b": RSA-CERT " + PRINT + name
    assert found(failed(b"a", tail=certificate % b"laptop"))[0][2] == "192.0.2.7"
    for forged in (
        b"y from 198.51.100.1 port 22 ssh2",
        b"y from 198.51.100.1 port 22 ssh2: RSA " + PRINT,
        b"y from 198.51.100.1 port 22 ssh2: RSA-CERT " + PRINT + b" ID z",
    ):
        line = failed(b"a", tail=certificate % forged)
        assert reasons(line)[0] in {"cut off", "can be read in two ways"}


def test_a_remote_user_does_not_forge_pam_s_host() -> None:
    """Where the other side chooses `ruser`, a second rhost makes the line void."""
    line = AT + b"rlogin(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=x ruser="
    assert reasons(line + b"x rhost=198.51.100.1  user=a rhost=192.0.2.7  user=b") == [
        "can be read in two ways"
    ]
    own = line.replace(b"rlogin", b"sshd") + b" rhost=192.0.2.7  user=a rhost=198.51.100.1 "
    assert found(own) == [("_userauth.auth_fail", "a rhost=198.51.100.1 ", "192.0.2.7")]


def test_endpoints_are_told_apart() -> None:
    """One endpoint for each user and host, also where joining their texts would be ambiguous."""
    users: list[tuple[str | None, str]] = [("a", "b"), ("a,b", ""), ('a", "b', ""), (None, "b")]
    users += [("", "b"), ("null", "b"), ("A", "b"), ("\udcff", "b"), ("\\udcff", "b")]
    event = read(failed(b"a"))[0].events[0].event
    ids = {sshd_signins.SignIn(event=event, user=u, host=h).endpoint_id for u, h in users}
    assert len(ids) == len(users)
    assert all(i.isascii() and not set(i) & set("${}") for i in ids)


@given(st.lists(st.binary(max_size=200) | st.sampled_from([failed(u) for u in HOSTILE])))
@settings(deadline=None)
def test_every_line_gives_events_or_a_reason(lines: list[bytes]) -> None:
    """Any bytes can be read: each line gives events or a reason, never both, never neither."""
    readings = list(sshd_signins.read_log(lines, year=2025))
    assert len(readings) == len(lines)
    assert all(bool(reading.events) != bool(reading.reason) for reading in readings)
    for reading in readings:
        for event in reading.events:
            values = (event.event.attributes or {}).values()
            assert all(len(value) <= 200 and value.isprintable() for value in values)


@given(st.text(), st.integers(1, 50))
def test_shown_text_is_harmless(text: str, longest: int) -> None:
    """What is printed has no control characters and keeps to its length."""
    result = sshd_signins.shown(text, longest)
    assert result.isprintable()
    assert len(result) <= longest


HOSTILE_PIECES = (b" from ", b"a from 1 port 1 ssh2: ", b" by ", b"(serial 1) CA ", b"rhost= ")


def seconds_to_read(piece: bytes, length: int) -> float:
    """Return the CPU time for lines that repeat a piece up to this length; the best of three."""
    text = piece * (length // len(piece))
    lines = (
        failed(text),
        AT + b"su(pam_unix)[1]: session opened for user " + text,
        AT + b"su(pam_unix)[1]: authentication failure; logname=" + text,
        text,
    )
    times = []
    for _ in range(3):
        began = time.process_time()
        read(*lines)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_lines_take_no_more_time_than_others(piece: bytes) -> None:
    """Texts made to keep a pattern busy take time in proportion to their length, not its square."""
    long = seconds_to_read(piece, 60_000)
    in_time(long, 9 * seconds_to_read(piece, 15_000) + 0.01)  # in proportion: 4; its square: 16


# The year


def dated(*stamps: str, year: int | None = None, not_after: str = "2026-01-15T18:00") -> list[str]:
    """Return the dates that the lines get."""
    lines = [f"{stamp} 12:00:00 host sshd[1]: Failed password for a".encode() + END
             for stamp in stamps]  # fmt: skip
    latest = dt.datetime.fromisoformat(not_after).replace(tzinfo=dt.timezone.utc)
    zero = sshd_signins.year_zero(lines, not_after=latest, last_year=year)
    return [
        f"{e.event.timestamp:%Y-%m-%d}" if e.event.timestamp else ""
        for reading in sshd_signins.read_log(lines, year=zero)
        for e in reading.events
    ]


def test_the_last_line_is_not_younger_than_the_file() -> None:
    """A December log read in January is last year's; a day's grace is for time zones."""
    assert dated("Dec 10") == ["2025-12-10"]
    assert dated("Jan 14") == ["2026-01-14"]
    assert dated("Jan 16") == ["2026-01-16"]
    assert dated("Jan 17") == ["2025-01-17"]


def test_the_year_turns() -> None:
    """December before January is the year before, and stragglers stay where they belong."""
    assert dated("Nov 30", "Dec 31", "Jan  1") == ["2025-11-30", "2025-12-31", "2026-01-01"]
    assert dated("Dec 31", "Jan  1", "Dec 31", "Jan  2") == [
        "2025-12-31",
        "2026-01-01",
        "2025-12-31",
        "2026-01-02",
    ]
    assert dated("Jul  1", "Dec  1", "Mar  1", "Aug  1", "Jan  1")[0] == "2024-07-01"


def test_a_given_year_is_that_of_the_last_line() -> None:
    """`--year` overrides."""
    assert dated("Dec 31", "Jan  1", year=2005) == ["2004-12-31", "2005-01-01"]


def test_a_leap_day_finds_its_year() -> None:
    """A log with the 29th of February is of a leap year."""
    assert dated("Feb 29", "Mar  1") == ["2024-02-29", "2024-03-01"]
    assert dated("Feb 29", "Mar  1", year=2023) == ["2023-03-01"]


def test_a_clock_that_starts_in_january_heals() -> None:
    """A machine without a clock starts at the first of January: only that line is off."""
    assert dated("Dec 10", "Jan  1", "Dec 10")[::2] == ["2025-12-10", "2025-12-10"]


def test_a_log_without_times_has_a_year() -> None:
    """With nothing to go by it is the file's."""
    latest = dt.datetime(2026, 1, 15, tzinfo=dt.timezone.utc)
    assert sshd_signins.year_zero([], not_after=latest, last_year=None) == 2026
