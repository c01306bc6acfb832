"""The policies and roles of the Developer Guide by name, with its slips put right.

Two of the guide's policies have a version that IAM does not know, one ARN of S3 lacks a colon, and
a project's policy lacks what lies below the project.

Source: Amazon Pinpoint Developer Guide, 2018, "Permissions"; 2023, "Security", for the conditions
of trust; Amazon Cognito Developer Guide, "Using Amazon Pinpoint analytics".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.iam.documents import VERSION, Document, Place, arn, statement, trust_policy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["POLICIES", "ROLES", "RoleDocuments", "cognito_role", "named_policy", "role"]


@attrs.frozen
class RoleDocuments:
    """The two documents of a role.

    Args:
        trust: who may take the role on.
        permissions: what it may do then.
    """

    trust: Document
    permissions: Document


def _policy(*statements: Document) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def _project(place: Place) -> list[str]:
    """Return the ARNs of an application and of what lies below it: both are needed."""
    whole = arn(place, "apps/${AppId}")
    return [whole] if place.app == "*" else [whole, f"{whole}/*"]


_POLICIES: dict[str, Callable[[Place], Document]] = {
    "administrator": lambda _: _policy(statement(["mobiletargeting:*"], "*")),
    "read-only": lambda place: _policy(
        statement(["mobiletargeting:Get*", "mobiletargeting:List*"], _project(place))
    ),
    "app-client": lambda place: _policy(
        statement(["mobiletargeting:PutEvents", "mobiletargeting:UpdateEndpoint"], _project(place))
    ),
    "sms-voice-administrator": lambda _: _policy(statement(["sms-voice:*"], "*")),
    "sms-voice-read-only": lambda _: _policy(statement(["sms-voice:Get*"], "*")),
}
#: The names that `named_policy` knows.
POLICIES = tuple(sorted(_POLICIES))
#: The names that `role` knows, each with what its target is.
ROLES = {
    "import": "the bucket, with a folder if you like: BUCKET/FOLDER",
    "export": "the bucket, with a folder if you like: BUCKET/FOLDER",
    "kinesis": "the stream's name",
    "firehose": "the delivery stream's name",
    "lambda": "the function's name",
}


def named_policy(name: str, place: Place | None = None) -> Document:
    """Return one of the guide's policies.

    Args:
        name: one of `POLICIES`.
        place: where it holds; with an application, for what lies below it too.

    Raises:
        ConfigurationError: there is no such policy.

    Examples:
        >>> named_policy("administrator")["Statement"][0]["Action"]
        ['mobiletargeting:*']
    """
    if name not in _POLICIES:
        raise ConfigurationError(f"no such policy: {name}; there are {', '.join(POLICIES)}")
    return _POLICIES[name](Place() if place is None else place)


def role(name: str, target: str, place: Place | None = None) -> RoleDocuments:
    """Return the documents of a role that Pinpoint takes on.

    `lambda` is no role: its permissions are the statement for the function's own policy, and its
    trust is empty.

    Args:
        name: one of `ROLES`.
        target: what the role is about; see `ROLES`.
        place: restricts it; see `trust_policy`.

    Raises:
        ConfigurationError: there is no such role, or the target cannot stand in an ARN.

    Examples:
        >>> role("kinesis", "events").permissions["Statement"][0]["Action"]
        ['kinesis:DescribeStream', 'kinesis:PutRecords']
    """
    if name not in ROLES:
        raise ConfigurationError(f"no such role: {name}; there are {', '.join(ROLES)}")
    at = Place() if place is None else place
    Place(app=target)  # raises for what cannot stand in an ARN
    if name == "lambda":
        return RoleDocuments({}, _policy(_invocation(target, at)))
    trust = trust_policy(place=place)
    if name in {"import", "export"}:
        bucket, _, folder = target.partition("/")
        statements = _bucket(at, bucket, folder.strip("/"), is_export=name == "export")
        return RoleDocuments(trust, _policy(*statements))
    actions, resource = {
        "kinesis": (["kinesis:PutRecords", "kinesis:DescribeStream"], f"stream/{target}"),
        "firehose": (
            ["firehose:PutRecordBatch", "firehose:DescribeDeliveryStream"],
            f"deliverystream/{target}",
        ),
    }[name]
    stream = f"arn:{at.partition}:{name}:{at.region}:{at.account}:{resource}"
    return RoleDocuments(trust, _policy(statement(actions, [stream])))


def cognito_role(
    place: Place | None = None, *, external_id: str | None = None, user_pool: str = "*"
) -> RoleDocuments:
    """Return the documents of the role that a user pool's app client names as its `RoleArn`.

    The built-in integration ended with Pinpoint; accounts keep such roles, and servers of the
    protocol may check them.

    Args:
        place: the project.
        external_id: the `ExternalId` of the client's AnalyticsConfiguration.
        user_pool: the pool's id.

    Raises:
        ConfigurationError: the place has an application but no account, or the pool cannot stand
            in an ARN.

    Examples:
        >>> cognito_role(external_id="x-1").trust["Statement"][0]["Condition"]
        {'StringEquals': {'sts:ExternalId': 'x-1'}}
    """
    at = Place() if place is None else place
    Place(app=user_pool)
    pool = f"arn:{at.partition}:cognito-idp:*:{at.account}:userpool/{user_pool}"
    trust_place = None if at.account == "*" else Place(account=at.account)
    return RoleDocuments(
        trust_policy("cognito-idp.amazonaws.com", place=trust_place, external_id=external_id),
        _policy(
            statement(["cognito-idp:Describe*"], [pool]),
            statement(
                ["mobiletargeting:PutEvents", "mobiletargeting:UpdateEndpoint"], _project(at)
            ),
        ),
    )


def _invocation(function: str, place: Place) -> Document:
    region = "us-east-1" if place.region == "*" else place.region
    conditions: dict[str, object] = {
        "ArnLike": {
            "AWS:SourceArn": f"{arn(place, 'apps/${AppId}')}{'' if place.app == '*' else '/*'}"
        }
    }
    if place.account != "*":
        conditions["StringEquals"] = {"AWS:SourceAccount": place.account}
    return {
        "Sid": "AllowPinpoint",
        "Effect": "Allow",
        "Principal": {"Service": f"pinpoint.{region}.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:{place.partition}:lambda:{region}:{place.account}:function:{function}",
        "Condition": conditions,
    }


def _bucket(place: Place, bucket: str, folder: str, *, is_export: bool) -> list[Document]:
    whole = f"arn:{place.partition}:s3:::{bucket}"
    below = f"{whole}/{folder}/*" if folder else f"{whole}/*"
    listing = statement(["s3:GetBucketLocation", "s3:ListBucket"], [whole])
    if folder:
        listing["Condition"] = {"StringLike": {"s3:prefix": ["", f"{folder}/*"]}}
    objects = ["s3:GetObject"]
    if is_export:
        objects += ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
    return [listing, statement(objects, [below])]
