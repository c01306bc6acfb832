"""Questions that only an export job answers: the files are read, filtered and removed."""

from __future__ import annotations

import gzip
import io
import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from pinpoint_kit.audience.exports import Exports
from pinpoint_kit.errors import (
    ConfigurationError,
    Forbidden,
    JobFailedError,
    TransportError,
    ValidationError,
)
from pinpoint_kit.models import Job

if TYPE_CHECKING:
    from pinpoint_kit.audience.jobs import Jobs
    from pinpoint_kit.objects import Objects

PLACE, ROLE = "s3://audience/out/", "arn:aws:iam::1:role/r"


class Service:
    """Stands for the jobs of the hosted service: writes its files when it is waited for."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.files: dict[str, bytes] = {}
        self.asked: list[dict[str, Any]] = []
        self.fails = False

    def export_endpoints(self, url_prefix: str, **asked: Any) -> Job:
        self.asked.append({"url_prefix": url_prefix, **asked})
        return Job(id="j")

    def wait(self, job: Job, *, timeout: float) -> Job:
        assert timeout > 0
        for name, content in self.files.items():
            self._objects.write(self.asked[-1]["url_prefix"] + name, io.BytesIO(content))
        if self.fails:
            raise JobFailedError("it failed", job.id)
        return Job(id="j", total_processed=3)


def lines(*ids: str) -> bytes:
    """Return a file of endpoints."""
    return gzip.compress(b"".join(json.dumps({"Id": each}).encode() + b"\n" for each in ids))


@pytest.fixture
def service(objects: Objects) -> Service:
    """Give the service, with two files of endpoints, one that is none, and a file of others."""
    objects.write(PLACE + "yesterday.gz", io.BytesIO(lines("old")))
    service = Service(objects)
    service.files = {"j/0.gz": lines("a", "b"), "j/1.gz": lines("c"), "j/manifest": b"{}"}
    return service


@pytest.fixture
def exports(service: Service, objects: Objects) -> Exports:
    """Give what is tested."""
    return Exports(cast("Jobs", service), objects)


def left(objects: Objects) -> list[str]:
    """Return what is in the bucket."""
    return [found.url for found in objects.find(PLACE)]


def test_members_are_read_from_the_files(
    exports: Exports, service: Service, objects: Objects
) -> None:
    """Each line of each .gz file; then the files are gone, and nobody else's are."""
    found = exports.members(PLACE, ROLE, segment_id="s", version=2)
    assert service.asked == []  # nothing begins before the first is asked for
    assert list(found) == [{"Id": "a"}, {"Id": "b"}, {"Id": "c"}]
    (asked,) = service.asked
    assert asked.pop("url_prefix").startswith(PLACE)
    assert asked == {"role_arn": ROLE, "segment_id": "s", "segment_version": 2}
    assert left(objects) == [PLACE + "yesterday.gz"]


def test_an_answer_that_is_left_is_cleaned_up(exports: Exports, objects: Objects) -> None:
    """Whoever stops after the first leaves no files behind."""
    found = exports.members(PLACE, ROLE)
    assert next(found) == {"Id": "a"}
    assert len(left(objects)) == 4
    cast("Any", found).close()
    assert left(objects) == [PLACE + "yesterday.gz"]


def test_two_questions_do_not_meet(exports: Exports) -> None:
    """Each has a prefix of its own."""
    one, other = exports.members(PLACE, ROLE), exports.members(PLACE, ROLE)
    assert next(one) == next(other) == {"Id": "a"}
    assert len(list(one)) == len(list(other)) == 2


def test_counting_reads_no_file(exports: Exports, service: Service, objects: Objects) -> None:
    """The job itself says how many."""
    service.files["j/0.gz"] = b"damaged"
    assert exports.count(PLACE, ROLE) == 3
    assert left(objects) == [PLACE + "yesterday.gz"]


@pytest.mark.parametrize(
    ("place", "role", "error"),
    [
        (None, None, ConfigurationError),
        (PLACE, None, ConfigurationError),
        (None, ROLE, ConfigurationError),
        ("file:///out", ROLE, ValidationError),
    ],
)
def test_what_must_be_given(
    exports: Exports, service: Service, place: str | None, role: str | None, error: type[Exception]
) -> None:
    """Without a place and a role the question is refused at once, and says what to give."""
    for ask in (exports.members, exports.count):
        with pytest.raises(error, match=r"s3://BUCKET/"):
            ask(place, role)
    assert service.asked == []


def test_a_failed_job(exports: Exports, service: Service, objects: Objects) -> None:
    """It is an error, and what it had written is removed."""
    service.fails = True
    with pytest.raises(JobFailedError):
        list(exports.members(PLACE, ROLE))
    assert left(objects) == [PLACE + "yesterday.gz"]


@pytest.mark.parametrize(
    "content",
    [lines("a")[:-9], b"no gzip", lines("a")[:15] + b"\0" * 20],
    ids=["cut", "other", "zeros"],  # what is compressed holds the time
)
def test_a_damaged_file(exports: Exports, service: Service, content: bytes) -> None:
    """It is no answer, rather than a short one."""
    service.files = {"j/0.gz": content}
    with pytest.raises(TransportError, match="damaged"):
        list(exports.members(PLACE, ROLE))


def test_files_that_cannot_be_removed(
    exports: Exports,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The answer stands, and a warning names the job, because the files hold personal data."""

    def remove(_: str) -> None:
        raise Forbidden("no")

    monkeypatch.setattr(objects, "remove", remove)
    with caplog.at_level(logging.WARNING):
        assert len(list(exports.members(PLACE, ROLE))) == 3
    assert "export job j were not removed (Forbidden)" in caplog.text
