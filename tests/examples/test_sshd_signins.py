"""What `examples/sshd_signins.py` stores, and its numbers on two logs of `tests/data/sshd`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit.testing import recorded_events

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests" / "data" / "sshd"

if TYPE_CHECKING:
    from examples import sshd_signins
else:
    _PATH = ROOT / "examples" / "sshd_signins.py"
    _SPEC = importlib.util.spec_from_file_location(
        "sshd_signins", ROOT / "examples/sshd_signins.py"
    )
    sshd_signins = importlib.util.module_from_spec(_SPEC)
    sys.modules["sshd_signins"] = sshd_signins
    _SPEC.loader.exec_module(sshd_signins)

AT = b"Dec 10 09:32:%02d host sshd[%d]: "


def run(pinpoint: pk.Pinpoint, *lines: bytes) -> sshd_signins.Summary:
    """Record lines of 2025."""
    importer = sshd_signins.Importer(pinpoint)
    for reading in sshd_signins.read_log(lines, year=2025):
        importer.add(reading)
    return importer.finish()


def from_host(verb: bytes, number: int, user: bytes = b"root") -> bytes:
    """Return a line of sshd about the host of that number."""
    line = b" password for %s from 192.0.2.%d port 22 ssh2" % (user, number)
    return AT % (number % 60, number) + verb + line


def main(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Return the exit status, the output and the errors of the program."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sshd_signins.py", *map(str, arguments)])
        try:
            status = sshd_signins.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# Users and endpoints


def test_attackers_do_not_become_endpoints_of_their_target(pinpoint: pk.Pinpoint) -> None:
    """Failures from forty hosts leave the user's places free for the one host that signs in."""
    attacks = [from_host(b"Failed", number) for number in range(1, 41)]
    summary = run(pinpoint, *attacks, from_host(b"Accepted", 50))

    [endpoint] = pinpoint.users.endpoints("root")
    assert endpoint.attributes == {"user_name": ["root"], "remote_host": ["192.0.2.50"]}
    assert len(summary.endpoints) == 41
    assert summary.is_complete
    recorded = recorded_events(pinpoint)
    assert len(recorded) == 41
    assert {(at.event.attributes or {})["user_name"] for at in recorded} == {"root"}


def test_the_first_fifteen_hosts_of_a_user_are_attached(pinpoint: pk.Pinpoint) -> None:
    """From the sixteenth host on the endpoint stands without its user, and nothing is refused."""
    summary = run(pinpoint, *(from_host(b"Accepted", number) for number in range(1, 21)))

    hosts = [
        (found.attributes or {})["remote_host"][0] for found in pinpoint.users.endpoints("root")
    ]
    assert sorted(hosts) == sorted(f"192.0.2.{number}" for number in range(1, 16))
    assert len(summary.without_user) == 5
    assert summary.is_complete
    for endpoint_id in summary.without_user:
        assert (pinpoint.endpoints.get(endpoint_id).attributes or {})["user_name"] == ["root"]


def test_a_second_run_knows_the_endpoints_of_the_first(pinpoint: pk.Pinpoint) -> None:
    """The fifteen are counted over all runs, and a known host stays attached."""
    run(pinpoint, *(from_host(b"Accepted", number) for number in range(1, 15)))
    summary = run(pinpoint, *(from_host(b"Accepted", number) for number in range(10, 21)))

    assert len(pinpoint.users.endpoints("root")) == 15
    assert len(summary.without_user) == 5
    assert summary.is_complete


def test_a_failure_before_and_after_a_sign_in(pinpoint: pk.Pinpoint) -> None:
    """The sign-in attaches the user to the endpoint of the failure; a later failure leaves it."""
    lines = (from_host(b"Failed", 1), from_host(b"Accepted", 1), from_host(b"Failed", 1))
    run(pinpoint, *lines)

    assert len(pinpoint.users.endpoints("root")) == 1
    assert [at.user_id for at in recorded_events(pinpoint)][1:] == ["root", "root"]


def test_a_refused_endpoint_is_not_passed_over(pinpoint: pk.Pinpoint) -> None:
    """When the service takes the event but not its endpoint, the run is not complete."""
    importer = sshd_signins.Importer(pinpoint)
    for number in range(15):
        pinpoint.endpoints.update(pk.Endpoint(id=f"other-{number}", user=pk.User(id="root")))
    importer._attached["root"] = set()  # as if others had taken the places meanwhile
    for reading in sshd_signins.read_log([from_host(b"Accepted", 1)], year=2025):
        importer.add(reading)
    summary = importer.finish()
    pinpoint.close()  # all callbacks ran

    assert summary.report.accepted == 1
    assert len(summary.refused) == 1
    assert not summary.is_complete


