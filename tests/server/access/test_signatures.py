"""Which requests are let in: those that botocore signs, and nothing that anybody has changed."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pinpoint_kit.server.access import canonical
from pinpoint_kit.server.access.authenticator import AccessDecision, Authenticator
from tests.server.signing import (
    ADMIN,
    APP,
    ENDPOINT,
    EVENTS,
    GUEST,
    LOCAL,
    OTHER_APP,
    READER,
    SECRETS,
    TOKEN,
    WRITER,
    Sent,
    beacon,
    sign,
    write_file,
)

INVALID = "InvalidSignatureException"
INCOMPLETE = "IncompleteSignatureException"
UNKNOWN = "UnrecognizedClientException"
MISSING = "MissingAuthenticationTokenException"
DENIED = "AccessDeniedException"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Authenticator:
    """Give a authenticator who knows the keys of signing.py."""
    return Authenticator.load(write_file(tmp_path_factory.mktemp("door") / "credentials.ini"))


# AWS's own examples


def _sent(method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Sent:
    path, _, query = target.partition("?")
    own = (("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"))
    return Sent(method, path, query, (*headers, *own), body)


#: From AWS's signing test suite (aws-c-auth, tests/aws-signing-test-suite/v4): header signatures.
_TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
_UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = b"Param1=value1"
VECTORS = {
    "get-vanilla": (
        _sent("GET", "/"),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "post-vanilla": (
        _sent("POST", "/"),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "get-header-key-duplicate": (
        _sent("GET", "/", *[("My-Header1", f"value{n}") for n in (2, 2, 1)]),
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-header-value-order": (
        _sent("GET", "/", *[("My-Header1", f"value{n}") for n in (4, 1, 3, 2)]),
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    "get-header-value-trim": (
        _sent("GET", "/", ("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-utf8": (
        _sent("GET", "/ሴ"),
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    "get-space-normalized": (
        _sent("GET", "/example space/"),
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    "get-slashes-normalized": (
        _sent("GET", "//example//"),
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    "get-vanilla-query-order-key-case": (
        _sent("GET", "/?Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-query-order-encoded": (
        _sent("GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1"),
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    "get-vanilla-query-unreserved": (
        _sent("GET", f"/?{_UNRESERVED}={_UNRESERVED}"),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    "get-vanilla-utf8-query": (
        _sent("GET", "/?ሴ=bar"),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    "get-vanilla-with-session-token": (
        _sent("GET", "/", ("X-Amz-Security-Token", _TOKEN)),
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ),
    "post-x-www-form-urlencoded": (
        _sent(
            "POST",
            "/",
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", "13"),
            ("x-amz-content-sha256", hashlib.sha256(_FORM).hexdigest()),
            body=_FORM,
        ),
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_aws_examples_have_the_published_signatures(name: str) -> None:
    """The arithmetic gives what AWS's own signing test suite has written down."""
    sent, published = VECTORS[name]
    signed = canonical.canonical_request(
        sent.head(),
        canonical.parameters(sent.query),
        sorted(sent.head().headers),
        canonical.sha256(sent.body),
    )
    scope = "20150830/us-east-1/service/aws4_request"
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    key = canonical.signing_key(secret, "20150830", "us-east-1", "service")
    text = canonical.string_to_sign("20150830T123600Z", scope, signed)
    assert canonical.signature(key, text) == published


# What botocore signs comes in

