"""E-mail over real sockets: what arrives, and what each answer of a server means."""

from __future__ import annotations

import socket
import threading
import time
from base64 import b64encode
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit import ConfigurationError
from pinpoint_kit.messaging import NotSent, Sent, Smtp
from tests.messaging.certificates import make_certificate
from tests.messaging.fake_smtp import FakeSmtp
from tests.messaging.messages import email
from tests.ports import held_port
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

SENDER = "Shop <shop@example.com>"


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    """Give a server that takes everything."""
    with FakeSmtp() as server:
        yield server


@pytest.fixture
def smtp(server: FakeSmtp) -> Iterator[Smtp]:
    """Give a transport to it."""
    transport = Smtp("127.0.0.1", server.port, sender=SENDER, timeout=10)
    yield transport
    transport.close()


def not_sent(outcome: Sent | NotSent) -> NotSent:
    """Return an outcome that must be a failure."""
    assert isinstance(outcome, NotSent)
    return outcome


def text_of(part: Message) -> str:
    """Return the text of a part, with the line ends of Python."""
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_text_and_html_arrive_as_one_message(smtp: Smtp, server: FakeSmtp) -> None:
    """Both parts, the subject, headers, and an id that follows from the message's."""
    unsubscribe = "<https://shop.example.com/unsubscribe?" + "token=0123456789&" * 30 + ">"
    headers = {"List-Unsubscribe": unsubscribe, "X-Team": "Größe"}
    one = email(title="Grüße, Ada", html="<p>Hällo</p>", body="Hällo\n.\nEnde", headers=headers)
    assert smtp.send([one]) == [Sent("250 2.0.0 queued as 1")]
    (got,) = server.emails
    assert (got.sender, got.recipients) == ("shop@example.com", ["ada@example.com"])
    assert got.message["Subject"] == "Grüße, Ada"
    assert got.message["From"] == SENDER
    assert got.message["To"] == "ada@example.com"
    assert got.message["Message-ID"] == "<m-1@example.com>"
    assert got.message["X-Team"] == "Größe"
    assert f"List-Unsubscribe: {unsubscribe}\r\n".encode() in got.raw
    assert got.message.get_content_type() == "multipart/alternative"
    parts = [text_of(part) for part in got.message.iter_parts()]
    assert parts == ["Hällo\n.\nEnde\n", "<p>Hällo</p>\n"]
    assert got.raw.isascii()


def test_html_alone_is_html(smtp: Smtp, server: FakeSmtp) -> None:
    """No empty text goes along."""
    smtp.send([email(body="", html="<p>x</p>")])
    assert server.emails[0].message.get_content_type() == "text/html"


def test_what_was_given_as_mime_stays_as_it_is(smtp: Smtp, server: FakeSmtp) -> None:
    """With its attachments; it gets the headers that it lacks, and nobody sees who else gets it."""
    raw = (
        b"From: Ann <ann@example.com>\nBcc: secret@example.com\n"
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=q\n\n--q\n\nHello\n.\nEnd"
        b"\n--q\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nQUJD\n--q--\n"
    )
    headers = {"Subject": "Grüße", "From": "Ann <ann@example.com>"}
    data = {"RawEmail": b64encode(raw).decode()}
    one = email(title="Grüße", sender="ann@example.com", headers=headers, data=data)
    assert smtp.send([one]) == [Sent("250 2.0.0 queued as 1")]
    (got,) = server.emails
    assert (got.sender, got.recipients) == ("ann@example.com", ["ada@example.com"])
    assert got.message["Subject"] == "Grüße"
    assert got.message["From"] == "Ann <ann@example.com>"
    assert got.message["To"] == "ada@example.com"
    assert got.message["Bcc"] is None
    text, attachment = got.message.iter_parts()
    assert text_of(text) == "Hello\n.\nEnd"
    assert attachment.get_payload(decode=True) == b"ABC"


def test_mime_that_cannot_be_written_is_refused(smtp: Smtp, server: FakeSmtp) -> None:
    """It is a failure for good, not an error."""
    raw = b64encode(b"Content-Type: text/plain; charset=nope\n\n\xff").decode()
    (outcome,) = smtp.send([email(data={"RawEmail": raw})])
    assert not_sent(outcome).is_permanent
    assert server.emails == []


def test_one_connection_is_used_again(smtp: Smtp, server: FakeSmtp) -> None:
    """Also after a refusal, and by later calls."""
    server.refused["no@example.com"] = "550 5.1.1 no such user"
    outcomes = [
        *smtp.send([email(), email(address="no@example.com"), email()]),
        *smtp.send([email()]),
    ]
    assert [type(each) for each in outcomes] == [Sent, NotSent, Sent, Sent]
    assert server.connections == 1


