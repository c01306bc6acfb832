"""Objects in S3: moto stands for the service, and a stub for what moto does not do."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions as aws
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from pinpoint_kit import errors
from pinpoint_kit.doors import open_objects
from pinpoint_kit.objects import Objects, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "audience"


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    """Give a bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        objects = open_objects("us-east-1")
        yield objects
        objects.close()


def stubbed(method: str, code: str, status: int) -> Objects:
    """Objects whose client answers one call with an error."""
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    stub = Stubber(client)
    stub.add_client_error(method, code, "secret", status)
    stub.activate()
    return Objects(lambda: client)


def test_what_is_written_can_be_found_and_read(objects: Objects) -> None:
    """Keys may hold anything; a prefix finds what begins with it, in the order of the keys."""
    for key in ("in/b ü?#.gz", "in/a.gz", "in2/c", "other"):
        objects.write(f"s3://{BUCKET}/{key}", io.BytesIO(gzip.compress(key.encode())))
    found = list(objects.find(f"S3://{BUCKET}/in/"))
    assert [item.url for item in found] == [
        f"s3://{BUCKET}/in/a.gz",
        f"s3://{BUCKET}/in/b ü?#.gz",
    ]
    with objects.read(found[1]) as stream, gzip.open(stream) as lines:
        assert lines.read().decode() == "in/b ü?#.gz"
    with objects.read(found[0]) as whole, objects.read(found[0], offset=4) as rest:
        assert whole.read()[4:] == rest.read()
    assert objects.read(found[0], offset=found[0].size).read() == b""
    assert len(list(objects.find(f"s3://{BUCKET}"))) == 4


def test_many_objects_come_in_pages() -> None:
    """The next page is asked for by the token of the one before."""
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    stub = Stubber(client)
    asked = {"Bucket": "b", "Prefix": "in/"}
    for number, token in enumerate(["next", None]):
        answer: dict[str, Any] = {"Contents": [{"Key": f"in/{number}", "Size": 1, "ETag": "e"}]}
        if token is not None:
            answer.update(IsTruncated=True, NextContinuationToken=token)
        stub.add_response("list_objects_v2", answer, dict(asked))
        asked["ContinuationToken"] = "next"
    with stub:
        found = [item.url for item in Objects(lambda: client).find("s3://b/in/")]
    assert found == ["s3://b/in/0", "s3://b/in/1"]


def test_only_what_has_the_prefix_is_removed(objects: Objects) -> None:
    """What merely begins alike in another folder stays."""
    for key in ("in/a", "in/b", "in"):
        objects.write(f"s3://{BUCKET}/{key}", io.BytesIO(b"x"))
    objects.remove(f"s3://{BUCKET}/in/")
    objects.remove(f"s3://{BUCKET}/in/")
    assert [found.url for found in objects.find(f"s3://{BUCKET}/")] == [f"s3://{BUCKET}/in"]


def test_an_object_that_has_changed_is_refused(objects: Objects) -> None:
    """Whoever goes on reading must read the same."""
    url = f"s3://{BUCKET}/key"
    objects.write(url, io.BytesIO(b"one"))
    (found,) = objects.find(url)
    objects.write(url, io.BytesIO(b"two"))
    for offset in (0, 1):
        with pytest.raises(errors.ServiceError) as caught:
            objects.read(found, offset)
        assert caught.value.status == 412


def test_a_missing_bucket_is_not_found(objects: Objects) -> None:
    """The error says what to check, in words of S3."""
    url = "s3://nobody-s-bucket/key"
    for call in (
        lambda: list(objects.find(url)),
        lambda: objects.write(url, io.BytesIO(b"x")),
        lambda: objects.read(StoredObject(url, 1, '"x"')),
        lambda: objects.remove(url),
    ):
        with pytest.raises(errors.NotFound, match="check the bucket"):
            call()


def test_without_permission() -> None:
    """A refusal is Forbidden, and speaks of S3's permissions."""
    objects = stubbed("list_objects_v2", "AccessDenied", 403)
    with pytest.raises(errors.Forbidden, match="`s3:` permissions"):
        list(objects.find("s3://b/key"))
    objects = stubbed("get_object", "AccessDenied", 403)
    with pytest.raises(errors.Forbidden):
        objects.read(StoredObject("s3://b/key", 1, '"x"'))


def test_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are none, nothing is sent."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(errors.TransportError, match="credentials"):
        list(open_objects("us-east-1").find("s3://b/key"))


def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting shows on first use, as a ConfigurationError."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    objects = open_objects()
    with pytest.raises(errors.ConfigurationError, match="profile"):
        list(objects.find("s3://b/key"))


@pytest.mark.parametrize("url", ["", "b/key", "http://b/key", "s3:/b/key", "s3://", "s3:///key"])
def test_urls_that_name_nothing(url: str) -> None:
    """Only s3://BUCKET/KEY is a place."""
    with pytest.raises(errors.ValidationError, match="s3://BUCKET/KEY"):
        Objects(lambda: None).check(url)


def test_a_whole_bucket_is_never_removed() -> None:
    """Removing needs a key or a prefix."""
    with pytest.raises(errors.ValidationError, match="whole bucket"):
        Objects(lambda: None).remove("s3://bucket/")


def test_some_that_are_not_removed() -> None:
    """An answer that names failures is an error."""
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    stub = Stubber(client)
    stub.add_response("list_objects_v2", {"Contents": [{"Key": "k", "Size": 1, "ETag": "e"}]})
    stub.add_response("delete_objects", {"Errors": [{"Key": "k", "Code": "AccessDenied"}]})
    stub.activate()
    with pytest.raises(errors.ServiceError, match="1 objects were not removed"):
        Objects(lambda: client).remove("s3://b/k")


def test_a_connection_that_breaks_while_reading() -> None:
    """It is a TransportError, like any answer that does not come."""

    class Broken:
        def read(self, _: int) -> bytes:
            raise aws.IncompleteReadError(actual_bytes=1, expected_bytes=2)

        def close(self) -> None:
            """Nothing is open."""

    class Client:
        def get_object(self, **_: object) -> dict[str, object]:
            return {"Body": Broken()}

    with (
        Objects(Client).read(StoredObject("s3://b/k", 2, "e")) as stream,
        pytest.raises(errors.TransportError),
    ):
        stream.read()


def test_a_repr_holds_no_key() -> None:
    """Keys may name people."""
    assert "secret" not in repr(StoredObject("s3://b/secret", 1, "e"))
