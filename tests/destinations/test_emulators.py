"""Emulators of AWS that others wrote: moto's Kinesis and Firehose into S3, and kinesalite."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pinpoint_kit.destinations import Unavailable, open_destination
from tests.destinations.records import by_key, record, records
from tests.ports import held_port
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "eu-west-1"


def session() -> boto3.session.Session:
    """Return a session with credentials that are nobody's."""
    return boto3.session.Session("AKIDEXAMPLE", "secret", region_name=REGION)


def client(service: str, url: str) -> Any:
    """Return a client of the emulator."""
    return session().client(service, endpoint_url=url)  # type: ignore[call-overload]  # any service


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Give the address of moto's server."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def read_stream(kinesis: Any, stream: str) -> list[tuple[str, bytes]]:
    """Return keys and data of a stream, shard by shard."""
    found: list[tuple[str, bytes]] = []
    for shard in kinesis.describe_stream(StreamName=stream)["StreamDescription"]["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            if not page["Records"]:
                break
            found += [(one["PartitionKey"], one["Data"]) for one in page["Records"]]
            iterator = page["NextShardIterator"]
    return found


def check_stream(kinesis: Any, url: str) -> None:
    """Send 1,200 records into a stream of three shards, and read them back."""
    destination = open_destination(
        f"kinesis://events?endpoint_url={url}&region={REGION}", session=session()
    )
    sent = records(1_200, keys=400)
    with pytest.raises(Unavailable, match="ResourceNotFoundException"):
        destination.send("app", sent)
    kinesis.create_stream(StreamName="events", ShardCount=3)
    kinesis.get_waiter("stream_exists").wait(
        StreamName="events", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    large = record(1_201, title="x" * 990_000)
    assert destination.send("app", [*sent, large]) == [None] * 1_201
    found = read_stream(kinesis, "events")
    assert sorted(found) == sorted((one.key, one.data) for one in [*sent, large])
    assert all(numbers == sorted(numbers) for numbers in by_key([d for _, d in found]).values())
    destination.close()


def test_kinesis_at_moto(moto: str) -> None:
    """A stream that is not there is unavailable; then each record is there, in order by key."""
    check_stream(client("kinesis", moto), moto)


def test_firehose_to_s3_at_moto(moto: str) -> None:
    """Objects in S3 have one record a line."""
    firehose, s3 = client("firehose", moto), client("s3", moto)
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    destination = open_destination(
        f"firehose://events?endpoint_url={moto}&region={REGION}", session=session()
    )
    with pytest.raises(Unavailable, match="ResourceNotFoundException"):
        destination.send("app", records(1))
    firehose.create_delivery_stream(
        DeliveryStreamName="events",
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": "events/",
        },
    )
    sent = records(700, keys=700)
    assert destination.send("app", sent) == [None] * 700
    lines: list[bytes] = []
    for found in s3.list_objects_v2(Bucket="lake", Prefix="events/")["Contents"]:
        body = s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read()
        lines += body.splitlines(keepends=True)
    assert sorted(lines) == sorted(one.data for one in sent)
    assert all(json.loads(line)["event_type"] == "_session.stop" for line in lines)
    destination.close()


@pytest.fixture
def kinesalite(tmp_path: Path) -> Iterator[str]:
    """Give the address of kinesalite, installed from npm for this test."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("kinesalite needs npm, which is not installed")
    done = subprocess.run(  # noqa: S603 -- npm
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "kinesalite@3.3.3"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        pytest.skip("kinesalite cannot be installed: npm finds no registry")
    main = tmp_path / "node_modules" / "kinesalite" / "cli.js"
    with held_port() as port:
        command = [node, str(main), "--port", str(port), "--createStreamMs", "10"]
        with Program(command) as program:
            program.listens(port)
            yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_kinesis_at_kinesalite(kinesalite: str) -> None:
    """A second emulator, independent of moto and of Python."""
    check_stream(client("kinesis", kinesalite), kinesalite)
