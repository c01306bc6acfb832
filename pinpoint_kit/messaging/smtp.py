"""`Smtp`: real e-mail, handed to an SMTP server over one connection that is kept.

The wire is smtp_session.py's, the text of an e-mail mime.py's. Here is when to connect, and what an
answer means.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from pinpoint_kit.destinations.parameters import checked_number, checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.messaging.mime import Email, NotAnEmail, email_of
from pinpoint_kit.messaging.smtp_session import Session, TlsSession
from pinpoint_kit.records.message import NotSent, Sent
from pinpoint_kit.transport.posting import is_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["Smtp", "Tls"]

#: `required`: STARTTLS or nothing; `offered`: STARTTLS where the server has it; `wrapped`: TLS from
#: the first byte on; `never`: in the clear.
Tls: TypeAlias = Literal["required", "offered", "wrapped", "never"]
_TLS = ("required", "offered", "wrapped", "never")
_PORTS = {"wrapped": 465}
_SUBMISSION = 587  # RFC 6409
_TIMEOUT = 30.0
_MOST_MESSAGES = 50
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}")
_PERMANENT = range(500, 600)
#: What a server says of an address that is none (RFC 3463, 3.2; RFC 7505): no such mailbox, no such
#: domain, a bad syntax, moved, takes no mail. 5.1.7 and 5.1.8 are about the sender, and 5.7.1 is
#: about what it may.
_NO_ADDRESS = re.compile(rb"5\.1\.(?:10|[1236])(?![0-9.])")
_OK = range(200, 300)
_CLOSING = 421  # RFC 5321 (4.2.2): the server is going away
_NO_SERVICE, _REFUSED = 503, 400
_GONE = smtplib.SMTPServerDisconnected


class Smtp:
    """Sends e-mail through an SMTP server.

    Text and HTML become one MIME message; `List-Unsubscribe` and other headers of a message are
    kept as they are. `Message-ID` follows from the message's id, so that a message which is sent
    again after a crash can be told. Answers from 400 to 499 and a server that cannot be reached are
    temporary failures, those from 500 on permanent ones; what the server said is the status of the
    message. A recipient that is refused with 5.1.1, 5.1.2, 5.1.3, 5.1.6 or 5.1.10 is a bounce: the
    address gets nothing more. A connection is kept for further messages. Use it on one thread at a
    time.

    Args:
        host: the server.
        port: its port; 587, or 465 for `tls="wrapped"`, unless given.
        sender: whom e-mail is from that does not say so: an address, or `Name <ADDRESS>`.
        user: whom to log in as.
        password: with what.
        tls: `required` uses STARTTLS or fails, `offered` uses it where the server has it,
            `wrapped` is TLS from the first byte on, `never` is in the clear. Unless given,
            `offered` for this machine and `required` for others.
        ca_file: certificates, in PEM, of authorities to trust instead of the public ones.
        timeout: the seconds that a call of `send` takes at most, up to 240.
        most_messages: the most messages of one call of `send`, from 1 to 1,000.

    Raises:
        ConfigurationError: a value is wrong, or a password would go over the network in the clear.

    Examples:
        >>> Smtp("localhost", 1025).name
        'smtp://localhost:1025'
    """

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        host: str,
        port: int | None = None,
        *,
        sender: str = "",
        user: str | None = None,
        password: str | None = None,
        tls: Tls | None = None,
        ca_file: str | None = None,
        timeout: float = _TIMEOUT,
        most_messages: int = _MOST_MESSAGES,
    ) -> None:
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise ConfigurationError("no name of an SMTP server: write smtp://HOST:PORT")
        self._host = host
        self._tls: Tls = tls or ("offered" if is_here(host.strip("[]")) else "required")
        if self._tls not in _TLS:
            raise ConfigurationError(f"tls must be one of {', '.join(_TLS)}: choose one")
        default = _PORTS.get(self._tls, _SUBMISSION)
        self._port = checked_number("port", default if port is None else port, 1, 65_535)
        scheme = "smtps" if self._tls == "wrapped" else "smtp"
        self._name = f"{scheme}://{host}:{self._port}"
        if (user is None) is not (password is None):
            raise ConfigurationError(
                f"{self._name}: a log-in needs a user and a password: give both, or neither"
            )
        if user is not None and self._tls in {"offered", "never"} and not is_here(host.strip("[]")):
            raise ConfigurationError(
                f"{self._name} would send the password in the clear: use tls=required or wrapped"
            )
        self._login = None if user is None or password is None else (user, password)
        self._sender = sender
        self._timeout = checked_seconds("timeout", timeout)
        self._most_messages = checked_number("most_messages", most_messages, 1, 1_000)
        self._context = None if ca_file is None else _context(ca_file)
        self._session: Session | TlsSession | None = None
        self._pid = os.getpid()

    def __repr__(self) -> str:
        return f"<Smtp {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: the server, without the user."""
        return self._name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return self._most_messages

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Send messages, and say of each what became of it, in their order."""
        until = time.monotonic() + self._timeout
        found: list[Sent | NotSent] = []
        down: NotSent | None = None
        for message in messages:
            try:
                email = email_of(message, sender=self._sender)
            except NotAnEmail as error:
                found.append(NotSent(str(error), is_permanent=True, code=_REFUSED))
                continue
            if down is None:
                outcome, is_gone = self._deliver(email, until)
                down = outcome if is_gone and isinstance(outcome, NotSent) else None
                found.append(outcome)
            else:  # a server that is gone would make each of them wait
                found.append(down)
        return found

    def close(self) -> None:
        """Say goodbye and close the connection; idempotent."""
        session, self._session = self._session, None
        if session is None:
            return
        if os.getpid() == self._pid:  # in a forked child, the conversation is the parent's
            session.until = time.monotonic() + min(2.0, self._timeout)
            try:
                session.quit()
            except (smtplib.SMTPException, OSError):
                session.close()
        else:
            session.close()

    def _deliver(self, email: Email, until: float) -> tuple[Sent | NotSent, bool]:
        """Send one e-mail: what became of it, and whether the server is gone."""
        is_kept = self._session is not None and os.getpid() == self._pid
        try:
            return self._tried(email, until), False
        except OSError as error:  # smtplib's errors are among them
            self._drop()
            if isinstance(error, smtplib.SMTPException) and not isinstance(error, _GONE):
                return _refused(error, self._name), True
            if time.monotonic() >= until:  # smtplib calls that a lost connection
                why = f"no answer within {self._timeout:g} seconds"
            elif is_kept:  # one that has waited is often closed by then; nothing was taken
                return self._deliver(email, until)
            else:
                why = type(error).__name__
            return NotSent(f"{self._name}: not reached ({why})", code=_NO_SERVICE), True

    def _tried(self, email: Email, until: float) -> Sent | NotSent:
        session = self._connected(until)
        options = []
        if email.is_utf8:
            if not session.has_extn("smtputf8"):
                return NotSent(
                    "the server takes no address outside of ASCII", is_permanent=True, code=_REFUSED
                )
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            session.command_encoding = "utf-8"
        is_of_recipient = False
        try:
            code, said = session.mail(email.sender, options)
            is_of_recipient = code in _OK
            if is_of_recipient:
                code, said = session.rcpt(email.recipient)
            if code in _OK:
                code, said = session.data(email.content)
        except smtplib.SMTPDataError as error:  # instead of an answer, before the content
            code, said = error.smtp_code, _bytes(error.smtp_error)
        finally:
            session.command_encoding = "ascii"
        if code not in _OK:
            outcome = self._not_taken(session, code, said)
            is_bounce = is_of_recipient and code in _PERMANENT and bool(_NO_ADDRESS.match(said))
            return attrs.evolve(outcome, is_bounce=is_bounce)
        return Sent(_text(code, said))

    def _not_taken(self, session: Session | TlsSession, code: int, said: bytes) -> NotSent:
        if code == _CLOSING:
            self._drop()
        else:
            session.rset()
        return _answered(code, said)

    def _connected(self, until: float) -> Session | TlsSession:
        if self._session is not None and os.getpid() != self._pid:
            self._drop()
        if self._session is not None:
            self._session.until = until
            return self._session
        session: Session | TlsSession
        if self._tls == "wrapped":
            session = TlsSession(until=until, context=self._trust())
        else:
            session = Session(until=until)
        try:
            self._begin(session)
        except BaseException:
            session.close()
            raise
        self._session, self._pid = session, os.getpid()
        return session

    def _begin(self, session: Session | TlsSession) -> None:
        # `_host` is what smtplib checks certificates against; only a host in its constructor sets
        # it, and that would connect there.
        session._host = self._host  # type: ignore[union-attr]  # noqa: SLF001 -- as above
        code, said = session.connect(self._host, self._port)
        if code not in _OK:
            raise smtplib.SMTPConnectError(code, said)
        session.ehlo_or_helo_if_needed()
        if self._tls == "required" or (self._tls == "offered" and session.has_extn("starttls")):
            session.starttls(context=self._trust())
            session.ehlo_or_helo_if_needed()
        if self._login is not None:
            session.login(*self._login)

    def _trust(self) -> ssl.SSLContext:
        """Return what certificates are checked against; reading the public ones takes a while."""
        if self._context is None:
            self._context = _context(None)
        return self._context

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"no certificates in {ca_file}: name a file in PEM") from None


def _refused(error: smtplib.SMTPException, name: str) -> NotSent:
    """Return what a refusal before any e-mail means, such as of the log-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # Somebody must mend the set-up; then the same message goes.
        return NotSent(f"{name}: the log-in is refused ({error.smtp_code})")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return NotSent(f"{name}: the server has no STARTTLS or log-in: choose another tls")
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error.smtp_code, _bytes(error.smtp_error))
    return NotSent(f"{name}: {type(error).__name__}")


def _answered(code: int, said: bytes) -> NotSent:
    """Return what an answer means: 4xx is temporary, 5xx is not."""
    if code in _PERMANENT:
        return NotSent(_text(code, said), is_permanent=True, code=_REFUSED)
    return NotSent(_text(code, said), code=_NO_SERVICE)


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _text(code: int, said: bytes) -> str:
    text = said.decode("utf-8", "replace").replace("\n", " ")
    return f"{code} {''.join(sign for sign in text if sign.isprintable())}".strip()[:500]