TARGETS = [
    EVENTS,
    ENDPOINT,
    f"/v1/apps/{APP}",
    f"/v1/apps/{APP}/",
    f"/v1/apps/{APP}/endpoints/us%20east%2F1",
    f"/v1/apps/{APP}/users/u%3A1%2F2",
    f"/v1/apps/{APP}/users/%25%2E%2e",
    f"/v1/apps/{APP}/users/J%C3%BCrgen%20%E2%98%83",
    f"/v1/apps/{APP}/users/a+b@c,d;e=f'(g)*!$&~",
    f"/v1/apps/{APP}//endpoints",
    f"//v1/apps/{APP}/users/x",
    f"{EVENTS}?page-size=10&token=a%2Bb%2F%3D",
    f"{EVENTS}?token=b&token=a&Token=c&empty=&none",
    f"{EVENTS}?x=%20~%C3%A9&%C3%A9=1&a=",
    f"{EVENTS}?%2526=%25",
    f"/v1/tags/arn%3Aaws%3Amobiletargeting%3Aus-east-1%3A1%3Aapps%2F{APP}?tagKeys=b&tagKeys=a",
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("expires", [None, 60])
def test_what_botocore_signs_is_let_in(
    door: Authenticator, target: str, expires: int | None
) -> None:
    """Odd paths and queries, signed in the header or presigned, are understood as botocore does."""
    sent = sign("PUT", target, b"{}", key=ADMIN, expires=expires)
    assert sent.to(door) == AccessDecision(ADMIN)


def test_only_the_path_decides_in_odd_paths(door: Authenticator) -> None:
    """An encoded slash does not begin a new segment."""
    assert sign("GET", f"/v1/apps/{APP}/endpoints/%2F..%2F..%2F{OTHER_APP}").code(door) == ""
    assert sign("GET", f"/v1/apps/{OTHER_APP}%2F{APP}/endpoints/x").code(door) == DENIED


def test_query_spellings_that_mean_the_same_are_the_same(door: Authenticator) -> None:
    """A proxy may write a parameter's escapes in another way, as long as its value stays."""
    sent = sign("GET", f"{EVENTS}?token=a%20b%2Fc&page-size=5", key=ADMIN)
    for query in ("page-size=5&token=a+b%2fc", "token=a%20b/c&page-size=%35", "&" + sent.query):
        assert attrs.evolve(sent, query=query).code(door) == ""
    assert attrs.evolve(sent, query="token=a%2Bb%2Fc&page-size=5").code(door) == INVALID


def test_headers_may_be_spaced_and_spelt_in_another_way(door: Authenticator) -> None:
    """Spaces around and inside of a value, and the case of names, do not count."""
    sent = sign(headers={"Content-Type": "application/json;  charset=utf-8"})
    spaced = tuple((name.upper(), f" {value} ") for name, value in sent.headers)
    assert attrs.evolve(sent, headers=spaced).code(door) == ""


def test_a_body_hash_of_the_client_is_taken_when_it_is_right(door: Authenticator) -> None:
    """`x-amz-content-sha256` is allowed, and must be the body's."""
    body = b'{"a": 1}'
    right = sign(body=body, headers={"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()})
    assert right.code(door) == ""
    wrong = sign(body=body, headers={"X-Amz-Content-SHA256": hashlib.sha256(b"").hexdigest()})
    assert "x-amz-content-sha256" in wrong.message(door)
    assert wrong.code(door) == INVALID


@pytest.mark.parametrize("text", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_an_unsigned_body_is_refused(door: Authenticator, text: str) -> None:
    """A signature that leaves the body out is not enough."""
    sent = sign(headers={"X-Amz-Content-SHA256": text})
    assert sent.code(door) == INVALID
    assert "must be signed" in sent.message(door)


def test_a_date_header_instead_of_x_amz_date_is_enough(door: Authenticator) -> None:
    """Clients that sign the ordinary `Date` come in, as long as it is signed."""
    sent = sign(headers={"Date": "whatever, botocore writes it anew"})
    assert "x-amz-date" not in {name.lower() for name, _ in sent.headers}
    assert sent.code(door) == ""
    assert sent.without("Date").code(door) == INCOMPLETE
    assert sent.plus("Date", sent.header("Date")).code(door) == INCOMPLETE
    for text in ("yesterday", "Sat, 99 Nov 2026 14:00:00 GMT", "Sat, 21 Nov 2026 14:00:00 +0100"):
        assert sent.without("Date").plus("Date", text).code(door) == INCOMPLETE


def test_a_date_header_may_have_the_short_form(door: Authenticator) -> None:
    """`Date: 20261121T140000Z` is understood."""
    sent = sign()
    stamp = sent.header("X-Amz-Date")
    moved = sent.without("X-Amz-Date").plus("Date", stamp)
    renamed = moved.replacing("Authorization", "x-amz-date", "date")
    assert renamed.code(door) == INCOMPLETE  # not in order: date comes before host
    ordered = renamed.replacing("Authorization", "host;date", "date;host")
    assert ordered.code(door) == INVALID  # well-formed; but that is not what was signed


# Keys


def test_every_key_opens_with_its_own_secret(door: Authenticator) -> None:
    """The answer says which key it was."""
    for key in SECRETS:
        sent = sign("GET", f"/v1/apps/{APP}", b"", key=key, region="eu-west-1")
        assert sent.to(door) == AccessDecision(key)


def test_a_wrong_secret_is_refused(door: Authenticator) -> None:
    """The message says what to check, and nothing that was right."""
    sent = sign(secret=SECRETS[ADMIN])
    admission = sent.to(door)
    assert admission.access_key_id == WRITER
    assert admission.denial is not None
    assert (admission.denial.code, admission.denial.status) == (INVALID, 403)
    assert admission.denial.message.startswith("The request signature we calculated does not match")


def test_an_unknown_key_is_refused(door: Authenticator) -> None:
    """It is not named in the answer: whatever a caller writes there is not repeated."""
    admission = sign(key="PKNOBODY").to(door)
    assert admission.access_key_id == ""
    assert admission.denial is not None
    assert admission.denial.code == UNKNOWN
    assert "NOBODY" not in repr(admission)


def test_a_session_token_must_be_the_keys(door: Authenticator) -> None:
    """A key with a token needs exactly that one; a key without takes none."""
    assert sign(key=GUEST).code(door) == ""
    assert sign(key=GUEST, expires=60).code(door) == ""
    assert sign(key=GUEST, token="").code(door) == UNKNOWN
    assert sign(key=GUEST, token=TOKEN + "x").code(door) == UNKNOWN
    assert sign(key=GUEST, token=TOKEN + "x", expires=60).code(door) == UNKNOWN
    assert sign(key=WRITER, token=TOKEN).code(door) == UNKNOWN


def test_a_session_token_must_be_signed(door: Authenticator) -> None:
    """Adding the right token to a signature without it does not help."""
    sent = sign(key=GUEST, token="")
    assert sent.plus("X-Amz-Security-Token", TOKEN).code(door) == INVALID
    presigned = sign(key=GUEST, token="", expires=60)
    later = f"{presigned.query}&X-Amz-Security-Token={quote(TOKEN, safe='')}"
    assert attrs.evolve(presigned, query=later).code(door) == INVALID
    assert presigned.plus("X-Amz-Security-Token", TOKEN).code(door) == INCOMPLETE


# Scope of the signature


def test_the_scope_must_be_pinpoints(door: Authenticator) -> None:
    """The service is mobiletargeting, not pinpoint; any one Region will do."""
    assert sign(region="ap-south-1").code(door) == ""
    for service in ("pinpoint", "s3", "execute-api"):
        assert "mobiletargeting" in sign(service=service).message(door)
        assert sign(service=service).code(door) == INVALID
    for region in ("us-*", "", "é", "a" * 65):
        assert "region" in sign(region=region).message(door).lower(), region


def test_a_key_may_be_for_one_region(door: Authenticator) -> None:
    """With `region` in its section, a key opens for signatures of that Region only."""
    assert sign(key=LOCAL, region="eu-west-1").code(door) == ""
    assert sign(key=LOCAL, region="us-east-1").code(door) == INVALID


def test_the_rest_of_the_scope_must_fit(door: Authenticator) -> None:
    """The terminator is aws4_request, and the day is that of the date header."""
    sent = sign()
    assert "terminator" in sent.replacing(
        "Authorization", "/aws4_request", "/aws5_request"
    ).message(door)
    day = sent.header("X-Amz-Date")[:8]
    assert "Date in Credential scope" in sent.replacing(
        "Authorization", f"/{day}/", "/20150830/"
    ).message(door)


# Time

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def _signed_at(sent: Sent) -> datetime:
    stamp = sent.header("X-Amz-Date")
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)


def test_a_signature_is_good_for_five_minutes_around_its_date(door: Authenticator) -> None:
    """Before and after, it is refused; the message begins as clients know it."""
    sent = sign()
    at = _signed_at(sent)
    for offset in (-5 * MINUTE, -MINUTE, MINUTE, 5 * MINUTE):
        assert sent.code(door, at + offset) == ""
    old = sent.to(door, at + 5 * MINUTE + SECOND).denial
    assert old is not None
    assert old.code == INVALID
    assert old.message.startswith("Signature expired: ")
    server = at + 5 * MINUTE + SECOND
    assert f"({server:%Y%m%dT%H%M%SZ} - 5 min.)" in old.message
    early = sent.to(door, at - 5 * MINUTE - SECOND).denial
    assert early is not None
    assert early.code == INVALID
    assert early.message.startswith("Signature not yet current: ")


def test_any_zone_of_the_servers_clock_will_do(door: Authenticator) -> None:
    """The time of the server is an instant."""
    sent = sign()
    here = _signed_at(sent).astimezone(timezone(timedelta(hours=9)))
    assert sent.code(door, here) == ""
    assert "Z - 5 min.)" in sent.message(door, here + 6 * MINUTE)


def test_a_new_date_on_an_old_signature_is_refused(door: Authenticator) -> None:
    """Replaying with a fresh date changes what was signed."""
    sent = sign()
    at = _signed_at(sent)
    fresh = sent.without("X-Amz-Date").plus("X-Amz-Date", f"{at + SECOND:%Y%m%dT%H%M%SZ}")
    assert fresh.code(door, at + SECOND) == INVALID


@pytest.mark.parametrize(
    "text", ["", "20261121", "2026-11-21T14:00:00Z", "20261121T14000Z", "٢" * 8]
)
def test_a_malformed_date_is_refused(door: Authenticator, text: str) -> None:
    """Whatever stands in X-Amz-Date, there is an answer."""
    assert sign().without("X-Amz-Date").plus("X-Amz-Date", text).code(door) == INCOMPLETE


def test_a_date_that_is_none_is_refused(door: Authenticator) -> None:
    """The thirteenth month, the hour 25, the year 0."""
    sent = sign()
    day = sent.header("X-Amz-Date")[:8]
    for stamp in ("20261301T000000Z", "20261121T250000Z", "00000101T000000Z"):
        moved = sent.without("X-Amz-Date").plus("X-Amz-Date", stamp)
        moved = moved.replacing("Authorization", f"/{day}/", f"/{stamp[:8]}/")
        assert moved.code(door) == INCOMPLETE


def test_the_ends_of_time_are_refused(door: Authenticator) -> None:
    """Dates near what a datetime can hold do not break the arithmetic."""
    sent = sign()
    day = sent.header("X-Amz-Date")[:8]
    for stamp in ("00010101T000000Z", "99991231T235959Z"):
        moved = sent.without("X-Amz-Date").plus("X-Amz-Date", stamp)
        moved = moved.replacing("Authorization", f"/{day}/", f"/{stamp[:8]}/")
        assert moved.code(door) == INVALID


# Presigned


def test_a_presigned_request_expires_when_it_says(door: Authenticator) -> None:
    """Not a second later, and never after more than seven days."""
    before = datetime.now(timezone.utc)
    sent = sign(expires=3600)
    assert sent.code(door, before + 59 * MINUTE) == ""
    assert sent.code(door, before + 61 * MINUTE) == INVALID
    assert "Expires" in sent.message(door, before + 61 * MINUTE)
    assert sent.code(door, before - 6 * MINUTE) == INVALID
    assert sign(expires=604_800).code(door, before + timedelta(days=6)) == ""
    for seconds in (0, -1, 604_801, 10**30):
        assert sign(expires=seconds).code(door) == INCOMPLETE


def test_a_beacon_without_expiry_is_good_for_five_minutes(door: Authenticator) -> None:
    """Amplify's beacons have no X-Amz-Expires; they come with a body to `/events/legacy`."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    sent = beacon(now)
    assert sent.code(door, now) == ""
    assert sent.code(door, now + 5 * MINUTE) == ""
    assert sent.code(door, now + 6 * MINUTE) == INVALID
    assert attrs.evolve(sent, body=b'{"BatchItem":{"x":{}}}').code(door, now) == INVALID


def test_the_hash_of_the_body_is_sent_once(door: Authenticator) -> None:
    """Of two equal ones, a proxy and the server might still read another one each."""
    body = b'{"BatchItem":{}}'
    digest = hashlib.sha256(body).hexdigest()
    sent = sign(body=body, headers={"X-Amz-Content-SHA256": digest})
    assert sent.code(door) == ""
    signed = tuple(part for part in sent.header("authorization").split(", ") if "Headers" in part)
    assert "x-amz-content-sha256" in signed[0]
    assert sent.plus("X-Amz-Content-SHA256", digest).code(door) == INCOMPLETE


def test_presigned_parts_must_all_be_there_once(door: Authenticator) -> None:
    """A query with some of them, or with one of them twice, is refused."""
    sent = sign(expires=60)
    parts = sent.query.split("&")
    for part in parts:
        name = part.partition("=")[0]
        fewer = attrs.evolve(sent, query="&".join(other for other in parts if other != part))
        assert fewer.code(door) in {INCOMPLETE, INVALID}, name
        twice = attrs.evolve(sent, query=f"{sent.query}&{part}")
        assert twice.code(door) == INCOMPLETE, name


def test_presigned_dates_and_algorithms_are_checked(door: Authenticator) -> None:
    """As those of the header form."""
    sent = sign(expires=60)
    for old, new in (
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("X-Amz-Date=2", "X-Amz-Date="),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
    ):
        assert old in sent.query
        assert attrs.evolve(sent, query=sent.query.replace(old, new)).code(door) == INCOMPLETE


def test_two_signatures_are_refused(door: Authenticator) -> None:
    """In the header or in the query, not in both."""
    both = attrs.evolve(sign(expires=60), headers=sign().headers)
    assert both.code(door) == INCOMPLETE


# Forms that are refused


def test_without_a_signature_nobody_comes_in(door: Authenticator) -> None:
    """The answer is the one of Pinpoint's front."""
    admission = Sent("GET", ENDPOINT, "", (("Host", "p.test"),), b"").to(door)
    assert admission.access_key_id == ""
    assert admission.denial is not None
    assert (admission.denial.code, admission.denial.status) == (MISSING, 403)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "Bearer abc",
        "AWS PKADMIN:c2lnbmF0dXJl",
        "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
        "aws4-hmac-sha256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
    ],
)
def test_other_kinds_of_authorization_are_refused(door: Authenticator, authorization: str) -> None:
    """With a sentence that says what is verified, and without repeating what was sent."""
    sent = sign().without("Authorization").plus("Authorization", authorization)
    assert sent.code(door) == INCOMPLETE
    assert "Only AWS4-HMAC-SHA256" in sent.message(door)
    assert "dXNlcjpwYXNz" not in sent.message(door)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Credential=", "credential="),
        (", SignedHeaders=", " SignedHeaders="),
        ("SignedHeaders=", "SignedHeaders=host, SignedHeaders="),
        ("Signature=", "Extra=1, Signature="),
        ("Signature=", "Signature=AB"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date;host"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host;host;x-amz-date"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=Host;x-amz-date"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=host"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date"),
        ("SignedHeaders=host;x-amz-date", "SignedHeaders=;host;x-amz-date"),
        ("/us-east-1/", "/us/east-1/"),
        ("/us-east-1/", "/"),
    ],
)
def test_malformed_authorization_is_refused(door: Authenticator, old: str, new: str) -> None:
    """Every part is there once, in its form, and host and date are signed."""
    assert sign().replacing("Authorization", old, new).code(door) == INCOMPLETE


