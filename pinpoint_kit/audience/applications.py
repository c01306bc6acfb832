"""Applications: what AWS's console called projects. Every call blocks until it is answered."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pinpoint_kit.errors import (
    ConfigurationError,
    Forbidden,
    NotFound,
    TransportError,
    ValidationError,
)
from pinpoint_kit.models import wire
from pinpoint_kit.models.application import Application
from pinpoint_kit.models.checks import require_path_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.transport import Transport

__all__ = ["Applications", "check_name"]


class Applications:
    """The applications of an account and Region, or of an engine."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Application]:
        """All applications.

        Raises:
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        found: list[Application] = []
        token: str | None = None
        while True:
            params = {"PageSize": "100", **({"Token": token} if token else {})}
            page = self._transport.call("GetApps", **params)["ApplicationsResponse"]
            found.extend(_read(item, "GetApps") for item in page.get("Item") or ())
            token = page.get("NextToken")
            if not token:
                return found

    def create(self, name: str, *, tags: Mapping[str, str] | None = None) -> Application:
        """Create an application. Names need not be unique.

        Args:
            name: its name.
            tags: key -> value, at most 50.

        Raises:
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        request = {"Name": name, **({"tags": dict(tags)} if tags else {})}
        answer = self._transport.call("CreateApp", CreateApplicationRequest=request)
        return _read(answer["ApplicationResponse"], "CreateApp")

    def delete(self, application_id: str) -> Application:
        """Delete an application with all its endpoints and events.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        answer = self._transport.call(
            "DeleteApp", ApplicationId=require_path_id(application_id, "$.application_id")
        )
        return _read(answer["ApplicationResponse"], "DeleteApp")

    def find_or_create(self, name: str) -> Application:
        """Return the application of this name, the first of several; created when there is none.

        Processes that start at the same time agree on one: whoever created a second one
        deletes it again. The first is the one that is listed first; the engine lists in the
        order of creation, which unlike the dates has no ties.

        Raises:
            ConfigurationError: the name is empty.
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        check_name(name)
        found = self.find(name)
        if found is not None:
            return found
        created = self.create(name)
        first = self.find(name) or created
        if first.id != created.id:
            with suppress(NotFound):
                self.delete(created.id)
        return first

    def find_or_create_where_ours(self, name: str, *, may_create: bool) -> Application:
        """Return the application of this name, which only our engine and server create.

        Elsewhere an application belongs to somebody's account, and a misspelt name must not make
        another one.

        Args:
            name: its name.
            may_create: whether to create it at all.

        Raises:
            NotFound: there is none, and it is not created there.
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        try:
            found = self.find(name)
        except Forbidden as error:
            error.next_step = (
                "check the credentials; a key for one application cannot look up its name: give"
                " application_id=ID"
            )
            raise
        if found is not None:
            return found
        if may_create and self._transport.is_pinpoint_kit:
            return self.find_or_create(name)
        missing = NotFound(
            f"no application has the name {name!r}, and it is created only on a pinpoint_kit"
            " server",
            status=404,
            operation="GetApps",
        )
        missing.next_step = "create it with applications.create, or give application_id"
        raise missing

    def find(self, name: str) -> Application | None:
        """Return the application of this name, the oldest of several, or None.

        Raises:
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        return next((item for item in self.list() if item.name == name), None)


def check_name(name: object) -> None:
    """Check that something can be the name of an application.

    Raises:
        ConfigurationError: it is no text, or empty.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("application must be a name that is not empty")


def _read(answer: object, operation: str) -> Application:
    try:
        return wire.from_wire(Application, answer)
    except ValidationError as error:
        raise TransportError(
            f"{operation}: the answer is no application ({error}): check that the URL is a"
            " Pinpoint service",
            operation,
        ) from error
