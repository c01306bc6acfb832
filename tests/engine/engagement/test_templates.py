"""Message templates of the five types: content, versions, the active one, lists and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Clock, Wire

TYPES = ("email", "inapp", "push", "sms", "voice")
COMMON = {"TemplateDescription": "what it is for", "DefaultSubstitutions": '{"name": "you"}'}
BUTTON = {"ButtonAction": "LINK", "Text": "Go", "BorderRadius": 4, "Link": "https://example.com"}
#: Type -> a template with something in every kind of member.
NO_NAME = (
    "must be the name of a header: signs of ASCII without blanks and colons @ $.Headers[1].Name"
)
CONTENT: dict[str, dict[str, Any]] = {
    "email": {
        **COMMON, "Subject": "Hello {{name}}", "HtmlPart": "<p>é</p>", "TextPart": "é",
        "RecommenderId": "r", "Headers": [{"Name": "List-Unsubscribe", "Value": "<mailto:a>"}],
    },
    "inapp": {
        "TemplateDescription": "what it is for", "CustomConfig": {"theme": "dark"},
        "Layout": "CAROUSEL",
        "Content": [{
            "BackgroundColor": "#fff",
            "BodyConfig": {"Alignment": "LEFT", "Body": "b", "TextColor": "#000"},
            "HeaderConfig": {"Alignment": "CENTER", "Header": "h", "TextColor": "#000"},
            "PrimaryBtn": {"DefaultConfig": BUTTON, "IOS": {"ButtonAction": "DEEP_LINK"}},
        }],
    },
    "push": {
        **COMMON, "Default": {"Action": "URL", "Body": "b", "Title": "t", "Url": "https://x"},
        "GCM": {"RawContent": "{}", "ImageUrl": "https://x"}, "APNS": {"MediaUrl": "https://x"},
    },
    "sms": {**COMMON, "Body": "hello\n how are you?"},
    "voice": {**COMMON, "Body": "hello", "LanguageCode": "en-US", "VoiceId": "Joanna"},
}  # fmt: skip


def path(kind: str = "sms", name: str = "welcome") -> str:
    """Return the path of a template."""
    return f"/v1/templates/{name}/{kind}"


def create(wire: Wire, kind: str = "sms", name: str = "welcome", **more: object) -> Answer:
    """Make a template."""
    return wire.post(path(kind, name), {**CONTENT[kind], **more})


def put(wire: Wire, body: str, **query: str) -> Answer:
    """Update the SMS template `welcome`."""
    payload = f'{{"Body": "{body}"}}'.encode()
    return wire.send("PUT", path(), payload, query=urlencode(query))


def get(wire: Wire, kind: str = "sms", **query: str) -> Any:
    """Read the template `welcome`."""
    answer = wire.send("GET", path(kind), query=urlencode(query))
    assert answer.status == 200, answer.json
    return answer.json


def activate(wire: Wire, version: object) -> Answer:
    """Make a version of the SMS template `welcome` the active one."""
    return wire.put(f"{path()}/active-version", {"Version": version})


def numbers(wire: Wire) -> list[str]:
    """Return the versions of the SMS template `welcome`."""
    return [item["Version"] for item in wire.send("GET", f"{path()}/versions").json["Item"]]


def listed(wire: Wire, **query: str) -> list[tuple[str, str]]:
    """Names and types of the templates that a list has on its first page."""
    page = wire.send("GET", "/v1/templates", query=urlencode(query))
    assert page.status == 200, page.json
    return [(item["TemplateName"], item["TemplateType"]) for item in page.json["Item"]]


@pytest.mark.parametrize("kind", TYPES)
def test_a_template_is_given_back_as_it_was_sent(wire: Wire, kind: str) -> None:
    """Every member of the content comes back, with the ARN, the dates, the version and no tags."""
    made = create(wire, kind)
    arn = f"arn:aws:mobiletargeting:us-east-1:000000000000:templates/welcome/{kind.upper()}"
    request_id = made.headers["x-amzn-RequestId"]
    assert made.status == 201
    assert made.json == {"Arn": arn, "Message": "Created", "RequestID": request_id}
    assert get(wire, kind) == {
        **CONTENT[kind],
        "Arn": arn,
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "LastModifiedDate": "2026-01-02T03:04:05.678Z",
        "TemplateName": "welcome",
        "TemplateType": kind.upper(),
        "Version": "1",
        "tags": {},
    }


@pytest.mark.parametrize("kind", TYPES)
def test_an_update_replaces_the_whole_content(wire: Wire, clock: Clock, kind: str) -> None:
    """Members that an update does not send are gone; the creation date and the version stay."""
    create(wire, kind)
    clock.advance(1)
    changed = wire.put(path(kind), {"TemplateDescription": "new"})
    assert (changed.status, changed.json["Message"]) == (202, "Accepted")
    answer = get(wire, kind)
    assert answer.keys() & CONTENT[kind].keys() == {"TemplateDescription"}
    assert (answer["TemplateDescription"], answer["Version"]) == ("new", "1")
    assert answer["CreationDate"] == "2026-01-02T03:04:05.678Z"
    assert answer["LastModifiedDate"] == "2026-01-02T03:04:06.678Z"


@pytest.mark.parametrize("kind", TYPES)
def test_a_deleted_template_is_gone(wire: Wire, kind: str) -> None:
    """Nothing of a deleted template is left, and its name is free again."""
    before = wire.dump()
    create(wire, kind, tags={"a": "b"})
    assert wire.send("DELETE", path(kind)).status == 202
    assert wire.dump() == before
    for method in ("GET", "DELETE", "PUT"):
        answer = wire.send(method, path(kind), b"{}" if method == "PUT" else b"")
        assert (answer.status, answer.code) == (404, "NotFoundException")
    for answer in (
        wire.send("GET", f"{path(kind)}/versions"),
        wire.put(f"{path(kind)}/active-version", {"Version": "latest"}),
    ):
        assert (answer.status, answer.message) == (404, "Template not found")
    assert create(wire, kind).status == 201


def test_names_are_taken_once_a_type(wire: Wire) -> None:
    """The same name may be used for each type, and in another case, but not twice."""
    for kind in TYPES:
        assert create(wire, kind).status == 201
    assert create(wire, name="Welcome").status == 201
    before = wire.dump()
    answer = create(wire, Body="other")
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message == "A template of this name and type exists already"
    assert wire.dump() == before


@pytest.mark.parametrize("name", ["a", "9", "A_b-9", "x" * 128])
def test_names(wire: Wire, name: str) -> None:
    """Names have letters, digits, underscores and hyphens, up to 128."""
    assert create(wire, name=name).status == 201


@pytest.mark.parametrize("name", ["_a", "-a", "x" * 129, "a%20b", "a%2Fb", "caf%C3%A9", "a.b"])
def test_other_names_are_refused(wire: Wire, name: str) -> None:
    """A name of another form makes no template, and is not found."""
    assert create(wire, name=name).status == 400
    assert wire.send("GET", path(name=name)).status == 404


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("sms", {"Body": 1}, "must be a string @ $.Body"),
        ("sms", {"tags": {"a": 1}}, "must be a string @ $.tags.a"),
        ("sms", {"tags": {"aws:a": "b"}},
         "a tag key has 1 to 128 characters and no prefix aws: @ $.tags[0]"),
        ("sms", {"DefaultSubstitutions": "name"},
         "must be the text of a JSON object @ $.DefaultSubstitutions"),
        ("push", {"DefaultSubstitutions": "[1]"},
         "must be the text of a JSON object @ $.DefaultSubstitutions"),
        ("push", {"GCM": {"Action": "open"}},
         "must be one of OPEN_APP, DEEP_LINK, URL @ $.GCM.Action"),
        ("email", {"Headers": [{}] * 16}, "has at most 15 items @ $.Headers"),
        ("email", {"Headers": [{}, {"Name": "x" * 127}]},
         "has at most 126 characters @ $.Headers[1].Name"),
        ("email", {"Headers": [{"Value": "x" * 871}]},
         "has at most 870 characters @ $.Headers[0].Value"),
        ("email", {"Headers": [{"Name": "X", "Value": "{{a}}\n"}, {"Name": "X: y"}]}, NO_NAME),
        ("email", {"Headers": [{"Name": "X", "Value": "y\nBcc: all@example.com"}]},
         "must be one line, without control characters @ $.Headers[0].Value"),
        ("inapp", {"Content": [{}] * 6}, "has at most 5 items @ $.Content"),
        ("inapp", {"Content": [{"BodyConfig": {"Body": "b", "TextColor": "c"}}]},
         "Missing Alignment @ $.Content[0].BodyConfig"),
        ("inapp", {"Content": [{"HeaderConfig": {"Alignment": "JUSTIFY", "Header": "h",
                                                 "TextColor": "c"}}]},
         "must be one of LEFT, CENTER, RIGHT @ $.Content[0].HeaderConfig.Alignment"),
    ],
)  # fmt: skip
def test_content_that_does_not_fit(
    wire: Wire, kind: str, change: dict[str, Any], message: str
) -> None:
    """What the service model or its words forbid is refused, in creations and updates alike."""
    before = wire.dump()
    answer = create(wire, kind, **change)
    assert (answer.status, answer.message) == (400, message)
    assert wire.dump() == before
    create(wire, kind)
    before = wire.dump()
    updated = wire.put(path(kind), {**CONTENT[kind], **change})
    is_about_tags = "tags" in change  # which updates ignore
    assert updated.status == (202 if is_about_tags else 400)
    assert (wire.dump() == before) or is_about_tags


def test_the_largest_content(wire: Wire) -> None:
    """As many headers and modals as are documented, of the documented length, are taken."""
    headers = [{"Name": "n" * 126, "Value": "v" * 870}] * 15
    assert create(wire, "email", Headers=headers, DefaultSubstitutions="").status == 201
    assert create(wire, "inapp", Content=[{}] * 5).status == 201
    assert get(wire, "email")["Headers"] == headers


def test_versions(wire: Wire, clock: Clock) -> None:
    """An update overwrites the latest version or adds one; the active one stays as it was."""
    create(wire, Body="one")
    clock.advance(1)
    assert put(wire, "two", **{"create-new-version": "true"}).status == 202
    clock.advance(1)
    assert put(wire, "two again").status == 202
    assert put(wire, "and again", version="2", **{"create-new-version": "false"}).status == 202
    assert get(wire)["Body"] == get(wire, version="1")["Body"] == "one"
    assert get(wire, version="2")["Body"] == "and again"
    assert wire.send("GET", f"{path()}/versions").json["Item"] == [
        {
            "CreationDate": "2026-01-02T03:04:06.678Z",
            "LastModifiedDate": "2026-01-02T03:04:07.678Z",
            "TemplateName": "welcome", "TemplateType": "SMS", "Version": "2",
        },
        {
            "CreationDate": "2026-01-02T03:04:05.678Z",
            "LastModifiedDate": "2026-01-02T03:04:05.678Z",
            "TemplateName": "welcome", "TemplateType": "SMS", "Version": "1", **COMMON,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"version": "1"}, 400),
        ({"version": "3"}, 404),
        ({"version": "2", "create-new-version": "true"}, 400),
        ({"create-new-version": "yes"}, 400),
        ({"version": "latest"}, 400),
        ({"version": "0"}, 400),
        ({"version": "02"}, 400),
        ({"version": "9" * 30}, 400),
        ({"version": "2"}, 202),
        ({"version": "", "create-new-version": ""}, 202),
    ],
)
def test_which_version_an_update_may_name(wire: Wire, query: dict[str, str], status: int) -> None:
    """Only the latest version may be named, and none together with a new one."""
    create(wire)
    put(wire, "two", **{"create-new-version": "true"})
    before = wire.dump()
    answer = put(wire, "changed", **query)
    assert answer.status == status
    assert (wire.dump() == before) == (status != 202)


def test_the_active_version(wire: Wire) -> None:
    """Any version that there is can be made active, by its number or as the latest."""
    create(wire, Body="one")
    put(wire, "two", **{"create-new-version": "true"})
    put(wire, "three", **{"create-new-version": "true"})
    answer = activate(wire, "latest")
    assert (answer.status, answer.json["Message"]) == (200, "Accepted")
    assert (get(wire)["Body"], get(wire)["Version"]) == ("three", "3")
    activate(wire, "2")
    assert (get(wire)["Body"], get(wire)["Version"]) == ("two", "2")
    put(wire, "four", **{"create-new-version": "true"})
    assert get(wire)["Version"] == "2"
    assert wire.send("GET", "/v1/templates").json["Item"][0]["Version"] == "2"


@pytest.mark.parametrize(
    ("version", "status"), [(None, 400), ("", 400), ("newest", 400), (1, 400), ("7", 404)]
)
def test_versions_that_cannot_be_active(wire: Wire, version: object, status: int) -> None:
    """What is no version is refused, and a version that is not there is not found."""
    create(wire)
    assert activate(wire, version).status == status
    assert get(wire)["Version"] == "1"


def test_versions_are_deleted_one_by_one(wire: Wire) -> None:
    """The latest of those that are left becomes active, and numbers are not used again."""
    create(wire)
    for _ in range(3):
        put(wire, "x", **{"create-new-version": "true"})
    activate(wire, "2")
    assert wire.send("DELETE", path(), query="version=3").status == 202
    assert (numbers(wire), get(wire)["Version"]) == (["4", "2", "1"], "2")
    wire.send("DELETE", path(), query="version=4")
    put(wire, "x", **{"create-new-version": "true"})
    assert numbers(wire) == ["5", "2", "1"]
    wire.send("DELETE", path(), query="version=2")
    assert (numbers(wire), get(wire)["Version"]) == (["5", "1"], "5")
    for gone in ("GET", "DELETE"):
        answer = wire.send(gone, path(), query="version=2")
        assert (answer.status, answer.message) == (404, "Template version not found")
    wire.send("DELETE", path(), query="version=5")
    wire.send("DELETE", path(), query="version=1")
    assert wire.send("GET", path()).status == 404


def test_lists(wire: Wire) -> None:
    """Lists are in the order of creation, and can be asked for a type and a beginning."""
    create(wire, "sms", "sale-1")
    create(wire, "email", "sale-1")
    create(wire, "sms", "Sale-2")
    create(wire, "sms", "sale_3")
    assert listed(wire) == [
        ("sale-1", "SMS"), ("sale-1", "EMAIL"), ("Sale-2", "SMS"), ("sale_3", "SMS"),
    ]  # fmt: skip
    assert listed(wire, prefix="sale-") == [("sale-1", "SMS"), ("sale-1", "EMAIL")]
    assert listed(wire, prefix="Sale") == [("Sale-2", "SMS")]
    assert listed(wire, prefix="sale%") == listed(wire, prefix="sale-1x") == []
    assert listed(wire, **{"template-type": "EMAIL", "prefix": ""}) == [("sale-1", "EMAIL")]
    assert listed(wire, **{"template-type": "voice"}) == []


def test_the_members_of_a_list(wire: Wire) -> None:
    """A list has names, types, dates and the active version; for the rest, get the template."""
    create(wire, tags={"a": "b"})
    assert wire.send("GET", "/v1/templates").json == {
        "Item": [
            {
                "CreationDate": "2026-01-02T03:04:05.678Z",
                "LastModifiedDate": "2026-01-02T03:04:05.678Z",
                "TemplateName": "welcome",
                "TemplateType": "SMS",
                "Version": "1",
            }
        ]
    }


@pytest.mark.parametrize("where", ["/v1/templates", "/v1/templates/t0/sms/versions"])
def test_pages(wire: Wire, where: str) -> None:
    """Both lists are paged with `next-token`, and the last page has none."""
    for number in range(5):
        create(wire, name=f"t{number}")
        wire.send("PUT", path(name="t0"), b"{}", query="create-new-version=true" if number else "")
    whole = wire.send("GET", where).json["Item"]
    seen: list[object] = []
    sizes, query = [], {"page-size": "2"}
    while True:
        page = wire.send("GET", where, query=urlencode(query)).json
        seen += page["Item"]
        sizes.append(len(page["Item"]))
        if "NextToken" not in page:
            break
        query["next-token"] = page["NextToken"]
    assert (seen, sizes) == (whole, [2, 2, 1])


@pytest.mark.parametrize(
    "query", ["page-size=0", "page-size=x", "next-token=x", "template-type=FAX"]
)
def test_bad_lists_are_refused(wire: Wire, query: str) -> None:
    """Sizes are positive, tokens our own, types known."""
    assert wire.send("GET", "/v1/templates", query=query).status == 400


def test_unknown_types(wire: Wire) -> None:
    """A type that there is not is refused where the path may name any."""
    create(wire)
    assert wire.send("GET", "/v1/templates/welcome/fax/versions").status == 400
    assert wire.put("/v1/templates/welcome/Sms/active-version", {"Version": "1"}).status == 400
    assert wire.send("GET", "/v1/templates/welcome/SMS/versions").status == 200


def test_tags(wire: Wire) -> None:
    """Tags come with the creation, are managed by ARN, and are ignored in updates."""
    arn = create(wire, tags={"stage": "test"}).json["Arn"]
    put(wire, "changed")
    wire.put(path(), {"tags": {"stage": "live"}})
    assert get(wire)["tags"] == {"stage": "test"}
    where = f"/v1/tags/{quote(arn, safe='')}"
    assert wire.post(where, {"tags": {"team": "a"}}).status == 204
    assert wire.send("GET", where).json == {"tags": {"stage": "test", "team": "a"}}
    assert wire.send("DELETE", where, query="tagKeys=stage").status == 204
    assert get(wire)["tags"] == {"team": "a"}
    wire.send("DELETE", path())
    assert wire.send("GET", where).status == 404


@pytest.mark.parametrize("resource", ["templates/welcome/EMAIL", "templates/Welcome/SMS"])
def test_tags_of_no_template(wire: Wire, resource: str) -> None:
    """The ARN has to name a template that there is."""
    create(wire)
    arn = f"arn:aws:mobiletargeting:eu-west-1:123456789012:{resource}"
    assert wire.send("GET", f"/v1/tags/{quote(arn, safe='')}").status == 404


@pytest.mark.parametrize("resource", ["templates/welcome", "templates/a/b/SMS", "apps/a/b"])
def test_other_arns_are_refused(wire: Wire, resource: str) -> None:
    """What is no resource with tags is refused."""
    arn = f"arn:aws:mobiletargeting:us-east-1:1:{resource}"
    assert wire.send("GET", f"/v1/tags/{quote(arn, safe='')}").status == 400


def test_templates_outlive_applications(wire: Wire) -> None:
    """Templates belong to the account: deleting an application leaves them."""
    create(wire)
    wire.send("DELETE", f"/v1/apps/{wire.app}")
    assert get(wire)["Version"] == "1"


def test_what_terraform_does(client: Any) -> None:
    """Create, read by name, update without a version, read, delete, and not found afterwards."""
    request = {
        "Subject": "testing", "TextPart": "text", "Headers": [{"Name": "n", "Value": "v"}],
        "tags": {"key1": "value1"},
    }  # fmt: skip
    made = client.create_email_template(TemplateName="tf", EmailTemplateRequest=request)
    arn = made["CreateTemplateMessageBody"]["Arn"]
    read = client.get_email_template(TemplateName="tf")["EmailTemplateResponse"]
    assert read["Arn"] == arn
    assert {name: read[name] for name in request} == request
    assert client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"] == request["tags"]
    client.update_email_template(
        TemplateName="tf", EmailTemplateRequest={**request, "Subject": "update"}
    )
    read = client.get_email_template(TemplateName="tf")["EmailTemplateResponse"]
    assert (read["Subject"], read["Version"]) == ("update", "1")
    client.delete_email_template(TemplateName="tf")
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_email_template(TemplateName="tf")


def test_boto3_knows_versions(client: Any) -> None:
    """boto3's parameters for versions and pages arrive as they are meant."""
    client.create_sms_template(TemplateName="a", SMSTemplateRequest={"Body": "one"})
    client.update_sms_template(
        TemplateName="a", SMSTemplateRequest={"Body": "two"}, CreateNewVersion=True
    )
    client.update_sms_template(
        TemplateName="a", SMSTemplateRequest={"Body": "two!"}, CreateNewVersion=False, Version="2"
    )
    client.update_template_active_version(
        TemplateName="a", TemplateType="SMS", TemplateActiveVersionRequest={"Version": "2"}
    )
    read = client.get_sms_template(TemplateName="a")["SMSTemplateResponse"]
    assert (read["Body"], read["Version"]) == ("two!", "2")
    first = client.list_template_versions(TemplateName="a", TemplateType="SMS", PageSize="1")
    second = client.list_template_versions(
        TemplateName="a", TemplateType="SMS", PageSize="1",
        NextToken=first["TemplateVersionsResponse"]["NextToken"],
    )  # fmt: skip
    pages = [page["TemplateVersionsResponse"] for page in (first, second)]
    assert [page["Item"][0]["Version"] for page in pages] == ["2", "1"]
    assert "NextToken" not in pages[1]
    with pytest.raises(client.exceptions.BadRequestException):
        client.create_sms_template(TemplateName="a", SMSTemplateRequest={})
