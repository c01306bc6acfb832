"""IAM documents, and the check of what people have."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit import ConfigurationError
from pinpoint_kit.iam import (
    ACTIONS,
    POLICIES,
    ROLES,
    Finding,
    Place,
    check_policy,
    cognito_role,
    named_policy,
    policy_for,
    role,
    trust_policy,
)
from pinpoint_kit.iam.checking import _overlap

PLACE = Place(app="abc", region="us-east-1", account="111122223333")
PROJECT = "arn:aws:mobiletargeting:us-east-1:111122223333:apps/abc"


def policy(**members: Any) -> dict[str, Any]:
    """Return a policy with one statement."""
    usual = {"Effect": "Allow", "Action": "mobiletargeting:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**usual, **members}]}


def found(document: object) -> list[str]:
    """Return the findings as text."""
    return [str(finding) for finding in check_policy(document)]


def test_every_operation_is_an_action_with_a_resource() -> None:
    """The table has the 122 operations of the service model, and GetReports."""
    operations = botocore.session.Session().get_service_model("pinpoint").operation_names
    assert set(ACTIONS) == {*operations, "GetReports"}
    assert all(action.resources for action in ACTIONS.values())


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_policy_for_an_operation_passes_the_check(name: str) -> None:
    """With and without a place."""
    for place in (None, PLACE):
        assert check_policy(policy_for([name], place)) == []


def test_a_policy_has_a_statement_for_each_kind_of_resource() -> None:
    """Operations on the same resources share one; ids become stars."""
    document = policy_for(["PutEvents", "GetEndpoint", "UpdateEndpoint"], PLACE)
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["mobiletargeting:GetEndpoint", "mobiletargeting:UpdateEndpoint"],
                "Resource": [f"{PROJECT}/endpoints/*"],
            },
            {
                "Effect": "Allow",
                "Action": ["mobiletargeting:PutEvents"],
                "Resource": [f"{PROJECT}/events"],
            },
        ],
    }


def test_where_guide_and_reference_differ_both_resources_are_named() -> None:
    """CreateImportJob is on the project in one, and on its jobs in the other."""
    statement: Any = policy_for(["CreateImportJob"], PLACE)["Statement"]
    assert statement[0]["Resource"] == [PROJECT, f"{PROJECT}/jobs/import"]


@pytest.mark.parametrize("name", POLICIES)
def test_the_named_policies_pass_the_check(name: str) -> None:
    """The guide's slips are put right."""
    assert check_policy(named_policy(name)) == []
    assert check_policy(named_policy(name, PLACE)) == []


@pytest.mark.parametrize("name", ROLES)
def test_the_roles_pass_the_check(name: str) -> None:
    """Trust and permissions, with and without a place."""
    for place in (None, PLACE):
        documents = role(name, "target/folder" if name in {"import", "export"} else "t", place)
        assert check_policy(documents.permissions) == []
        assert name == "lambda" or check_policy(documents.trust) == []


