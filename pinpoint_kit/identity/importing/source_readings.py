"""From a provider's name and a source of records to readings.

Counts what cannot be read; everything else about a record is in its reading.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from pinpoint_kit.identity.importing.envelopes import records_of
from pinpoint_kit.identity.importing.files import Unreadable, documents, files_of
from pinpoint_kit.identity.providers import provider as provider_named
from pinpoint_kit.identity.reading.reading import Reading
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.importing.report import Tally

__all__ = ["Provider", "Read", "reader_of", "readings_of", "readings_of_file"]

Read: TypeAlias = Callable[[object], Reading]
#: A provider's name, its table, or a function that reads a record.
Provider: TypeAlias = str | ProviderTable | Read


def reader_of(provider: Provider) -> Read:
    """Return the function that reads a provider's records.

    Raises:
        ConfigurationError: there is no such provider.
    """
    table = provider_named(provider) if isinstance(provider, str) else provider
    if not isinstance(table, ProviderTable):
        return table
    if table.name == "keycloak":  # which has lines, too
        from pinpoint_kit.identity import keycloak  # noqa: PLC0415 -- only when it is needed

        return functools.partial(keycloak.read, table=table)
    return table.read


def readings_of(documents: Iterable[object], read: Read, tally: Tally) -> Iterator[Reading]:
    """Return what documents say, record by record.

    Args:
        documents: records, or documents that hold many.
        read: reads one record.
        tally: counts what cannot be read.
    """
    for document in documents:
        if isinstance(document, Unreadable):
            tally.unreadable += 1
            continue
        for record in records_of(document):
            yield read(record)


def readings_of_file(
    source: str | os.PathLike[str] | BinaryIO, read: Read, tally: Tally
) -> Iterator[Reading]:
    """Return what a file, a folder or an open file says, record by record.

    Raises:
        ConfigurationError: there is no such file.
        OSError: it cannot be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        yield from readings_of(documents(source), read, tally)
        return
    for file in files_of(source):
        with file.open("rb") as stream:
            yield from readings_of(documents(stream), read, tally)
