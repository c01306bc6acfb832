"""What an import would record, without recording it and without a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pinpoint_kit.identity.importing.pseudonyms import Places, pseudonyms_of
from pinpoint_kit.identity.importing.report import ImportReport, Tally
from pinpoint_kit.identity.importing.source_readings import Provider, reader_of, readings_of_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pinpoint_kit.identity.importing.pseudonyms import Item

__all__ = ["Preview"]


class Preview:
    """Reads as an `Importer` does, and records nothing.

    Durations of sessions and the places of a user's devices are found only when it is recorded.

    Args:
        key: as for `Importer`, and so on.
        prefix: as for `Importer`.
        tenant: as for `Importer`.
        hash_users: as for `Importer`.
        places: as for `Importer`.

    Raises:
        ConfigurationError: the key is too short, or an option is wrong.
    """

    def __init__(
        self,
        *,
        key: bytes | str,
        prefix: str = "idp",
        tenant: str = "",
        hash_users: bool = False,
        places: Places = "country",
    ) -> None:
        self._pseudonyms = pseudonyms_of(
            key=key, prefix=prefix, tenant=tenant, hash_users=hash_users, places=places
        )
        self._tally = Tally()

    def items(
        self, source: str | os.PathLike[str] | BinaryIO, provider: Provider
    ) -> Iterator[Item]:
        """Return what would be recorded, one record after the other.

        Args:
            source: as for `Importer.load_file`.
            provider: as for `Importer.load`.

        Raises:
            ConfigurationError: there is no such file or provider.
            OSError: the file cannot be read.
        """
        for reading in readings_of_file(source, reader_of(provider), self._tally):
            self._tally.count(reading)
            if reading.events:
                item = self._pseudonyms.item(reading)
                self._tally.events.update(event.type for event in item.events)
                yield item

    @property
    def report(self) -> ImportReport:
        """The counts of what was read so far."""
        return self._tally.report()