def test_the_cognito_role() -> None:
    """It trusts Cognito with its external id, and may put events and update endpoints."""
    documents = cognito_role(PLACE, external_id="x-1", user_pool="us-east-1_A")
    trust: Any = documents.trust["Statement"]
    assert trust[0]["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
    assert trust[0]["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "111122223333",
        "sts:ExternalId": "x-1",
    }
    permissions: Any = documents.permissions["Statement"]
    assert permissions[1]["Action"] == [
        "mobiletargeting:PutEvents",
        "mobiletargeting:UpdateEndpoint",
    ]
    assert permissions[1]["Resource"] == [PROJECT, f"{PROJECT}/*"]
    assert check_policy(documents.trust) == check_policy(documents.permissions) == []


def test_trust_can_be_restricted_to_an_application() -> None:
    """By the account and the application's ARN, which needs the account."""
    statement: Any = trust_policy(place=PLACE)["Statement"]
    assert statement[0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": [PROJECT, f"{PROJECT}/*"]},
    }
    with pytest.raises(ConfigurationError, match="needs its account"):
        trust_policy(place=Place(app="abc"))


def test_an_export_role_is_about_one_folder() -> None:
    """The ARN of the objects has three colons, which the guide's has not."""
    statements: Any = role("export", "bucket/exports", PLACE).permissions["Statement"]
    assert statements[1]["Resource"] == ["arn:aws:s3:::bucket/exports/*"]
    assert "s3:PutObject" in statements[1]["Action"]
    reading: Any = role("import", "bucket").permissions["Statement"]
    assert reading[1] == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::bucket/*"],
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: policy_for(["PutEvent"]), "no such operation: PutEvent; did you mean PutEvents"),
        (lambda: policy_for([]), "name the operations"),
        (lambda: named_policy("root"), "no such policy: root; there are"),
        (lambda: role("mail", "x"), "no such role: mail; there are"),
        (lambda: role("kinesis", 'a"b'), "cannot stand in an ARN"),
        (lambda: Place(app=""), "cannot stand in an ARN"),
        (lambda: Place(region="us east"), "cannot stand in an ARN"),
    ],
)
def test_mistakes_are_named(call: Any, message: str) -> None:
    """Each says what there is, or what to write."""
    with pytest.raises(ConfigurationError, match=message):
        call()


# The check


@pytest.mark.parametrize(
    ("document", "finding"),
    [
        ([], "error: is no policy"),
        ("x", "error: is no policy"),
        ({}, "error: is missing: a policy needs a statement @ $.Statement"),
        ({"Version": "2018-09-05", "Statement": [7]}, "error: Version '2018-09-05' is none of"),
        (policy(Effect="allow"), "error: is 'allow': write Allow or Deny @ $.Statement[0].Effect"),
        (
            policy(Action="mobiletargeting:CreateExportJobs"),
            "no action: did you mean mobiletargeting:CreateExportJob? @ $.Statement[0].Action",
        ),
        (
            policy(Action=["mobiletargeting:PutEvents", "mobiletargeting:Delete?"]),
            "error: 'mobiletargeting:Delete?' matches no action",
        ),
        (policy(Action="mobiletargeting>DeleteApnsChannel"), "error: 'mobiletargeting>Delete"),
        (policy(Action="pinpoint:PutEvents"), "error: 'pinpoint:PutEvents': Pinpoint's actions"),
        (policy(Action="PutEvents"), "error: 'PutEvents' is no action"),
        (policy(Resource="arn:aws:s3::bucket"), "error: 'arn:aws:s3::bucket' is no ARN"),
        (policy(Resource="apps/abc"), "error: 'apps/abc' is no ARN"),
        (
            policy(Resource=PROJECT.replace("apps", "projects")),
            "matches no resource of Pinpoint: resources begin with apps/ID, not projects/",
        ),
        (policy(Resource=PROJECT + "/endpoint/x"), "matches no resource of Pinpoint"),
        (policy(Resource=PROJECT), "warning: apps/abc without /* leaves out"),
        (policy(Action="mobiletargeting:Get*", Resource=[PROJECT]), "add apps/abc/*"),
        (policy(Action="mobiletargeting:PutEvents", Resource=[PROJECT]), "add apps/abc/*"),
        (
            policy(Action="mobiletargeting:GetApp", Resource=[PROJECT + "/endpoints/*"]),
            "warning: mobiletargeting:GetApp is never allowed on these resources: it needs",
        ),
        (
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "cognito-identity:GetId"},
            },
            "error: is missing: name the resources",
        ),
        (
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*"}},
            "error: is missing: name the actions",
        ),
        ({"Statement": policy()["Statement"]}, "warning: is missing and counts as 2008-10-17"),
    ],
)
def test_what_is_wrong_is_found(document: object, finding: str) -> None:
    """Each with its place and what to write instead."""
    assert any(finding in each for each in found(document)), found(document)


@pytest.mark.parametrize(
    "document",
    [
        policy(),
        policy(Resource=[PROJECT, PROJECT + "/*"]),
        policy(Resource="arn:aws:mobiletargeting:*:*:apps/*"),
        policy(Action="mobiletargeting:getapp", Resource=PROJECT),
        policy(Action="mobiletargeting:UpdateEndpointsBatch", Resource=PROJECT),
        policy(Action="*", Resource="*"),
        policy(Effect="Deny", Action="mobiletargeting:Delete*", Resource=PROJECT),
        policy(Action="s3:GetObject", Resource="arn:aws:s3:::bucket/*"),
        policy(Action="mobiletargeting:TagResource", Resource=PROJECT + "/campaigns/c-1"),
        policy(Action="mobiletargeting:GetReports", Resource="arn:aws:mobiletargeting:*:*:reports"),
    ],
)
def test_what_is_right_passes(document: dict[str, Any]) -> None:
    """No finding where there is nothing to say."""
    assert found(document) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Version", "Statement", "Effect", "Action", "Resource", "Principal"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_document_can_be_checked(document: object) -> None:
    """Whatever stands in a file is findings, and no exception."""
    assert all(isinstance(finding, Finding) for finding in check_policy(document))
    json.dumps(found(document))


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, slowly and obviously."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and fits(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=4), st.text("ab*?", max_size=4))
def test_patterns_overlap_when_some_text_fits_both(one: str, other: str) -> None:
    """Compared with trying all short texts."""
    texts = [""]
    for _ in range(8):
        texts += [text + letter for text in texts[-(2**7) :] for letter in "ab" if len(text) < 7]
    texts = list(dict.fromkeys(texts))
    assert _overlap(one, other) == any(fits(one, text) and fits(other, text) for text in texts)
