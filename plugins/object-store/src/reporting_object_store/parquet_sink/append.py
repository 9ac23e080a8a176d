"""Commit of ``append``: each source key is taken once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.commit_results import CommittedFile
from reporting_object_store.parquet_sink.file_commit import FileCommit
from reporting_object_store.parquet_sink.piece_joining import join_pieces
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    in_order,
    merge_rows,
)


class AppendCommit(FileCommit):
    """One commit of staged rows; rows with existing source keys are left out."""

    def run(self) -> Mapping[str, CommittedFile]:
        """Commit each file for which there are rows or a state."""
        staged: dict[str, list[StagedFile]] = {}
        for piece in self._pieces:
            staged.setdefault(piece.key, []).append(piece)
        if self._state is not None:
            staged.setdefault(self._sink.layout.template, [])
        known = self._known_rows()
        done = {key: CommittedFile(file) for key, file in self.files.items()}
        for key in sorted(staged):
            elsewhere = {
                source_key
                for other, source_keys in known.items()
                if other != key
                for source_key in source_keys
            }
            done[key] = self._commit(self.files[key], staged[key], elsewhere)
        return done

    def _known_rows(self) -> dict[str, pl.Series]:
        """Return the staged rows that already exist, by file.

        They are rows of objects that are read again. If an object has changed, its row
        may belong in another file; the row that was taken stays in its file.
        """
        again = [piece for piece in self._pieces if not piece.fresh]
        if not self._sink.layout.columns or not again:
            return {}
        source_keys = pl.concat(
            [pl.scan_ipc(piece.path).select(SOURCE_KEY) for piece in again]
        ).collect()[SOURCE_KEY]
        wanted = source_keys.filter(source_keys.str.contains("#", literal=True))
        return {
            key: file.existing_keys(wanted)
            for key, file in self.files.items()
            if len(wanted) and file.rows
        }

    def _commit(
        self, file: Checkpoint, staged: Sequence[StagedFile], elsewhere: Set[str]
    ) -> CommittedFile:
        """Write the staged rows into a file.

        Args:
            file: The file.
            staged: The staged rows.
            elsewhere: Source keys of rows that are in another file.
        """
        pieces = join_pieces(staged, self._area)
        fresh = all(piece.fresh for piece in pieces)

        def write(file: Checkpoint, overtaken: bool) -> CommittedFile:
            written = self._merged(
                file,
                file.state if overtaken else self._state_after(file),
                lambda: self._new_rows(
                    file, pieces, elsewhere, check=not fresh or overtaken
                ),
                appends=True,
            )
            new = written.rows - file.rows
            return CommittedFile(
                written,
                UpsertCounts(inserted=new),
                sum(piece.rows for piece in staged) - new,
                overtaken,
            )

        return self._sink.attempt(file, write)

    def _new_rows(
        self,
        file: Checkpoint,
        pieces: Sequence[StagedFile],
        elsewhere: Set[str],
        *,
        check: bool,
    ) -> Iterator[pl.DataFrame]:
        """Yield staged rows, each once, in order.

        With `check`, rows that already exist are left out: rows of objects that are
        read again, or rows of another run.
        """
        others = pl.Series(sorted(elsewhere), dtype=pl.String)
        for frame in in_order(pieces, file.timestamp, merge_rows(pieces)):
            if check:
                existing = file.existing_keys(frame[SOURCE_KEY]).extend(others)
                frame = frame.filter(~pl.col(SOURCE_KEY).is_in(existing.implode()))
            frame = _unique_rows(frame, file.timestamp)
            if frame.height:
                yield frame


def _unique_rows(frame: pl.DataFrame, timestamp: str) -> pl.DataFrame:
    """Return sorted rows, each once.

    Rows with the timestamp and the source key of the previous row are left out.
    """
    moments, source_keys = frame[timestamp], frame[SOURCE_KEY]
    again = (moments[1:] == moments[:-1]) & (source_keys[1:] == source_keys[:-1])
    return (
        frame.filter(pl.concat([pl.Series([True]), ~again])) if again.any() else frame
    )
