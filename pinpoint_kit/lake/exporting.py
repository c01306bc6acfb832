"""`export_lake`: what has arrived in a store since the last export, into the files of a lake.

An export is a row of steps of some hundred thousand events. After each, the lake is complete up to
there: an export that is interrupted is gone on with by the next one. A step reads one state of the
store; it first takes the persons out of the lake whom the store has removed since the last step,
and then adds what is new.
"""

from __future__ import annotations

import secrets
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.lake.compacting import compacted
from pinpoint_kit.lake.duck import connected
from pinpoint_kit.lake.layout import Layout, Manifest, folder_of
from pinpoint_kit.lake.removing import removed
from pinpoint_kit.lake.writing import Writer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from pinpoint_kit.lake.source import Piece, Source

__all__ = ["ExportProgress", "ExportReport", "export_lake"]

#: By how many numbers of events a step goes on: some 100 MB of lines beside the lake.
EVENTS_A_STEP = 200_000


@attrs.frozen
class ExportProgress:
    """How far an export is.

    Attributes:
        stage: what is done now.
        done: the events that were added, by their numbers in the store.
        total: how many that will be.
    """

    stage: str
    done: int
    total: int


@attrs.frozen
class ExportReport:
    """A finished export.

    Attributes:
        path: the lake.
        added: events that are new in it.
        rewritten: files that were written anew, without persons who were removed.
        compacted: small files that became one with others.
        events: events in the lake now.
        files: files of events in it.
        size: bytes of these.
    """

    path: Path
    added: int
    rewritten: int
    compacted: int
    events: int
    files: int
    size: int


def export_lake(
    source: Source,
    path: str | os.PathLike[str],
    *,
    on_progress: Callable[[ExportProgress], object] | None = None,
    events_a_step: int = EVENTS_A_STEP,
    compact: bool = False,
) -> ExportReport:
    """Bring a lake up to the present of a store.

    It blocks. Others may use the store and read the lake meanwhile. Memory use does not depend on
    their sizes.

    Args:
        source: the store, see `pinpoint_kit.engine.LakeSource`.
        path: the lake's folder; it is made when it does not exist.
        on_progress: called after each step.
        events_a_step: by how many numbers of events a step goes on.
        compact: make one file of all of a day, however few and large they are.

    Returns:
        What was done, and what there is now.

    Raises:
        ConfigurationError: DuckDB is not installed, or the folder cannot be used, or is a URL.
        StoreError: the database cannot be used, or does not know this lake.
    """
    layout = Layout(folder_of(path))
    with layout.held(), connected(layout.work, threads=1) as connection:
        writer = Writer(connection, layout)
        run = _Export(source, layout, writer, on_progress or (lambda _: None))
        return run.run(events_a_step, is_all_compacted=compact)


class _Export:
    """One run."""

    def __init__(
        self,
        source: Source,
        layout: Layout,
        writer: Writer,
        on_progress: Callable[[ExportProgress], object],
    ) -> None:
        self._source = source
        self._layout = layout
        self._writer = writer
        self._on_progress = on_progress
        self._added = self._rewritten = self._compacted = 0
        self._start: int | None = None
        self._target = 0

    def run(self, events_a_step: int, *, is_all_compacted: bool) -> ExportReport:
        """Go step by step until the newest event of the beginning is in the lake."""
        manifest = self._layout.load() or self._made()
        self._layout.remove_unnamed(manifest)
        is_over = False
        while not is_over:
            manifest, is_over = self._step(manifest, events_a_step)
        manifest = self._compact(manifest, is_all=is_all_compacted)
        return ExportReport(
            path=self._layout.path,
            added=self._added,
            rewritten=self._rewritten,
            compacted=self._compacted,
            events=manifest.rows,
            files=len(manifest.parts),
            size=sum(part.size for part in manifest.parts),
        )

    def _made(self) -> Manifest:
        """Make an empty lake that the store knows."""
        manifest = Manifest(uuid.uuid4().hex, self._source.application_id)
        self._source.add(manifest.lake, secrets.token_hex(32), str(self._layout.path))
        self._layout.save(manifest)
        return manifest

    def _step(self, manifest: Manifest, most: int) -> tuple[Manifest, bool]:
        source, lake = self._source, manifest.lake
        place = str(self._layout.path)
        source.begin(lake, manifest.step, manifest.last_change, place=place, most=most)
        now = time.time_ns() // 1_000_000
        with source.reading(lake) as piece:
            if self._start is None:
                self._start, self._target = piece.after, piece.newest
            end = min(self._target, piece.newest)
            is_over = piece.last >= end or piece.last == piece.after
            following = self._written(manifest, piece, now, is_over=is_over)
        self._layout.save(following)
        self._layout.remove(sorted(manifest.names - following.names))
        source.finish(lake, following.step, following.last_change, now=now)
        done = piece.last - self._start
        self._on_progress(ExportProgress("exporting events", done, max(end - self._start, done)))
        return following, is_over

    def _written(self, manifest: Manifest, piece: Piece, now: int, *, is_over: bool) -> Manifest:
        """Write the files of a step; return what the lake consists of then."""
        step = manifest.step + 1
        parts = removed(self._writer, manifest.parts, piece, step, self._count_rewritten)
        added = self._writer.events(
            piece.events(), manifest.application, piece.after, piece.last, step
        )
        self._added += sum(part.rows for part in added)
        following = attrs.evolve(
            manifest,
            step=step,
            last_change=piece.last_change,
            exported=now,
            parts=tuple(sorted([*parts, *added], key=lambda part: part.name)),
        )
        if not is_over and not piece.changes:
            return following
        return attrs.evolve(
            following,
            endpoints=self._writer.table("endpoints", piece.endpoints(), step),
            users=self._writer.table("users", piece.users(), step),
        )

    def _compact(self, manifest: Manifest, *, is_all: bool) -> Manifest:
        parts, count = compacted(self._writer, manifest.parts, is_all=is_all)
        if not count:
            return manifest
        self._on_progress(ExportProgress("compacting", 0, count))
        following = attrs.evolve(manifest, parts=tuple(parts))
        self._layout.save(following)
        self._layout.remove(sorted(manifest.names - following.names))
        self._compacted += count
        return following

    def _count_rewritten(self) -> None:
        self._rewritten += 1
