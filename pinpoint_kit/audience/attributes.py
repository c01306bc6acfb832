"""Attributes: names that an application stops to keep. The call blocks until it is answered.

What endpoints and users have under these names is the business of endpoints.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.attribute import AttributeKind
from pinpoint_kit.models.base import required_member

if TYPE_CHECKING:
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Attributes"]


class Attributes:
    """The names of attributes and metrics in one application. Safe to use from several threads."""

    def __init__(
        self, transport: Transport, *, application_id: ApplicationId, limits: Limits
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits

    def remove(self, kind: AttributeKind | str, *names: str) -> tuple[str, ...]:
        """Have the application keep these names no longer; Pinpoint calls it RemoveAttributes.

        Later updates are stored without them. Values that are stored already stay in the engine
        until the endpoint clears them or is deleted. There is no operation that takes it back.
        Repeating it is harmless.

        Args:
            kind: what they are names of: attributes or metrics of endpoints, or attributes of
                users.
            *names: case-sensitive, at most 50 characters each, or patterns with `*`, `?` and
                `[...]`, such as `old_*`.

        Returns:
            The names and patterns of this kind that are kept no longer, earlier ones too, as the
            service tells them.

        Raises:
            InvalidTypeError: the kind or a name has the wrong type.
            ValidationError: the kind is not known; no name is given, or one is empty or too long.
            BadRequest: the service refuses it, for example because there are too many.
            NotFound: there is no such application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import AttributeKind, Endpoint, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     names = pinpoint.attributes.remove(AttributeKind.CUSTOM, "shoe_size", "old_*")
            ...     request_id = pinpoint.endpoints.update(
            ...         Endpoint(id="device-1", attributes={"plan": "pro", "shoe_size": "44"})
            ...     )
            ...     pinpoint.endpoints.get("device-1").attributes
            {'plan': ['pro']}
        """
        wanted = required_member(AttributeKind, kind, "kind")
        self._check(names)
        answer = self._transport.call(
            "RemoveAttributes",
            ApplicationId=self._application_id,
            AttributeType=wanted.value,
            UpdateAttributesRequest={"Blacklist": list(names)},
        )
        return wire.attribute_names(answer["AttributesResource"])

    def _check(self, names: tuple[str, ...]) -> None:
        if not names:
            raise ValidationError("has no names: give at least one", "$.names")
        most = self._limits.max_endpoint_name_chars
        for index, name in enumerate(names):
            if not isinstance(name, str):
                raise InvalidTypeError(
                    f"expected text, got {type(name).__name__}: pass a str, and a list as *names",
                    f"$.names[{index}]",
                )
            if not 0 < len(name) <= most:
                raise ValidationError(
                    f"has {len(name)} characters: give 1 to {most}", f"$.names[{index}]"
                )