@pytest.mark.parametrize(("code", "is_permanent"), [(450, False), (550, True)])
def test_a_refused_recipient(
    smtp: Smtp, server: FakeSmtp, code: int, *, is_permanent: bool
) -> None:
    """4xx is temporary, 5xx permanent; the answer is the status."""
    server.refused["ada@example.com"] = f"{code} 5.1.1 mailbox says no"
    (outcome,) = smtp.send([email()])
    text, seen = f"{code} 5.1.1 mailbox says no", 400 if is_permanent else 503
    assert outcome == NotSent(text, is_permanent=is_permanent, code=seen, is_bounce=is_permanent)
    assert "mailbox" not in repr(outcome)


@pytest.mark.parametrize(
    ("answer", "is_bounce"),
    [
        ("550 5.1.1 no such user", True),
        ("550-5.1.1 no such user\r\n550 5.1.1 see our page", True),
        ("550 5.1.2 no such domain", True),
        ("553 5.1.3 bad syntax", True),
        ("551 5.1.6 moved", True),
        ("556 5.1.10 takes no mail", True),
        ("550 no such user", False),
        ("550 5.7.1 you are listed", False),
        ("550 5.1.0 something", False),
        ("550 5.1.7 bad sender", False),
        ("550 5.1.8 no such domain of the sender", False),
        ("550 5.1.11 unknown", False),
        ("550 5.2.1 disabled", False),
        ("552 5.2.2 full", False),
        ("550 see 5.1.1", False),
        ("450 4.1.1 later", False),
        ("450 5.1.1 later", False),
    ],
)
def test_which_refusals_are_bounces(
    smtp: Smtp, server: FakeSmtp, answer: str, *, is_bounce: bool
) -> None:
    """Those that call the recipient's address none; what is about the sender is not one."""
    server.refused["ada@example.com"] = answer
    server.answers = [answer]
    refused, content = smtp.send([email(), email(address="bob@example.com")])
    assert (not_sent(refused).is_bounce, not_sent(content).is_bounce) == (is_bounce, is_bounce)


