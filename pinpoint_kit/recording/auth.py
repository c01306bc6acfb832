"""Sign-in events: `_userauth.sign_in`, `_userauth.sign_up`, `_userauth.auth_fail`.

One line per log-in for identity providers; the types are those that Amazon Cognito emits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pinpoint_kit.models.scalars import Id
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder

__all__ = ["Auth"]

SIGN_IN = "_userauth.sign_in"
SIGN_UP = "_userauth.sign_up"
AUTH_FAIL = "_userauth.auth_fail"


class Auth:
    """The sign-in events of one application. Recorded in the background, like `events.record`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def sign_in(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a user signed in.

        Args:
            endpoint_id: where.
            **details: as in `events.record`; `endpoint` creates or updates the endpoint and
                may carry the user.

        Returns:
            The event id.
        """
        return self._recorder.record(endpoint_id, SIGN_IN, **details)

    def sign_up(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a user signed up; give `endpoint=` to create the endpoint with it.

        Args:
            endpoint_id: where.
            **details: as in `events.record`.

        Returns:
            The event id.

        Examples:
            >>> from pinpoint_kit import Endpoint, User, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     event_id = pinpoint.auth.sign_up(
            ...         "device-1", endpoint=Endpoint(user=User(id="user-1"))
            ...     )
            ...     report = pinpoint.flush()
            ...     len(pinpoint.users.endpoints("user-1"))
            1
        """
        return self._recorder.record(endpoint_id, SIGN_UP, **details)

    def auth_fail(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a sign-in failed.

        Args:
            endpoint_id: where.
            **details: as in `events.record`, for example `attributes={"reason": "password"}`.

        Returns:
            The event id.
        """
        return self._recorder.record(endpoint_id, AUTH_FAIL, **details)
