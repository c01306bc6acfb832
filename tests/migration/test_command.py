"""`pinpoint-kit migrate customer-profiles`: exit status, answers, and the demo population."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli.app import cli
from pinpoint_kit.migration import customer_profiles
from pinpoint_kit.migration.customer_profiles import LoadReport
from tests.migration.outputs import profiles, snapshot, write_lines

if TYPE_CHECKING:
    from pathlib import Path


def _run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["migrate", "customer-profiles", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def test_files_are_converted(tmp_path: Path) -> None:
    """The summary is printed, and with --json the whole report."""
    source = write_lines(tmp_path / "e.json", {"Id": "1"}, {"Id": "2"})
    status, stdout, _ = _run(source, "--out", tmp_path / "out")
    assert status == 0
    assert "2 endpoints, 0 bad lines -> 2 profiles" in stdout
    status, stdout, _ = _run(source, "--out", tmp_path / "out", "--json")
    assert (status, json.loads(stdout)["profiles"]) == (0, 2)


def test_bad_lines_are_an_exit_status(tmp_path: Path) -> None:
    """What could not be read is shown with its line, and the status says so."""
    source = write_lines(tmp_path / "e.json", {"Id": "1"}, b"broken")
    status, stdout, stderr = _run(source, "--out", tmp_path / "out")
    assert status == 1
    assert "1 bad lines" in stdout
    assert "e.json: line 2: is not valid JSON" in stderr


@pytest.mark.slow
def test_a_database_and_its_export_are_the_same_profiles(tmp_path: Path) -> None:
    """The demo population converts from its database and from the file of a scan."""
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    result = CliRunner().invoke(cli, ["demo", "--users", "20", "--url", url])
    assert result.exit_code == 0, result.output
    export = tmp_path / "export.jsonl"
    result = CliRunner().invoke(
        cli, ["endpoint", "scan", str(export), "--url", url, "--application", "demo"]
    )
    assert result.exit_code == 0, result.output
    assert _run(url, "--application", "demo", "--out", tmp_path / "a")[0] == 0
    assert _run(export, "--out", tmp_path / "b")[0] == 0
    assert len(profiles(tmp_path / "a")) > 0
    assert snapshot(tmp_path / "a" / "profiles") == snapshot(tmp_path / "b" / "profiles")


def test_a_segment_is_converted(tmp_path: Path) -> None:
    """--segment leaves everybody else out."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with pk.connect(url, application="shop") as pinpoint:
        pinpoint.endpoints.update(pk.Endpoint(id="1", attributes={"plan": "pro"}))
        pinpoint.endpoints.update(pk.Endpoint(id="2"))
        segment = pinpoint.segments.create("pros", pk.where.attribute("plan").is_in("pro"))
    status, stdout, _ = _run(
        url, "--application", "shop", "--segment", segment.id, "--out", tmp_path / "out"
    )
    assert status == 0
    assert "1 endpoints" in stdout


def test_options_that_need_a_database_are_refused_for_files(tmp_path: Path) -> None:
    """Nothing is written then."""
    source = write_lines(tmp_path / "e.json", {"Id": "1"})
    status, _, stderr = _run(source, "--out", tmp_path / "out", "--segment", "s")
    assert status == 2
    assert "--segment go with the URL" in stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("failed", "expected"), [(0, 0), (2, 1)])
def test_load_puts_what_was_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: int, expected: int
) -> None:
    """--load hands the folder, the domain and the pace over, and its refusals are a status."""
    seen: dict[str, object] = {}

    def load(out: Path, domain: str, **options: object) -> LoadReport:
        seen.update(options, out=out, domain=domain)
        return LoadReport(domain=domain, loaded=1, failed=failed, first_failed=[])

    monkeypatch.setattr(customer_profiles, "load", load)
    source = write_lines(tmp_path / "e.json", {"Id": "1"})
    args = ("--load", "shop", "--region", "eu-west-1", "--rate", "50")
    status, stdout, _ = _run(source, "--out", tmp_path / "out", *args)
    assert status == expected
    assert f"shop: 1 profile objects loaded, {failed} refused" in stdout
    assert (seen["domain"], seen["region"], seen["rate"]) == ("shop", "eu-west-1", 50.0)