def test_authorization_may_be_spaced_in_another_way(door: Authenticator) -> None:
    """Some SDKs write no space after the comma."""
    sent = sign()
    assert sent.replacing("Authorization", ", ", ",").code(door) == ""
    assert sent.replacing("Authorization", ", ", " ,  ").code(door) == ""


@pytest.mark.parametrize("name", ["Authorization", "Host", "X-Amz-Date"])
def test_doubled_headers_are_refused(door: Authenticator, name: str) -> None:
    """Two readers could take different ones."""
    sent = sign()
    assert sent.plus(name.lower(), sent.header(name)).code(door) == INCOMPLETE


def test_a_repeated_signed_header_is_refused(door: Authenticator) -> None:
    """One more value of what was signed changes what was signed."""
    sent = sign(headers={"Content-Type": "application/json"})
    assert sent.plus("content-type", "text/html").code(door) == INVALID


def test_every_amz_header_must_be_signed(door: Authenticator) -> None:
    """One that was added on the way is refused, one that was signed is not."""
    assert sign(headers={"X-Amz-User-Agent": "browser"}).code(door) == ""
    for sent in (sign(), sign(expires=60)):
        added = sent.plus("X-Amz-Target", "x")
        assert added.code(door) == INVALID
        assert "must be in SignedHeaders" in added.message(door)
        assert sent.plus("X-Amzn-Trace-Id", "Root=1").code(door) == ""
        assert sent.plus("User-Agent", "curl").code(door) == ""


