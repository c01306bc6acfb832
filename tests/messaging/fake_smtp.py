"""An SMTP server on a loopback socket (aiosmtpd), which answers as it is told.

with FakeSmtp() as server:
    Smtp("127.0.0.1", server.port).send([...])
    server.emails  # each parsed back, with its envelope
"""

from __future__ import annotations

import email
import email.policy
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import attrs
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["FakeSmtp", "Received"]


@attrs.frozen
class Received:
    """An e-mail that came: its envelope, its bytes, and what they parse to."""

    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage


class FakeSmtp:
    """Takes e-mail, and refuses what it is told to.

    Args:
        certificate: a file with a key and its certificate, for STARTTLS.
        password: the password to log in with; without one nobody needs to.
        is_wrapped: whether TLS begins with the first byte.

    Attributes:
        emails: what came.
        refused: the answers to recipients, by their address.
        answers: the answers to the content of the next e-mails, in turn; "" takes one.
        connections: how many conversations began.
    """

    def __init__(
        self, *, certificate: Path | None = None, password: str = "", is_wrapped: bool = False
    ) -> None:
        self.emails: list[Received] = []
        self.refused: dict[str, str] = {}
        self.answers: list[str] = []
        self.connections = 0
        self.users: list[str] = []
        self._password = password
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        options: dict[str, Any] = {"ssl_context" if is_wrapped else "tls_context": context}
        if is_wrapped:
            options["auth_require_tls"] = False
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ready_timeout=30,
            authenticator=self._authenticate if password else None,
            auth_required=bool(password),
            require_starttls=context is not None and not is_wrapped,
            enable_SMTPUTF8=True,
            **options,
        )
        trigger = self._controller._trigger_server

        def trigger_there() -> None:
            self._controller.port = self.port  # it knows only the one that it was given
            trigger()  # type: ignore[no-untyped-call]  # aiosmtpd's

        self._controller._trigger_server = trigger_there  # type: ignore[method-assign]  # as above

    @property
    def port(self) -> int:
        """The port."""
        server = self._controller.server
        return int(server.sockets[0].getsockname()[1])  # type: ignore[union-attr]  # it has begun

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._controller.stop()

    def _authenticate(self, _: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password.decode() == self._password, handled=False)

    async def handle_EHLO(  # noqa: N802 -- aiosmtpd's name
        self, _: Any, session: Any, __: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count conversations."""
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802 -- as above
        self, _: Any, __: Any, envelope: Any, address: str, ___: list[str]
    ) -> str:
        """Refuse a recipient, or take it."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 -- as above
        """Refuse an e-mail, or keep it."""
        answer = self.answers.pop(0) if self.answers else ""
        if answer:
            return answer
        raw = envelope.original_content or envelope.content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.emails.append(Received(envelope.mail_from, envelope.rcpt_tos, raw, message))
        return "250 2.0.0 queued as 1"
