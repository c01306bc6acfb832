"""Users: the endpoints of a person. Every call blocks until it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import require_path_id
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.endpoint import Endpoint

if TYPE_CHECKING:
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Users"]


class Users:
    """The users of one application. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
    ) -> None:
        self._transport = transport
        self._application_id = application_id

    def endpoints(self, user_id: str) -> ModelList[Endpoint]:
        """All endpoints that carry this user id, at most 15.

        Args:
            user_id: case-sensitive.

        Returns:
            The endpoints.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: no endpoint carries this user id, or there is no such application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        return self._call("GetUserEndpoints", user_id)

    def delete(self, user_id: str) -> ModelList[Endpoint]:
        """Delete all endpoints that carry this user id, and the user's attributes.

        The engine keeps their events as anonymous counts; `Pinpoint.erase` takes these too.

        Args:
            user_id: case-sensitive.

        Returns:
            The endpoints as they were.

        Raises:
            InvalidTypeError: the id is not text.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: no endpoint carries this user id, or there is no such application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        return self._call("DeleteUserEndpoints", user_id)

    def _call(self, operation: str, user_id: str) -> ModelList[Endpoint]:
        answer = self._transport.call(
            operation,
            ApplicationId=self._application_id,
            UserId=require_path_id(user_id, "$.user_id"),
        )
        items = answer["EndpointsResponse"].get("Item") or ()
        return ModelList((wire.from_wire(Endpoint, item) for item in items), of=Endpoint)
