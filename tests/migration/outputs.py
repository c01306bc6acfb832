"""Reads what a conversion has written, as somebody would who knows nothing of the converter."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["contacts", "devices", "everything", "profiles", "snapshot", "suppressed", "write_lines"]

SLOTS = (
    "EmailAddress",
    "PersonalEmailAddress",
    "BusinessEmailAddress",
    "PhoneNumber",
    "HomePhoneNumber",
    "MobilePhoneNumber",
    "BusinessPhoneNumber",
)


def profiles(out: Path) -> list[dict[str, Any]]:
    """Return all profile objects, in their order."""
    return [
        json.loads(line)
        for part in sorted((out / "profiles").glob("*.jsonl"))
        for line in part.read_bytes().splitlines()
    ]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def devices(out: Path) -> list[dict[str, str]]:
    """Return the rows of the table of devices."""
    return _table(out / "devices.csv")


def suppressed(out: Path) -> list[dict[str, str]]:
    """Return the rows of the suppression list."""
    return _table(out / "suppression.csv")


def problems(out: Path) -> list[dict[str, str]]:
    """Return the rows of the list of problems."""
    return _table(out / "problems.csv")


def contacts(out: Path) -> set[str]:
    """Return everything by which somebody could be reached."""
    found = {row["token"] for row in devices(out)}
    for profile in profiles(out):
        found |= {profile[slot] for slot in SLOTS if slot in profile}
        found |= {
            text
            for name, text in profile.get("Attributes", {}).items()
            if name.startswith(("EmailAddress_", "PhoneNumber_"))
        }
    return found


def everything(out: Path) -> set[str]:
    """Return every text of the output."""
    found: set[str] = set()
    for profile in profiles(out):
        for value in profile.values():
            found |= set(value.values()) if isinstance(value, dict) else {value}
    for row in devices(out) + suppressed(out):
        found |= set(row.values())
    return found


def snapshot(out: Path) -> dict[str, bytes]:
    """Return all files with their content."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def write_lines(path: Path, *lines: object) -> Path:
    """Write objects, or bytes as they are, a line each."""
    path.write_bytes(
        b"".join(
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
            for line in lines
        )
    )
    return path
