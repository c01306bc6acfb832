"""`Delegate`: the engine as somebody may use it who has come in by another door than a signature.

The console's pages ask through it, so that scopes and the audit log are those of every client.
Who that somebody is was decided before (console/gate.py); what a key may do, in access/scopes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.server import refusals
from pinpoint_kit.server.access.denials import AccessDenied, unrecognized_client
from pinpoint_kit.server.access.scopes import check_scope
from pinpoint_kit.server.head import Head

if TYPE_CHECKING:
    from pinpoint_kit.engine import Engine, Request, Response
    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.audit import AuditLog
    from pinpoint_kit.server.access.console_keys import ConsoleKeys

__all__ = ["Delegate"]


class Delegate:
    """Answers requests of one access key. Use it from any thread.

    Args:
        engine: what answers.
        keys: the keys that may use the console; None: the server asks for none.
        access_key_id: the key, "" where the server asks for none.
        audit_log: where to record what was asked; nowhere when None.
    """

    def __init__(
        self,
        engine: Engine,
        keys: ConsoleKeys | None,
        access_key_id: str,
        audit_log: AuditLog | None,
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._access_key_id = access_key_id
        self._audit_log = audit_log

    def handle(self, request: Request) -> Response:
        """Answer a request, or refuse it as the server refuses what is signed with this key."""
        match = self._engine.resolve(request.method, request.path)
        try:
            self._check(match, request.body)
        except AccessDenied as denied:
            denial = denied.denial
            response = refusals.answer(denial.status, denial.code, denial.message)
        else:
            response = self._engine.handle(request, match)
        if self._audit_log is not None:
            self._audit_log.write(
                _head(request), match, request.body, self._access_key_id, "", response
            )
        return response

    def _check(self, match: Match, body: bytes) -> None:
        """Pass when the key may do this, as its file says it now."""
        if self._keys is None:
            return
        credential = self._keys.find(self._access_key_id)
        if credential is None:
            raise unrecognized_client()
        check_scope(credential, match, body)


def _head(request: Request) -> Head:
    return Head(
        method=request.method,
        full_path=request.path,
        path=request.path,
        query=request.query,
        headers={name: [value] for name, value in request.headers.items()},
        size=0,
    )
