"""Lineage: the run that added each row.

It is stored in small parquet files, which are merged from time to time.
"""

from __future__ import annotations

import io
import logging
import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework.errors import CorruptCheckpoint, LocationError, ObjectMissing
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import (
    Location,
    LockedPath,
    ScanTarget,
    checksums,
    list_keys,
    locked_folder,
    naming,
    open_store,
)
from reporting_framework.storage.parquet_errors import reading

SCHEMA = pl.Schema(
    {
        **dict.fromkeys((SOURCE_KEY, "version", "run_id", "validator"), pl.String()),
        "at": pl.Datetime("us", "UTC"),
    }
)
FULL = 250_000
"""Maximum number of rows in a file, and so in memory."""

MAX_FILES = 64
"""Files of at most `FULL` / 2 rows that may exist before the oldest of them are merged.
"""

SMALL = 50_000
"""Maximum number of rows of a file that is read in one request."""

MAX_WORKERS = 16
"""Concurrent requests."""

MAX_ATTEMPTS = 3
"""Listings of the files while other runs merge them."""

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z_-]+-(?P<rows>[0-9]+)\.parquet")
_NOTED = pl.Schema({name: SCHEMA[name] for name in (SOURCE_KEY, "version")})
_TYPE = "application/vnd.apache.parquet"

_log = logging.getLogger(__name__)


class _File(NamedTuple):
    """A file of source keys.

    Its name holds the begin of its (newest) run and its number of rows.
    """

    key: str
    rows: int


class Lineage:
    """Source keys that runs recorded before they committed.

    Each has the version read, the run and its validator.

    A file is written once and never changed. Records of a run that died before its
    commit stay: they say what the run was about to do.
    """

    def __init__(self, folder: Location) -> None:
        self._store = open_store(folder)
        self._spool: LockedPath | None = None
        self._lock = threading.Lock()
        self._held: list[pl.DataFrame] = []
        self._count = 0
        self._spilt: list[Path] = []

    def add_rows(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Add source keys; see `RunHistory.add_rows`.

        Full files wait on the local disk until `flush`.
        """
        frame = pl.DataFrame(
            {SOURCE_KEY: source_keys, "version": versions}, schema=_NOTED
        )
        with self._lock:
            self._held.append(frame)
            self._count += frame.height
            if self._count >= FULL:
                self._spill()

    def _spill(self) -> None:
        *whole, rest = pl.concat(self._held, rechunk=True).iter_slices(FULL)
        if rest.height == FULL:
            whole, rest = [*whole, rest], rest.clear()
        if self._spool is None:
            self._spool = locked_folder("spool")
        for frame in whole:
            path = self._spool.path / f"lineage-{len(self._spilt)}.arrow"
            with (
                naming(path),
                path.open("wb") as file,  # polars itself does not report a full disk
            ):
                frame.write_ipc(file)
            self._spilt.append(path)
        self._held, self._count = [rest.clone()], rest.height

    def flush(self, *, run_id: str, validator: str, at: datetime) -> int:
        """Write the added source keys; see `RunHistory.flush`.

        Return the number of files, 0 if nothing was added.
        """
        number = 0
        for number, noted in enumerate(self._parts(), 1):
            rows = noted.with_columns(
                run_id=pl.lit(run_id),
                validator=pl.lit(validator),
                at=pl.lit(at, SCHEMA["at"]),
            )
            self._put(at, f"{run_id}-{number}", rows.select(SCHEMA.names()))
        self.clear()
        return number

    def _parts(self) -> Iterator[pl.DataFrame]:
        for path in self._spilt:
            with path.open("rb") as file:
                yield pl.read_ipc(file)
        if self._count:
            yield pl.concat(self._held)

    def _put(self, at: datetime, name: str, rows: pl.DataFrame) -> None:
        data = checksums.parquet_bytes(rows.sort(SOURCE_KEY), row_group_size=SMALL)
        key = f"{at:%Y%m%dT%H%M%SZ}-{name}-{rows.height}.parquet"
        self._store.replace(key, data, content_type=_TYPE, metadata={})

    def clear(self) -> None:
        """Discard added source keys that were not written."""
        self._held, self._count, self._spilt = [], 0, []
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def of(self, source_keys: Sequence[str]) -> pl.DataFrame:
        """See `RunHistory.lineage`."""
        wanted = pl.col(SOURCE_KEY).is_in(
            pl.Series(source_keys, dtype=pl.String).implode()
        )
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                with ContextThreads(
                    MAX_WORKERS, thread_name_prefix="reporting-lineage"
                ) as pool:
                    frames = list(
                        pool.map(partial(self._read, wanted=wanted), self._files())
                    )
            except ObjectMissing:  # merged meanwhile
                if not left:
                    raise
            else:
                rows = pl.concat(
                    [
                        SCHEMA.to_frame(),
                        *(frame for frame in frames if frame is not None),
                    ]
                )
                return rows.unique().sort(
                    "at", "run_id", SOURCE_KEY, descending=[True, False, False]
                )
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _files(self) -> list[_File]:
        """Return all files, oldest first."""
        try:
            keys = list(list_keys(self._store))
        except LocationError:
            if self._store.location.scheme != "file":  # the first run makes the folder
                raise
            return []
        return [
            _File(key, int(match["rows"]))
            for key in sorted(keys)
            if (match := _NAME.fullmatch(key))
        ]

    def _read(self, file: _File, wanted: pl.Expr | None = None) -> pl.DataFrame | None:
        """Return the wanted rows of a file; None if the file is damaged."""
        uri = self._store.location.join(file.key).uri
        try:
            with reading(uri):
                if file.rows <= SMALL or wanted is None:
                    data = self._store.get(file.key).data
                    checksums.check_bytes(uri, data)
                    target = ScanTarget(io.BytesIO(data))
                else:
                    target = self._store.scan(file.key)
                rows = pl.scan_parquet(
                    target.source, glob=False, hive_partitioning=False, **target.options
                )
                rows = rows.select(
                    pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
                )
                return (rows if wanted is None else rows.filter(wanted)).collect()
        except CorruptCheckpoint:
            if self._store.head(file.key) is None:
                raise ObjectMissing(f"{uri}: no such object") from None
            _log.warning("%s: not a file of source keys that can be read; skipped", uri)
            return None

    def merge(self) -> int:
        """Merge the oldest small files if there are too many; return their number now.

        The merged file is written before the others are deleted: after a crash in
        between, rows exist twice, and reading drops the duplicates.
        """
        small = [file for file in self._files() if file.rows <= FULL // 2]
        if len(small) <= MAX_FILES:
            return len(small)
        group, rows = [], 0
        for file in small:
            if (rows := rows + file.rows) > FULL:
                break
            group.append(file)
        with ContextThreads(
            MAX_WORKERS, thread_name_prefix="reporting-lineage"
        ) as pool:
            try:
                read_files = [
                    (file, frame)
                    for file, frame in zip(
                        group, pool.map(self._read, group), strict=True
                    )
                ]
            except ObjectMissing:  # another run merges them
                return len(small)
            frames = [frame for _, frame in read_files if frame is not None]
            merged = pl.concat([SCHEMA.to_frame(), *frames]).unique()
            if merged.height:
                self._put(merged["at"].sort()[-1], uuid.uuid4().hex, merged)
            keys = [file.key for file, frame in read_files if frame is not None]
            list(pool.map(partial(self._store.delete, if_version=None), keys))
        return len(small) - len(frames) + (merged.height <= FULL // 2)
