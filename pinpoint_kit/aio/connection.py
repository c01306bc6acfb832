"""What the nouns share: the ordinary client, once there is one, and the threads that call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import ClosedError

if TYPE_CHECKING:
    from pinpoint_kit.aio.pool import Pool
    from pinpoint_kit.client import Pinpoint

__all__ = ["Connection", "Noun"]


class Connection:
    """An ordinary client, once it is connected, and the threads for it.

    Args:
        pool: the threads.
        sync: the client; None until there is one.
    """

    def __init__(self, pool: Pool, sync: Pinpoint | None) -> None:
        self.pool = pool
        self._sync = sync

    @property
    def is_connected(self) -> bool:
        """Whether there is a client."""
        return self._sync is not None

    @property
    def sync(self) -> Pinpoint:
        """The ordinary client.

        Raises:
            ClosedError: there is none yet.
        """
        if self._sync is None:
            raise ClosedError(
                "this client is not connected: use `async with connect_async(...) as pinpoint`, or"
                " await it once"
            )
        return self._sync

    @sync.setter
    def sync(self, client: Pinpoint) -> None:
        self._sync = client


class Noun:
    """A noun of the client, whose verbs are made from the ordinary one.

    Args:
        connection: what all of them share.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def _sync(self) -> Pinpoint:
        return self._connection.sync

    @property
    def _pool(self) -> Pool:
        return self._connection.pool
