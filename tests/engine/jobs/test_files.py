"""Where jobs may read and write: local folders with a fence, and S3 (moto stands for it)."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from pinpoint_kit.doors import open_files, open_objects, open_served_files
from pinpoint_kit.engine.files.files import (
    File,
    FilesError,
    ForbiddenLocationError,
    LocalFiles,
)
from pinpoint_kit.engine.files.objects import ObjectFiles
from pinpoint_kit.engine.jobs import import_source
from pinpoint_kit.errors import ServiceError, TransportError
from tests.engine.jobs.job_kit import create_export, create_import, exported, imported, run, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Wire

BUCKET = "audience"
CSV = "Id,ChannelType,Address\na,EMAIL,a@example.com\n"
ROW = '{"Id":"%s","ChannelType":"EMAIL","Address":"%s@example.com"}\n'


def names(files: LocalFiles, url: str) -> list[str]:
    """Return what is found, by the names below the place."""
    return [file.name for file in files.find(url)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """`inside` is allowed; links in it lead out, and siblings have names that begin alike."""
    for folder in ("inside/sub", "inside-too", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("inside/a.json", "inside/sub/b.json", "inside-too/c.json", "outside/d.json"):
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "inside/link.json").symlink_to(tmp_path / "outside/d.json")
    (tmp_path / "inside/folder").symlink_to(tmp_path / "outside")
    (tmp_path / "inside/within.json").symlink_to(tmp_path / "inside/a.json")
    return tmp_path


@pytest.mark.parametrize(
    "place",
    [
        "outside",
        "outside/d.json",
        "inside-too",
        "insi",
        "inside/../outside",
        "inside/%2e%2e/outside/d.json",
        "inside/sub/..%2f..%2foutside",
        "inside/link.json",
        "inside/folder",
        "inside/folder/d.json",
        "inside/folder/new/file",
        "inside/sub/../../inside-too/c.json",
        "",
        "../../../../etc/passwd",
    ],
)
def test_places_out_of_the_fence(tree: Path, place: str) -> None:
    """However a URL is written, it leads nowhere but into the folders that were given."""
    files = LocalFiles([tree / "inside"])
    url = f"{url_of(tree)}/{place}"
    for use in (
        lambda: files.check(url),
        lambda: list(files.find(url)),
        lambda: files.read(File(url, "", 3, ""), 0),
        lambda: files.write(url, io.BytesIO(b"x")),
    ):
        with pytest.raises(ForbiddenLocationError, match="was not given that place"):
            use()
    assert (tree / "outside/d.json").read_text() == "{}\n"


def test_places_in_the_fence(tree: Path) -> None:
    """Links within the folders are followed, those out of them are as if they were not there."""
    inside = ["a.json", "sub/b.json", "within.json"]
    files = LocalFiles([str(tree / "inside") + "/"])
    for place in ("inside", "inside/", "inside/.", "inside/sub/..", "outside/../inside"):
        assert names(files, f"{url_of(tree)}/{place}") == inside
    assert names(files, f"{url_of(tree)}/inside/within.json") == [""]
    assert names(files, f"{url_of(tree)}/inside/s") == ["sub/b.json"]
    files.write(f"{url_of(tree)}/inside/new/e.json", io.BytesIO(b"x"))
    assert (tree / "inside/new/e.json").read_text() == "x"
    both = LocalFiles([tree / "inside/sub", tree / "outside"])
    assert names(both, f"{url_of(tree)}/inside/folder") == ["d.json"]
    with pytest.raises(ForbiddenLocationError):
        LocalFiles([]).check(url_of(tree))


def test_links_and_pipes(tmp_path: Path) -> None:
    """A link upwards does not end in a circle, and what is no file is left out."""
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("x")
    assert names(LocalFiles(), url_of(tmp_path)) == ["a"]
    assert names(LocalFiles(), url_of(tmp_path / "pipe")) == []


def test_strange_names(tmp_path: Path) -> None:
    """Names with spaces, signs and bytes that are no UTF-8 can be found and read."""
    for name in (b"a b?#%.json", "ü.json".encode(), b"\xff.json"):
        (Path(os.fsdecode(bytes(tmp_path) + b"/" + name))).write_bytes(name)
    files = LocalFiles()
    found = list(files.find(url_of(tmp_path)))
    assert len(found) == 3
    for file in found:
        with files.read(file, 0) as stream:
            assert stream.read() == os.fsencode(file.name)


def test_a_file_that_changes(tmp_path: Path) -> None:
    """A file that is not the one any more that was found is not read."""
    path = tmp_path / "a.json"
    path.write_text("one")
    files = LocalFiles()
    (found,) = files.find(url_of(path))
    with files.read(found, 1) as stream:
        assert stream.read() == b"ne"
    path.write_text("other")
    with pytest.raises(FilesError, match="has changed"):
        files.read(found, 0)
    path.unlink()
    with pytest.raises(FilesError, match="there is no such file"):
        files.read(found, 0)


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    """When writing fails half-way, the old file stays and nothing else is left."""
    path = tmp_path / "a.gz"
    path.write_text("old")

    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(FilesError, match="the disk is full"):
        LocalFiles().write(url_of(path), Broken())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file(tmp_path: Path) -> None:
    """Whoever is overtaken while it writes writes anew, and nothing gets mixed or is left."""
    url = url_of(tmp_path / "a.gz")

    class Overtaken(io.BytesIO):
        others = 2

        def read(self, *_: object) -> bytes:
            if self.others and self.tell():
                self.others -= 1
                LocalFiles().write(url, io.BytesIO(b"other"))
            return super().read(10)

    LocalFiles().write(url, Overtaken(b"own " * 10))
    assert (tmp_path / "a.gz").read_bytes() == b"own " * 10
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz"]
    endless = Overtaken(b"own " * 10)
    endless.others = 100
    with pytest.raises(FilesError, match="there is no such file"):
        LocalFiles().write(url, endless)
    assert (tmp_path / "a.gz").read_bytes() == b"other"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    """What this process may not read is said to be so."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    with pytest.raises(FilesError, match="has no right"):
        list(LocalFiles().find(url_of(folder)))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a client of a made-up S3 with one bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def wire(s3: Any, make_wire: Callable[..., Wire]) -> Wire:
    """Give an engine in memory that may use all of S3 and the disk."""
    del s3
    return make_wire(files=open_files(open_objects("us-east-1")))


