"""What several tests of the audience need: a stubbed service, and a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from pinpoint_kit.doors import open_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.objects import Objects

#: The service model is read once for all tests.
LOADER = botocore.session.Session().get_component("data_loader")
BUCKET = "audience"


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """A service that gives the answers of a script, and refuses other calls."""
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    client = session.create_client(
        "pinpoint", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture(scope="module")
def _s3() -> Iterator[Any]:
    """S3 with one bucket, as far as this module goes."""
    with mock_aws():  # which also sets credentials, and takes them away again
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def objects(_s3: Any) -> Iterator[Objects]:
    """An empty bucket `audience`."""
    objects = open_objects("us-east-1")
    yield objects
    for item in _s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        _s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    objects.close()
