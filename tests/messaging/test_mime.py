"""Whatever texts a message has, its e-mail says these and nothing else, or is refused."""

from __future__ import annotations

import email
import email.policy
import re
from base64 import b64encode
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinpoint_kit.messaging.mime import NotAnEmail, email_of
from tests.messaging.messages import email as made_email

#: Texts that have broken mail programs, among any others.
TEXTS = st.text(max_size=80) | st.sampled_from(
    [
        "a\r\nBcc: all@example.com",
        "a\nBcc: all@example.com",
        "a\rb",
        "=?utf-8?q?=0ABcc:_all@example.com?=",
        "=?utf-8?b?DQpCY2M6IGFsbEBleGFtcGxlLmNvbQ==?=",
        "\u2028Bcc: x",
        "\x85Bcc: x",
        "w" * 2_000,
        "ä" * 500,
        '"quoted" <other@example.com>',
        "a, b@example.com",
        "From here\n.\n..\n",
        "",
    ]
)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, whatever ends them, without blanks at the end of all."""
    return re.split("\r\n|\r|\n", text.rstrip("\r\n"))


@given(title=TEXTS, body=TEXTS, html=TEXTS, name=TEXTS, value=TEXTS)
@example(title="", body="", html="", name="", value="")
def test_an_email_says_what_the_message_does(
    title: str, body: str, html: str, name: str, value: str
) -> None:
    """One of each header, nobody else, short lines in ASCII, and the texts as they were."""
    message = made_email(
        title=title,
        body=body,
        html=html,
        sender=f"{name} <shop@example.com>",
        headers={"X-Note": value},
    )
    try:
        made = email_of(message, sender="")
    except NotAnEmail:
        return
    assert (made.sender, made.recipient) == ("shop@example.com", "ada@example.com")
    assert made.content.isascii()
    lines = made.content.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998
    got = email.message_from_bytes(made.content, policy=email.policy.default)
    assert isinstance(got, EmailMessage)
    names = [header.lower() for header in got.keys()]  # noqa: SIM118 -- a header may be there twice
    expected = {"from", "to", "subject", "date", "message-id", "mime-version", "x-note"}
    assert len(names) == len(set(names))
    assert set(names) - {"content-type", "content-transfer-encoding"} == expected
    assert [each.addr_spec for each in got["To"].addresses] == ["ada@example.com"]
    assert [each.addr_spec for each in got["From"].addresses] == ["shop@example.com"]
    parts = [part for part in got.walk() if not part.is_multipart()]
    texts = [body, html] if body and html else [html or body]
    for part, text in zip(parts, texts, strict=True):
        assert isinstance(part, EmailMessage)
        assert lines_of(str(part.get_content())) == lines_of(text)


@given(TEXTS)
def test_an_address_is_one_or_is_refused(address: str) -> None:
    """No address names another recipient."""
    try:
        made = email_of(made_email(address=address), sender="shop@example.com")
    except NotAnEmail:
        return
    assert re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", made.recipient)


def test_what_looks_encoded_is_no_header() -> None:
    """Python's own writer decodes it, and the line ends in it; a subject shows it as it stands."""
    hidden = "=?utf-8?q?x=0D=0ABcc:_all@example.com?="
    made = email_of(
        made_email(title=hidden, headers={"X-Note": hidden}, sender=f"{hidden} <a@example.com>"),
        sender="",
    )
    assert b"\nBcc" not in made.content
    got = email.message_from_bytes(made.content, policy=email.policy.default)
    assert got["Subject"] == hidden
    assert got["Bcc"] is None
    assert f"X-Note: {hidden}\r\n".encode() in made.content


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("X-Note: 1", "no charset for them: write it in Content-Type"),
        (
            "Content-Type: text/plain; charset=us-ascii",
            "no charset for them: write it in Content-Type",
        ),
        ("Content-Type: text/plain; charset=x-no", "a charset that is not known: convert"),
    ],
)
def test_mime_whose_text_cannot_be_read_says_so(head: str, why: str) -> None:
    """The reason is a sentence that says what to do, without the text."""
    raw = f"From: a@b.c\r\n{head}\r\n\r\nGrüße\r\n".encode()
    data = {"RawEmail": b64encode(raw).decode()}
    with pytest.raises(NotAnEmail, match=why) as caught:
        email_of(made_email(data=data), sender="shop@example.com")
    assert "Gr" not in str(caught.value)
    readable = raw.replace(head.encode(), b"Content-Type: text/plain; charset=utf-8")
    data = {"RawEmail": b64encode(readable).decode()}
    made = email_of(made_email(data=data), sender="shop@example.com")
    assert email.message_from_bytes(made.content).get_payload(decode=True) == "Grüße\r\n".encode()