def test_a_sender_that_is_refused_bounces_nobody(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the code may be that of a mailbox."""

    async def refuse(*_: object) -> str:
        return "550 5.1.1 no such sender"

    monkeypatch.setattr(FakeSmtp, "handle_MAIL", refuse, raising=False)
    (outcome,) = smtp.send([email()])
    assert outcome == NotSent("550 5.1.1 no such sender", is_permanent=True, code=400)


@pytest.mark.parametrize(("code", "is_permanent"), [(452, False), (554, True)])
def test_refused_content(smtp: Smtp, server: FakeSmtp, code: int, *, is_permanent: bool) -> None:
    """The same for the content; the next e-mail goes."""
    server.answers = [f"{code} spam"]
    first, second = smtp.send([email(), email()])
    seen = 400 if is_permanent else 503
    assert first == NotSent(f"{code} spam", is_permanent=is_permanent, code=seen)
    assert isinstance(second, Sent)


def test_a_server_that_goes_away_is_asked_again(smtp: Smtp, server: FakeSmtp) -> None:
    """421 is temporary and ends the connection; the next e-mail has a new one."""
    server.answers = ["421 closing"]
    first, second = smtp.send([email(), email()])
    assert not_sent(first).text == "421 closing"
    assert not not_sent(first).is_permanent
    assert isinstance(second, Sent)
    assert server.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(
    smtp: Smtp, server: FakeSmtp
) -> None:
    """Nobody sees it."""
    smtp.send([email()])
    session = smtp._session
    assert session is not None
    assert session.sock is not None
    session.sock.shutdown(socket.SHUT_RDWR)
    assert [type(each) for each in smtp.send([email(), email()])] == [Sent, Sent]
    assert len(server.emails) == 3


def test_nobody_there() -> None:
    """A refused connection is temporary, asked for once in a call, and named without a person."""
    with held_port() as port:
        outcomes = Smtp("127.0.0.1", port, sender=SENDER).send([email(), email()])
    expected = NotSent(f"smtp://127.0.0.1:{port}: not reached (ConnectionRefusedError)", code=503)
    assert outcomes == [expected, expected]


@pytest.mark.parametrize("drips", [False, True])
def test_a_server_that_hangs_holds_a_call_only_so_long(*, drips: bool) -> None:
    """Neither silence nor one byte now and then makes a call longer than its timeout."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not ended.wait(0.05):
                    if drips:
                        connection.sendall(b"2")

        thread = threading.Thread(target=serve)
        thread.start()
        transport = Smtp("127.0.0.1", listener.getsockname()[1], sender=SENDER, timeout=0.3)
        began = time.monotonic()
        (first, second) = transport.send([email(), email()])
        in_time(time.monotonic() - began, 2.0)
        ended.set()
        thread.join()
    assert "no answer within 0.3 seconds" in not_sent(first).text
    assert second == first


INJECTIONS = [
    email(headers={"X-A": "b\r\nBcc: all@example.com"}),
    email(headers={"X-A\r\nBcc": "all@example.com"}),
    email(headers={"Bcc": "all@example.com"}),
    email(headers={"Subject": "other"}),
    email(headers={"Content-Type": "text/html"}),
    email(headers={"X-A": "b\x00"}),
    email(address="a@example.com\r\nRCPT TO:<b@example.com>"),
    email(address="a@example.com, b@example.com"),
    email(address="a@example.com>"),
    email(address="nobody"),
    email(address=""),
    email(sender="a@example.com>\r\nRCPT TO:<b@example.com"),
    email(sender="nobody"),
    email(body="\ud800"),
]


@pytest.mark.parametrize("number", range(len(INJECTIONS)))
def test_nothing_can_be_injected(smtp: Smtp, server: FakeSmtp, number: int) -> None:
    """A line end in an address or a header, and headers that are ours, are refused for good."""
    (outcome,) = smtp.send([INJECTIONS[number]])
    assert not_sent(outcome).is_permanent
    assert not_sent(outcome).code == 400
    assert server.emails == []


def test_line_ends_in_a_subject_are_blanks(smtp: Smtp, server: FakeSmtp) -> None:
    """A template may have some; and lone ones in a text end no message."""
    smtp.send([email(title="Hi\r\nBcc: all@example.com", body="a\r.\r\nb\n.\nc")])
    (got,) = server.emails
    assert got.message["Subject"] == "Hi Bcc: all@example.com"
    assert got.message["Bcc"] is None
    assert text_of(got.message) == "a\n.\nb\n.\nc\n"


def test_addresses_outside_of_ascii(smtp: Smtp, server: FakeSmtp) -> None:
    """A domain is written in ASCII, a name before the @ needs a server that takes it."""
    assert [type(each) for each in smtp.send([email(address="ada@bücher.example")])] == [Sent]
    assert server.emails[0].recipients == ["ada@xn--bcher-kva.example"]
    assert [type(each) for each in smtp.send([email(address="jürgen@example.com")])] == [Sent]
    assert server.emails[1].recipients == ["jürgen@example.com"]


def test_without_a_sender_nothing_is_sent(server: FakeSmtp) -> None:
    """The status says where to give one."""
    transport = Smtp("127.0.0.1", server.port)
    (outcome,) = transport.send([email()])
    assert "FromAddress" in not_sent(outcome).text
    assert isinstance(transport.send([email(sender="own@example.com")])[0], Sent)
    assert server.emails[0].sender == "own@example.com"
    transport.close()
    transport.close()


def test_starttls_and_a_login(tmp_path: Path) -> None:
    """TLS with a certificate that is trusted, then the password."""
    certificate = make_certificate(tmp_path)
    with FakeSmtp(certificate=certificate, password="secret-1") as server:
        options: dict[str, Any] = {"sender": SENDER, "user": "shop", "timeout": 10}
        good = Smtp(
            "localhost", server.port, password="secret-1", ca_file=str(certificate),
            tls="required", **options,
        )  # fmt: skip
        assert isinstance(good.send([email()])[0], Sent)
        assert server.users == ["shop"]
        good.close()
        wrong = Smtp("localhost", server.port, password="no", ca_file=str(certificate), **options)
        assert "log-in is refused (535)" in not_sent(wrong.send([email()])[0]).text
        untrusted = Smtp("localhost", server.port, password="secret-1", **options)
        outcome = not_sent(untrusted.send([email()])[0])
        assert "SSLCertVerificationError" in outcome.text
        assert not outcome.is_permanent
        assert set(server.users) == {"shop"}
        assert "secret" not in repr(good) + good.name


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    """As port 465 has it."""
    certificate = make_certificate(tmp_path)
    with FakeSmtp(certificate=certificate, is_wrapped=True) as server:
        transport = Smtp(
            "localhost", server.port, tls="wrapped", sender=SENDER, ca_file=str(certificate)
        )
        assert transport.name == f"smtps://localhost:{server.port}"
        assert isinstance(transport.send([email()])[0], Sent)
        transport.close()


def test_no_starttls_where_it_is_required(server: FakeSmtp) -> None:
    """Nothing goes in the clear."""
    transport = Smtp("127.0.0.1", server.port, sender=SENDER, tls="required")
    assert "has no STARTTLS" in not_sent(transport.send([email()])[0]).text
    assert server.emails == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"host": "a b"}, "smtp://HOST:PORT"),
        ({"port": 0}, "port must be from 1"),
        ({"user": "a"}, "a user and a password"),
        (
            {"host": "mail.example.com", "user": "a", "password": "b", "tls": "never"},
            "in the clear",
        ),
        ({"tls": "no"}, "tls must be one of"),
        ({"ca_file": "/nowhere"}, "no certificates in /nowhere"),
        ({"timeout": 0}, "timeout must be above 0"),
    ],
)
def test_mistakes_end_the_start(given: dict[str, object], says: str) -> None:
    """Each says what to write."""
    with pytest.raises(ConfigurationError, match=says):
        Smtp(**{"host": "localhost", **given})  # type: ignore[arg-type]  # mistakes
