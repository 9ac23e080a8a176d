"""The commit of ``replace``: staged rows become the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework import CommitContext
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_framework.storage import commit_attempts
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.commit_results import Upserted
from reporting_object_store.parquet_sink.resolution import FilePlan, resolve
from reporting_object_store.parquet_sink.rewrite import write_rows
from reporting_object_store.parquet_sink.row_versions import VERSION_COLUMNS
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    in_order,
    merge_rows,
)
from reporting_object_store.parquet_sink.state import encoded

if TYPE_CHECKING:
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint


class ReplaceCommit:
    """One commit of staged rows that become the table.

    They are the newest version of each source key. A file of which no row is staged is
    left without rows.

    Args:
        sink: The sink.
        files: Its files as they were opened, by key.
        pieces: Staged rows in the order in which they came.
        context: What is committed beside them.
        folder: Where to put what does not fit into memory.
    """

    def __init__(
        self,
        sink: ParquetCheckpoint,
        files: Mapping[str, Checkpoint],
        pieces: Sequence[StagedFile],
        context: CommitContext,
        folder: Path,
    ) -> None:
        self._sink, self._files, self._pieces = sink, files, pieces
        self._settings, self._state = sink.settings, None
        keys = {*files, *(piece.key for piece in pieces)}
        if not sink.layout.columns:
            keys.add(sink.layout.template)
            self._state = context.state
        self._empty = {key: self._none(key) for key in sorted(keys)}
        self._resolution = resolve(
            self._empty, pieces, self._settings.timestamp, folder, hard=True
        )

    def run(self) -> Mapping[str, Upserted]:
        """Commit each file, until the table is what was written.

        Another run may write its own files meanwhile. Whoever writes last sees that,
        and writes all that is not its own again: one run's rows are the table.

        Raises:
            CommitConflict: Others kept writing.
        """
        done: dict[str, Upserted] = {}
        left = [*self._empty]
        for _ in commit_attempts(self._sink.layout.folder.uri):
            for key in left:
                again = key in done or key not in self._empty
                one = self._sink.attempt(self._known(key, done), self._write)
                done[key] = one._replace(overtaken=again or one.overtaken)
            if not self._sink.layout.columns:
                break
            known = {key: one.file for key, one in done.items()}
            left = sorted(self._sink.changed(known))
            if not left:
                break
        return done

    def _known(self, key: str, done: Mapping[str, Upserted]) -> Checkpoint:
        """Return a file as this run knows it; one that it does not know is opened."""
        if key in done:
            return done[key].file
        if key in self._empty:
            return self._files.get(key) or self._empty[key]
        return self._sink.opened(key)

    def _none(self, key: str) -> Checkpoint:
        return Checkpoint(self._sink.store, key, self._settings.timestamp)

    def _write(self, file: Checkpoint, overtaken: bool) -> Upserted:
        plan = self._resolution.plans.get(file.key) or FilePlan.nothing()
        state = file.state if self._state is None else encoded(self._state)
        if file.version is None and not plan.kept and state is None:
            return Upserted(file, overtaken=overtaken)
        store, timestamp = self._sink.store, self._settings.timestamp
        with store.temp_path(file.key) as scratch:
            written = write_rows(
                self._rows(file.key),
                self._sink.schema,
                scratch,
                timestamp,
                self._settings.compression,
                state,
            )
            size = scratch.stat().st_size
            version = store.put(file.key, scratch, if_version=file.version)
        done = Checkpoint(
            store, file.key, timestamp, version, size, *written, state=state
        )
        counts = UpsertCounts(inserted=written.rows)
        return Upserted(done, counts, plan.duplicates, overtaken)

    def _rows(self, key: str) -> Iterator[pl.DataFrame]:
        pieces = [piece for piece in self._pieces if piece.key == key]
        skipped, timestamp = self._resolution.skipped, self._settings.timestamp
        for frame in in_order(pieces, timestamp, merge_rows(pieces), skipped):
            yield frame.drop(VERSION_COLUMNS)