NAMES = [b"", b" ", b"${x}", b"a/b\\c\"'", b"\xff\x00\x1b[2J", b"x" * 10_240, "ünï".encode(), b"{}"]


@pytest.mark.parametrize("verb", [b"Accepted", b"Failed"])
def test_odd_names_are_accepted(pinpoint: pk.Pinpoint, verb: bytes) -> None:
    """Any name can be recorded, as one who failed and as one who signed in."""
    lines = [from_host(verb, n, user) for n, user in enumerate(NAMES)]
    summary = run(pinpoint, *lines, AT % (59, 99) + b"pam_unix(sshd:session): session opened")

    assert summary.is_complete
    assert summary.report.accepted == len(NAMES)
    assert len(summary.endpoints) == len(NAMES)
    for at in recorded_events(pinpoint):
        assert pinpoint.endpoints.get(at.endpoint_id).id == at.endpoint_id
    assert sshd_signins.summary_text("\x1b[2J", summary).replace("\n", "").isprintable()


def test_a_second_run_adds_only_what_is_new(pinpoint: pk.Pinpoint) -> None:
    """The same log again adds nothing, the log grown longer only its new lines."""
    lines = [from_host(b"Failed", 1), from_host(b"Failed", 1), from_host(b"Accepted", 2)]
    opened = AT % (3, 2) + b"pam_unix(sshd:session): session opened for user root by (uid=0)"
    run(pinpoint, *lines, opened)
    [start] = recorded_events(pinpoint, "_session.start")
    before = recorded_events(pinpoint)
    run(pinpoint, *lines, opened)
    assert recorded_events(pinpoint) == before

    closed = AT % (9, 2) + b"pam_unix(sshd:session): session closed for user root"
    run(pinpoint, *lines, opened, closed)
    added = recorded_events(pinpoint)[len(before) :]
    assert [at.event.type for at in added] == ["_session.stop"]
    assert added[0].event.session is not None
    assert start.event.session is not None
    assert added[0].event.session.id == start.event.session.id
    assert added[0].event.session.duration_ms == 6_000


# The program


def test_main_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, a wrong URL and a wrong year end with status 2 and a sentence."""
    log = tmp_path / "auth.log"
    assert main(capsys, log)[0] == 2
    log.write_bytes(b"")
    status, out, err = main(capsys, log, "--url", "nonsense")
    assert (status, out) == (2, "")
    assert "not a URL" in err
    assert main(capsys, log, "--url", "sqlite://", "--year", "0")[0] == 2
    assert main(capsys, tmp_path, "--url", "sqlite://")[0] == 2


def test_main_reads_any_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty file, and one line that is longer than memory should hold, are no trouble."""
    log = tmp_path / "auth.log"
    log.write_bytes(b"")
    assert main(capsys, log, "--url", "sqlite://")[0] == 0
    too_long = b"x" * 65_537 + from_host(b"Failed", 66)
    log.write_bytes(b"\n".join([from_host(b"Failed", 1), too_long, b"y" * 200_000]))
    status, out, _ = main(capsys, log, "--url", "sqlite://")
    assert status == 0
    counts = dict(line.rsplit(maxsplit=1) for line in out.splitlines()[1:])
    assert {name.strip(): int(count) for name, count in counts.items()}["too long"] == 2
    assert counts["lines read"] == "3"
    assert "192.0.2.66" not in out