def test_a_lost_header_is_told(door: Authenticator) -> None:
    """A header that a proxy has dropped is named as the cause, not by its name."""
    sent = sign(headers={"Content-Type": "application/json"})
    assert "lost on the way" in sent.without("Content-Type").message(door)


def test_dot_segments_are_refused(door: Authenticator) -> None:
    """Signers resolve them and the engine does not: nobody may use the difference."""
    for path in (f"/v1/apps/{APP}/../{APP}/events", f"{EVENTS}/.", f"/./{EVENTS[1:]}"):
        sent = sign(target=path)
        assert sent.code(door) == INVALID, path
        assert "segments" in sent.message(door)


# Before the body is read


def test_a_glance_sees_what_needs_no_body(door: Authenticator) -> None:
    """Strangers, wrong times and wrong tokens are told at once; the rest waits for the body."""

    def precheck(sent: Sent, later: timedelta = timedelta(0)) -> str:
        now = datetime.now(timezone.utc) + later
        seen = door.precheck(sent.head(), now)
        assert seen.access_key_id == sent.to(door, now).access_key_id
        return seen.denial.code if seen.denial else ""

    assert precheck(sign()) == ""
    assert precheck(sign(key=READER)) == ""  # what a key may do is told to its holder only
    assert precheck(sign(secret="?" * 40)) == ""
    assert precheck(sign().without("Authorization")) == MISSING
    assert precheck(sign(key="PKNOBODY")) == UNKNOWN
    assert precheck(sign(key=GUEST, token="x")) == UNKNOWN
    assert precheck(sign(key=LOCAL)) == INVALID
    assert precheck(sign(), 6 * MINUTE) == INVALID
    assert precheck(sign(target=f"{EVENTS}/..")) == INVALID
    assert precheck(Sent("OPTIONS", EVENTS, "", (), b"")) == ""