def test_an_import_from_s3(wire: Wire, s3: Any) -> None:
    """A folder of objects is imported like a folder of files; folders' own keys are left out."""
    for key in ("in/a.json", "in/sub/b.json", "in/c.csv", "in/_SUCCESS", "other.json"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=(ROW % (key, key)).encode() + b"x\n")
    s3.put_object(Bucket=BUCKET, Key="in/sub/", Body=b"")
    s3.put_object(
        Bucket=BUCKET, Key="in/d.json.gz", Body=gzip.compress((ROW % ("d", "d")).encode())
    )
    done = imported(wire, f"s3://{BUCKET}/in/")
    assert (done["JobStatus"], done["TotalPieces"], done["TotalProcessed"]) == ("COMPLETED", 3, 5)
    assert [text.partition(":")[0] for text in done["Failures"]] == [
        "line 2 of a.json",
        "line 2 of sub/b.json",
    ]
    done = imported(wire, f"s3://{BUCKET}/other.json")
    assert [text.partition(":")[0] for text in done["Failures"]] == ["line 2"]


@pytest.mark.parametrize(("job_format", "row"), [("JSON", ROW % ("a", "a")), ("CSV", CSV)])
def test_a_folder_that_was_made_in_the_console(
    wire: Wire, s3: Any, job_format: str, row: str
) -> None:
    """The empty key that stands for the folder itself is not taken for the file to read."""
    s3.put_object(Bucket=BUCKET, Key="in/", Body=b"")
    url = f"s3://{BUCKET}/in/"
    done = imported(wire, url, job_format)
    assert done["Failures"] == [f"there is no {job_format} file at this place"]
    s3.put_object(Bucket=BUCKET, Key=f"in/a.{job_format.lower()}", Body=row.encode())
    for place in (url, url.rstrip("/")):
        done = imported(wire, place, job_format)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 1)


def test_an_export_to_s3(wire: Wire, s3: Any) -> None:
    """Parts are objects below the prefix, and can be imported again."""
    wire.update("e1", ChannelType="EMAIL", Address="a@example.com")
    done = exported(wire, f"s3://{BUCKET}/out/")
    key = f"out/{done['Id']}/part-0.gz"
    content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert json.loads(gzip.decompress(content)) == wire.get("e1")
    assert imported(wire, f"s3://{BUCKET}/out/{done['Id']}")["TotalProcessed"] == 1
    assert exported(wire, f"s3://{BUCKET}")["JobStatus"] == "COMPLETED"