def test_main_fails_when_something_is_not_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is 1 when events were rejected, and the summary says how many."""
    log = tmp_path / "auth.log"
    log.write_bytes(from_host(b"Failed", 1))
    real = pk.connect

    def strict(url: str, **options: Any) -> pk.Pinpoint:
        return real(url, limits=attrs.evolve(pk.Limits(), max_event_bytes=1), **options)

    monkeypatch.setattr(pk, "connect", strict)
    status, out, _ = main(capsys, log, "--url", "sqlite://")
    assert status == 1
    assert "  rejected" + " " * 54 + "1" in out.splitlines()


# Two whole logs


def numbers_of(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> dict[str, str]:
    """Run the program on a log, twice on one database; returns label -> count."""
    url = f"sqlite:///{tmp_path / 'signins.db'}"
    outputs = []
    for _ in range(2):
        status, out, err = main(capsys, LOGS / name, "--url", url)
        assert (status, err) == (0, "")
        outputs.append(out)
    assert outputs[0] == outputs[1]
    counts = {}
    for line in outputs[0].splitlines()[1:]:
        label, count = line.rsplit(maxsplit=1)
        counts[label.strip()] = count.replace(",", "")
    with pk.connect(url, application="sshd") as pinpoint:
        stored = recorded_events(pinpoint)
        assert len(stored) == int(counts["events"])  # the second run added nothing
        assert len({at.endpoint_id for at in stored}) == int(counts["endpoints"])
    return counts


def test_a_log_of_openssh(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The numbers of openssh.log are those that grep and awk find (commands beside them)."""
    counts = numbers_of("openssh.log", capsys, tmp_path)
    expected = {
        # grep -c ''
        "lines read": 46,
        # grep -cE '\]: Failed ' is 8; grep -oE 'message repeated [0-9]+' gives 5
        "_userauth.auth_fail": 8 + 5,
        # grep -c ': Accepted '
        "_userauth.sign_in": 1,
        # grep -c 'session opened', grep -c 'session closed'
        "_session.start": 1,
        "_session.stop": 1,
        # 09:32:20 to 09:45:06, the two session lines
        "seconds in ended sessions": 766,
        # grep -cE 'Accepted|\]: Failed|message repeated|session (opened|closed)'
        "understood": 12,
        # grep -cE 'sshd:auth\): authentication failure|PAM [0-9]+ more'
        "PAM's copy of what sshd says itself": 8,
        # grep -c 'check pass'
        "other news of PAM": 4,
        # what is left of the 46
        "connections and other news of sshd": 22,
        # grep -E 'Failed (password|none) for' | sed -E 's/.*Failed [a-z]+ for (invalid user )?
        #   (.*) from [0-9.]+ port [0-9]+ ssh2\]?\r?$/\2/' | sort -u | wc -l
        "names that failed to": 5,
        # grep -cE 'Failed password for root from' less the repeating line is 3, and 5 more
        "root": 8,
        # the same with the host: 4, and that of the one sign-in
        "remote hosts": 5,
        # the same with user@host: 7, and that of the one sign-in
        "endpoints": 8,
        "users that signed in": 1,
        "ana": 1,
        "left without their user (over 15)": 0,
        "accepted": 16,
    }
    assert {label: int(counts[label]) for label in expected} == expected


def test_a_log_of_an_old_system(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The numbers of linux.log are those that grep and awk find (commands beside them)."""
    counts = numbers_of("linux.log", capsys, tmp_path)
    expected = {
        # grep -c ''
        "lines read": 26,
        # grep -c 'authentication failure': 7 of sshd(pam_unix), 1 of gdm(pam_unix)
        "_userauth.auth_fail": 8,
        # grep 'session opened' | awk '{print $5}' | sed 's/\[.*//' | sort | uniq -c
        #   1 login, 2 sshd; the 2 of su are sessions and no sign-ins
        "_userauth.sign_in": 3,
        "_session.start": 1 + 2 + 2,
        # grep -c 'session closed'
        "_session.stop": 5,
        # awk '/session (opened|closed)/ {split($3, t, ":"); s = t[1]*3600 + t[2]*60 + t[3];
        #   if (/opened/) o[$5] = s; else sum += s - o[$5]} END {print sum}'   none passes midnight
        "seconds in ended sessions": 974,
        "sessions that the log does not end": 0,
        # 8 + 2 * 5
        "understood": 18,
        # grep -c 'check pass'
        "other news of PAM": 2,
        # grep -vcE 'authentication failure|session (opened|closed)|check pass'
        "other programs": 6,
        # grep 'authentication failure' | grep -oE ' user=[^ ]*' | sort | uniq -c
        #   1 guest, 3 root, 1 test; who signed in stands above, and the later row wins here
        "names that failed to": 4,
        "root": 3,
        "guest": 1,
        "(not named)": 8 - 3 - 1 - 1,
        # grep 'authentication failure' | sed -E 's/.*rhost=([^ ]*) .*/\1/' | sort -u: 6, one empty
        "remote hosts": 5,
        # the same with the user: 6 pairs; 4 more of sessions, which name no host
        "endpoints": 10,
        "users that signed in": 2,
        "accepted": 8 + 3 + 2 * 5,
    }
    assert {label: int(counts[label]) for label in expected} == expected
