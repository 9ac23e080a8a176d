"""The commit of rows that have versions, in one of the modes that know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework import CommitContext
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.commit_results import Committed
from reporting_object_store.parquet_sink.replacing import ReplaceCommit
from reporting_object_store.parquet_sink.staging import StagedFile
from reporting_object_store.parquet_sink.upsert import UpsertCommit

if TYPE_CHECKING:
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint


def commit_versions(
    sink: ParquetCheckpoint,
    files: Mapping[str, Checkpoint],
    pieces: Sequence[StagedFile],
    context: CommitContext,
    folder: Path,
    *,
    replaces: bool,
) -> Committed:
    """Commit staged rows with ``upsert`` or ``replace``.

    Args:
        sink: The sink.
        files: Its files as they were opened, by key.
        pieces: Staged rows in the order in which they came.
        context: What is committed beside them.
        folder: Where to put what does not fit into memory.
        replaces: Whether they replace the table.
    """
    superseded = sum(piece.superseded for piece in pieces)
    if replaces:
        replace = ReplaceCommit(sink, files, pieces, context, folder)
        return Committed(replace.run(), superseded, (), upserts=False)
    upsert = UpsertCommit(sink, files, pieces, context, folder)
    return Committed(upsert.run(), superseded, upsert.spans, upserts=True)