# Tampering


def test_what_was_signed_cannot_be_changed(door: Authenticator) -> None:
    """Method, path, query, body, host: each of them."""
    sent = sign(target=f"{EVENTS}?token=1")
    assert sent.code(door) == ""
    changes: list[dict[str, Any]] = [
        {"method": "PUT"},
        {"path": f"/v1/apps/{APP}/events/legacy"},
        {"path": EVENTS.replace("events", "%65vents")},
        {"query": "token=2"},
        {"query": ""},
        {"query": "token=1&token=1"},
        {"body": b'{"BatchItem":{} }'},
        {"body": b""},
    ]
    for change in changes:
        assert attrs.evolve(sent, **change).code(door) == INVALID, change
    assert sent.replacing("Host", "pinpoint", "other").code(door) == INVALID


_HEADER_SIGNED = sign("PUT", f"{ENDPOINT}%2Fa?token=a%2Fb&n=1", b'{"OptOut":"ALL"}', key=ADMIN)
_PRESIGNED = sign("PUT", f"{ENDPOINT}%2Fa?token=a%2Fb&n=1", key=ADMIN, expires=600)
_MOMENT = datetime.now(timezone.utc)
_CHARACTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def _decoded(query: str) -> list[tuple[bytes, ...]]:
    parts = (part.partition("=")[::2] for part in query.split("&") if part)
    return sorted(
        tuple(unquote_to_bytes(side.replace("+", " ")) for side in pair) for pair in parts
    )


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    """One byte of method, path, query, a signed header or body, and the request stays out."""
    door = _shared_door()
    sent = data.draw(st.sampled_from([_HEADER_SIGNED, _PRESIGNED]))
    part = data.draw(st.sampled_from(["method", "path", "query", "headers", "body"]))
    if part == "body":
        assume(sent.body)
        place = data.draw(st.integers(0, len(sent.body) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != sent.body[place]))
        body = sent.body[:place] + bytes([byte]) + sent.body[place + 1 :]
        changed = attrs.evolve(sent, body=body)
    elif part == "headers":
        number = data.draw(st.integers(0, len(sent.headers) - 1))
        name, value = sent.headers[number]
        spelt = f"{name}: {value}"
        text = _changed(data, spelt)
        new_name, _, new_value = text.partition(": ")
        # Neither the case of a name nor spaces at the ends of a value were ever signed.
        assume((new_name.lower(), new_value.split()) != (name.lower(), value.split()))
        pairs = list(sent.headers)
        pairs[number] = (new_name, new_value)
        changed = attrs.evolve(sent, headers=tuple(pairs))
    else:
        text = _changed(data, getattr(sent, part))
        change: dict[str, Any] = {part: text}
        changed = attrs.evolve(sent, **change)
        if part == "query":
            assume(_decoded(text) != _decoded(sent.query))  # %2f means %2F
        assume(text != "OPTIONS")
    assert sent.to(door, _MOMENT).denial is None
    assert changed.to(door, _MOMENT).denial is not None


