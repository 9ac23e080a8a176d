"""Staged parts: data files where they stay, which no version of the table has yet."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_datasets.parquet_sink.partitions import PARTITION, Partitions
from reporting_datasets.staging import unique_rows
from reporting_delta.place import DeltaPlace
from reporting_delta.snapshot import DeltaFile
from reporting_delta.writing import DeltaWriter
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CommitConflict
from reporting_framework.storage import open_store

ABANDONED_SECONDS = 86_400
"""Age in seconds from which on a note of staged files is that of a killed process; a
commit of older files fails.
"""


class StagedFile(NamedTuple):
    """Data file that is staged.

    Attributes:
        file: The file, as the log may have it.
        stats: Its statistics as JSON.
    """

    file: DeltaFile
    stats: str


class Staged(NamedTuple):
    """Data of a staged part.

    Attributes:
        run: Id with which the names of its files begin.
        files: Its files.
        superseded: Number of rows, other than deletes, that were left out because the
            part has a newer version, or the same source key.
    """

    run: str
    files: Sequence[StagedFile]
    superseded: int


@dataclass(slots=True)
class Stager:
    """Writer of staged files.

    A note names the partitions of its files before they are written, so that a later
    run can remove what a killed process has left.

    Attributes:
        place: Places of the table.
        partitions: Partitions of rows.
        writer: Writer of data files.
        versions: Whether the newest version of a source key stays; otherwise its first
            row.
        run: Id with which the names of files begin.
    """

    place: DeltaPlace
    partitions: Partitions
    writer: DeltaWriter
    versions: bool
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    _noted: set[str] = field(default_factory=set)
    _number: int = 0
    _begun: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stage(self, frame: pl.DataFrame) -> Staged:
        """Write rows to one file for each partition, in the order of source keys."""
        rows, superseded = unique_rows(frame, versions=self.versions)
        placed = self.partitions.added(rows).partition_by(PARTITION, as_dict=True)
        self._note({str(folder) for (folder,) in placed})
        files = [
            self._written(str(folder), part.drop(PARTITION).sort(SOURCE_KEY))
            for (folder,), part in placed.items()
        ]
        return Staged(self.run, files, superseded)

    def _written(self, folder: str, rows: pl.DataFrame) -> StagedFile:
        with self._lock:
            self._number += 1
            name = f"{self.run}-{self._number}.parquet"
        key = f"{folder}/{name}" if folder else name
        store = self.place.store
        with store.temp_path(self.place.manifest) as path:
            written = self.writer.write(iter([rows]), rows.schema, path)
            if written is None:  # pragma: no cover - a part has rows
                raise AssertionError
            size = path.stat().st_size
            store.put(self.place.key(key), path, if_version=None)
        file = DeltaFile.of(written.values, key, *written[1:3], size, *written[3:6], 0)
        return StagedFile(file, written.stats)

    def _note(self, folders: set[str]) -> None:
        """Note folders before files are written into them."""
        with self._lock:
            if not folders <= self._noted:
                self._begun = self._begun or time.time()
                self._noted |= folders
                self._write_note()

    def _write_note(self) -> None:
        content = {"commit": self.run, "partitions": sorted(self._noted), "at": 0}
        open_store(self.place.pending).replace(
            self._key,
            json.dumps({**content, "at": self._begun}).encode(),
            content_type="application/json",
            metadata={},
        )

    @property
    def _key(self) -> str:
        return f"{int(self._begun * 1000):015}-{self.run}.json"

    def check(self) -> None:
        """Refuse files that another run may have removed as abandoned.

        Raises:
            CommitConflict: They are too old.
        """
        if self._begun and time.time() - self._begun > ABANDONED_SECONDS - 600:
            raise CommitConflict(
                f"{self.place.folder.uri}: rows were staged more than a day ago, and"
                " their files may be removed; run again"
            )

    def settle(self, kept: set[str]) -> None:
        """Remove staged files that are not kept, and then the note.

        Args:
            kept: Keys of files that the table has.
        """
        if self._noted:
            remove_staged(self.place, self.run, self._noted, kept)
            self._noted.clear()


def remove_staged(
    place: DeltaPlace, run: str, folders: Iterable[str], kept: set[str]
) -> None:
    """Remove the staged files of a run that are not kept, and then its note.

    Args:
        place: Places of the table.
        run: Id with which the names of files begin.
        folders: Folders of the files.
        kept: Keys of files that the table has.
    """
    notes = ManifestStore(place)
    for folder in sorted(set(folders)):
        for key in notes.written(run, folder):
            if key not in kept:
                notes.remove(key)
    notes.forget(run)
