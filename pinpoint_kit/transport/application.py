"""Which application a call is about: an id, or a name that is still being looked up.

Who calls hands on what it was given; the transport asks for the id when it sends. How a name is
looked up does not belong here.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

__all__ = ["ApplicationId", "Lookup", "id_of"]


class Lookup(Protocol):
    """An application of which only the name is known yet."""

    @property
    def id(self) -> str:
        """Its id, waited for as long as a look-up may take.

        Raises:
            TransportError: no answer came yet.
            PinpointKitError: the look-up was refused.
        """


#: The id of an application, or what finds it out.
ApplicationId: TypeAlias = "str | Lookup"


def id_of(application: ApplicationId) -> str:
    """Return the id, and wait for it where it is being looked up.

    Raises:
        TransportError: no answer came yet.
        PinpointKitError: the look-up was refused.
    """
    return application if isinstance(application, str) else application.id