def _changed(data: st.DataObject, text: str) -> str:
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(_CHARACTERS.filter(lambda value: value != text[place]))
    return text[:place] + character + text[place + 1 :]


@given(
    st.text(max_size=9),
    st.text(max_size=40),
    st.text(max_size=80),
    st.lists(
        st.tuples(
            st.sampled_from(["Authorization", "X-Amz-Date", "Host", "Date", "X-Amz-Security-Token"])
            | st.text(max_size=9),
            st.text(max_size=120) | st.sampled_from([value for _, value in _HEADER_SIGNED.headers]),
        ),
        max_size=6,
    ),
    st.binary(max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_there_is_an_answer_to_anything(
    method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Whatever comes, it is let in or denied, and never raises."""
    assume(method != "OPTIONS")
    denial = Sent(method, path, query, tuple(headers), body).to(_shared_door()).denial
    assert denial is not None


_DOORS: list[Authenticator] = []


@pytest.fixture(scope="module", autouse=True)
def _share(door: Authenticator) -> None:
    """Hypothesis runs a test many times and cannot ask for the fixture each time."""
    _DOORS[:] = [door]


def _shared_door() -> Authenticator:
    return _DOORS[0]


# Scopes


def test_a_key_is_for_its_applications(door: Authenticator) -> None:
    """Another application is denied, and the answer does not tell whether there is one."""
    own = sign("GET", ENDPOINT, b"")
    assert own.code(door) == ""
    answers = {
        sign("GET", f"/v1/apps/{app}/endpoints/device-1", b"").to(door)
        for app in (OTHER_APP, "0" * 32, "%00", "..%2F..", APP.upper(), f"{APP}%20", "%FF")
    }
    assert len(answers) == 1
    (answer,) = answers
    assert answer.access_key_id == WRITER
    assert answer.denial is not None
    assert (answer.denial.code, answer.denial.status) == (DENIED, 403)


def test_a_key_may_be_for_several_applications(door: Authenticator) -> None:
    """Each id of its list opens."""
    for app in (APP, OTHER_APP):
        assert sign("GET", f"/v1/apps/{app}/endpoints/x", b"", key=READER).code(door) == ""


def test_a_reader_reads_only(door: Authenticator) -> None:
    """GET and HEAD come in; whatever else is denied, on its own application, too."""
    for method in ("GET", "HEAD"):
        assert sign(method, ENDPOINT, b"", key=READER).code(door) == ""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert sign(method, ENDPOINT, b"{}", key=READER).code(door) == DENIED


@pytest.mark.parametrize(
    "path",
    [
        "/v1/apps",
        "/v1/templates",
        "/v1/templates/x/email",
        "/v1/recommenders",
        "/v1/phone/number/validate",
        "/",
        "/v1/apps/",
        f"/v2/apps/{APP}",
        f"/v1/tags/{APP}",
        f"/v1/tags/arn:aws:s3:::apps%2F{APP}",
        f"/v1/tags/arn:aws:mobiletargeting:us-east-1:1:templates%2F{APP}%2FEMAIL",
        f"/v1/tags/arn:aws:mobiletargeting:us-east-1:1:apps%2F{OTHER_APP}",
        f"/pinpoint-kit/v1/apps/{OTHER_APP}/endpoints",
        f"/pinpoint-kit/{APP}",
    ],
)
def test_what_belongs_to_no_application_of_the_key_is_denied(
    door: Authenticator, path: str
) -> None:
    """Such things need `applications = *`."""
    assert sign("GET", path, b"").code(door) == DENIED
    assert sign("GET", path, b"", key=ADMIN).code(door) == ""


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/apps/{APP}",
        f"/v1/%61pps/{APP[:-1]}%66/events",
        f"/v1/tags/arn:aws:mobiletargeting:us-east-1:1:apps%2F{APP}",
        f"/v1/tags/arn%3Aaws%3Amobiletargeting%3A%3A%3Aapps%2F{APP}%2Fsegments%2Fx",
        f"/pinpoint-kit/v1/apps/{APP}/endpoints",
    ],
)
def test_what_belongs_to_an_application_of_the_key_is_open(door: Authenticator, path: str) -> None:
    """By the path, by a tag's ARN, and on the paths of our own."""
    assert sign("GET", path, b"").code(door) == ""


def test_browsers_may_ask_before_they_sign(door: Authenticator) -> None:
    """OPTIONS comes in without credentials, as CORS needs."""
    preflight = (("Host", "p.test"), ("Origin", "https://shop.example"))
    assert Sent("OPTIONS", EVENTS, "", preflight, b"").to(door) == AccessDecision()


def test_nothing_of_a_caller_shows(door: Authenticator) -> None:
    """Reprs of what is passed around hold neither paths nor headers nor bodies."""
    sent = sign(target=f"/v1/apps/{APP}/users/jane%40example.com", body=b"jane", key=GUEST)
    text = f"{sent.head()!r} {sent.to(door)!r} {door._credentials.current()!r}"
    for secret in ("jane", TOKEN, *SECRETS.values()):
        assert secret not in text