def test_a_missing_bucket(wire: Wire) -> None:
    """Jobs on a bucket that is not there fail and say so."""
    for done in (imported(wire, "s3://missing/a.json"), exported(wire, "s3://missing/out")):
        assert done["JobStatus"] == "FAILED"
        assert done["Failures"] == ["there is no such bucket or object"]
    assert create_import(wire, "s3://").status == 400
    assert create_export(wire, "s3:///key").status == 400


def test_an_object_that_changes(wire: Wire, s3: Any) -> None:
    """An object that was replaced after the job began is not read."""
    s3.put_object(Bucket=BUCKET, Key="a.json", Body=(ROW % ("1", "1")).encode())
    answer = create_import(wire, f"s3://{BUCKET}/a.json")
    assert wire.engine.step()
    s3.put_object(Bucket=BUCKET, Key="a.json", Body=(ROW % ("2", "2")).encode())
    run(wire)
    path = f"/v1/apps/{wire.app}/jobs/import/{answer.json['Id']}"
    done = wire.send("GET", path).json
    assert (done["JobStatus"], done["TotalProcessed"]) == ("FAILED", 0)
    assert done["Failures"] == ["the file has changed since the job began"]


def test_buckets_out_of_the_fence(s3: Any, make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """A server may use the buckets and folders that were named, and no others."""
    s3.create_bucket(Bucket=f"{BUCKET}-2")
    wire = make_wire(files=open_served_files([str(tmp_path / "in")], [BUCKET]))
    assert create_export(wire, f"s3://{BUCKET}/out").status == 202
    assert create_export(wire, url_of(tmp_path / "in" / "out")).status == 202
    for url in (f"s3://{BUCKET}-2/out", f"s3://{BUCKET}", url_of(tmp_path), "S3://x/y"):
        expected = 202 if url == f"s3://{BUCKET}" else 403
        assert create_export(wire, url).status == expected


class Unsteady:
    """Objects whose streams break off, as networks do."""

    def __init__(self, content: bytes, pieces: list[int]) -> None:
        self.content = content
        self.pieces = pieces
        self.offsets: list[int] = []

    def check(self, url: str) -> None:
        assert url.startswith("s3://")

    def find(self, url: str) -> Iterator[File]:
        yield File(url, "", len(self.content), "1")

    def read(self, found: Any, offset: int = 0) -> Any:
        del found
        self.offsets.append(offset)
        return io.BufferedReader(Stream(self.content[offset:], self.pieces), 64)

    def write(self, url: str, content: Any) -> None:
        del url, content
        raise ServiceError("no", operation="PutObject", status=503)


class Stream(io.RawIOBase):
    """Gives a number of bytes, then breaks off."""

    def __init__(self, content: bytes, pieces: list[int]) -> None:
        self.content = io.BytesIO(content)
        self.left = pieces.pop(0) if pieces else len(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self.content.read(min(len(buffer), self.left))
        if not found and self.content.tell() < len(self.content.getbuffer()):
            raise TransportError("broken off", operation="GetObject")
        self.left -= len(found)
        buffer[: len(found)] = found
        return len(found)


def test_reading_is_tried_again(
    make_wire: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks off is opened again where the last piece ended."""
    monkeypatch.setattr(import_source, "_MOST_BYTES", 200, raising=False)
    content = "".join(ROW % (n, n) for n in range(1_000)).encode()
    objects = Unsteady(content, [40_000, 20_000])
    wire = make_wire(files=ObjectFiles(objects))
    done = imported(wire, "s3://b/k")
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 1_000)
    assert done["TotalFailures"] == 0
    assert len(objects.offsets) == 3


def test_reading_is_not_tried_for_ever(make_wire: Callable[..., Wire]) -> None:
    """After three failures at one place the file is given up."""
    objects = Unsteady((ROW % ("1", "1")).encode(), [0, 0, 0, 0])
    wire = make_wire(files=ObjectFiles(objects))
    done = imported(wire, "s3://b/k")
    assert done["JobStatus"] == "FAILED"
    assert done["Failures"] == ["S3 did not answer, or there are no credentials"]
    assert objects.offsets == [0, 0, 0]
    assert exported(wire, "s3://b/k")["Failures"] == ["S3 refuses it"]
