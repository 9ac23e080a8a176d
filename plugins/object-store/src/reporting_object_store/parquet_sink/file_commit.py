"""Files of a commit, and the writing of one file, for all write modes."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework import CommitContext
from reporting_object_store.parquet_sink.checkpoint import Checkpoint, OutOfOrderError
from reporting_object_store.parquet_sink.commit_results import CommittedFile
from reporting_object_store.parquet_sink.merge import READ_ROWS, merge
from reporting_object_store.parquet_sink.rewrite import Written, write_rows
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    StagingArea,
    in_order,
    merge_rows,
    sort_frames,
)
from reporting_object_store.parquet_sink.state import encoded

if TYPE_CHECKING:
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

_log = logging.getLogger(__name__)


class FileCommit(ABC):
    """One commit of staged rows and of a state.

    Args:
        sink: The sink.
        files: Files of the sink as they were opened, by key.
        pieces: Staged rows in the order in which they were staged.
        context: Further data of the commit.
        area: Staging area for data that does not fit into memory.

    Attributes:
        files: All files of the commit by key, including files that do not exist yet.
        spans: Times of merging.
    """

    def __init__(
        self,
        sink: ParquetCheckpoint,
        files: Mapping[str, Checkpoint],
        pieces: Sequence[StagedFile],
        context: CommitContext,
        area: StagingArea,
    ) -> None:
        self._sink, self._settings, self._area = sink, sink.settings, area
        self._pieces, self._context = pieces, context
        self._state: str | None = None
        keys = {*files, *(piece.key for piece in pieces)}
        if not sink.layout.columns:
            keys.add(sink.layout.template)
            if context.state is not None:
                self._state = encoded(context.state)
        self.files = {key: files.get(key) or self._none(key) for key in sorted(keys)}
        self._opened = {key: file.version for key, file in self.files.items()}
        self.spans: list[tuple[float, float]] = []

    @abstractmethod
    def run(self) -> Mapping[str, CommittedFile]:
        """Commit each file."""

    def _none(self, key: str) -> Checkpoint:
        return Checkpoint(self._sink.store, key, self._sink.timestamp)

    def _state_after(self, file: Checkpoint) -> str | None:
        return file.state if self._state is None else self._state

    def _staged_rows(
        self, key: str, skipped: Mapping[Path, pl.Series] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Return the staged rows of a file in order, without skipped rows."""
        pieces = [piece for piece in self._pieces if piece.key == key]
        return in_order(pieces, self._sink.timestamp, merge_rows(pieces), skipped)

    def _merged(
        self,
        file: Checkpoint,
        state: str | None,
        new: Callable[[], Iterator[pl.DataFrame]],
        staying: Callable[[Iterator[pl.DataFrame]], Iterator[pl.DataFrame]] = iter,
        *,
        appends: bool = False,
    ) -> Checkpoint:
        """Write a file with other rows or another state.

        Args:
            file: The file.
            state: The source state in it.
            new: Function that yields the staged rows. It is called again if the rows of
                the file must be sorted first.
            staying: Function that yields the rows of the file that stay.
            appends: Whether rows are only added. If there are none, and the state is
                the same, the file is not written.
        """

        def write(old: Iterator[pl.DataFrame]) -> Written:
            form = file.form
            rows = (form.extended(frame) if form else frame for frame in new())
            return write_rows(
                merge(old, rows, file.timestamp),
                form.schema if form else self._sink.schema,
                scratch,
                file.timestamp,
                self._settings.compression,
                state,
            )

        began = time.time()
        with file.store.temp_path(file.key) as scratch:
            try:
                written = write(staying(file.frames()))
            except OutOfOrderError:
                frames = staying(file.frames(ordered=False))
                with sort_frames(frames, file.timestamp, READ_ROWS) as old:
                    written = write(old)
                _log.warning(
                    "%s: its rows were not in order; they are sorted", file.uri
                )
            self.spans.append((began, time.time()))
            if appends and written.rows == file.rows and state == file.state:
                return file
            done = self._put(file, scratch, written, state)
        if file.form and file.upgrades:
            _log.warning("%s: upgraded: %s", file.uri, file.form.describe())
        return done

    def _put(
        self, file: Checkpoint, scratch: Path, written: Written, state: str | None
    ) -> Checkpoint:
        """Replace a file if it still has the version that was read.

        Raises:
            CommitConflict: It has another version.
        """
        size = scratch.stat().st_size
        version = file.store.put(file.key, scratch, if_version=file.version)
        return Checkpoint(
            file.store,
            file.key,
            file.timestamp,
            version,
            size,
            written.rows,
            written.newest,
            state=state,
            deleted=written.deleted,
        )
