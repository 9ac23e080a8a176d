"""One parquet file of a checkpoint at one version: its ledger, its rows, and how it is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from reporting_framework import ORIGIN_COLUMN
from reporting_framework.errors import CorruptCheckpoint, ObjectMissing, StorageUnavailable
from reporting_framework.storage import ScanTarget, Store, TooLarge
from reporting_object_store.merge import READ

ORIGIN = pl.col(ORIGIN_COLUMN)
_SEVERAL = ORIGIN.str.contains("#", literal=True)
READ_WHOLE = 8 * 1024 * 1024
"""Size in bytes up to which a checkpoint in a bucket is read in one request."""

_NETWORK = ("sending request", "status code", "Generic S3 error", "timed out", "connection")


class Checkpoint(NamedTuple):
    """A file as it was when it was opened.

    Attributes:
        store: The folder it is in.
        key: Its key there.
        timestamp: The column by which it is sorted, before the origin.
        version: Its version, or None when there is no file yet.
        size: Its size in bytes.
        rows: Its number of rows.
        newest: Its newest timestamp.
        content: The whole file, where one request is cheaper than several.
    """

    store: Store
    key: str
    timestamp: str
    version: str | None = None
    size: int = 0
    rows: int = 0
    newest: datetime | None = None
    content: bytes | None = None

    @classmethod
    def open(cls, store: Store, key: str, schema: pl.Schema, timestamp: str) -> Checkpoint:
        """The file as it is now. Only a definite "not found" means that there is none.

        Raises:
            CorruptCheckpoint: It is not parquet, or has another schema.
        """
        file = cls._found(store, key, timestamp)
        if file.version is None:
            return file
        with file._reading():
            scan = file._scan()
            found = scan.collect_schema()
            if found != schema:
                raise CorruptCheckpoint(
                    f"{file.uri}: {_difference(found, schema)}; nothing was changed; go on "
                    "with the settings that it was made with, or name another checkpoint"
                )
            rows = scan.select(pl.len()).collect().item()
            newest = scan.select(timestamp).slice(rows - 1, 1).collect().item() if rows else None
        return file._replace(rows=rows, newest=newest)

    @classmethod
    def _found(cls, store: Store, key: str, timestamp: str) -> Checkpoint:
        """The file, not looked into. From a bucket a small one is read whole: each look would be a round trip."""
        try:
            if not store.remote:
                entry = store.head(key)
                return (
                    cls(store, key, timestamp, entry.version, entry.size or 0) if entry else cls(store, key, timestamp)
                )
            whole = store.get(key, limit=READ_WHOLE)
            return cls(store, key, timestamp, whole.version, len(whole.data), content=whole.data)
        except ObjectMissing:
            return cls(store, key, timestamp)
        except TooLarge as error:
            return cls(store, key, timestamp, error.version, error.size)

    @property
    def uri(self) -> str:
        """Where it is."""
        return self.store.location.join(self.key).uri

    def _scan(self) -> pl.LazyFrame:
        target = self.store.scan(self.key) if self.content is None else ScanTarget(self.content)
        return pl.scan_parquet(target.source, glob=False, hive_partitioning=False, **target.options)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Polars' errors as the framework's: the file is damaged, or the storage does not answer."""
        try:
            yield
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            if isinstance(error, OSError) or any(sign in str(error) for sign in _NETWORK):
                raise StorageUnavailable(
                    f"{self.uri}: the checkpoint could not be read; nothing was changed"
                ) from error
            raise CorruptCheckpoint(
                f"{self.uri}: not a parquet file that can be read; move it away or restore an earlier version; "
                "nothing was changed"
            ) from error

    def known(self, objects: pl.Series) -> set[str]:
        """Those of `objects` of which there is a row. Looks at the newest rows first, and often no further."""
        found: set[str] = set()
        for scan in self._newest_first():
            if left := [key for key in objects if key not in found]:
                wanted = pl.Series(left).implode()
                rows = scan.filter(ORIGIN.is_in(wanted) | _SEVERAL).select(ORIGIN.str.replace(r"#[0-9]+$", ""))
                with self._reading():
                    found.update(rows.filter(ORIGIN.is_in(wanted)).unique().collect()[ORIGIN_COLUMN])
        return found

    def _newest_first(self) -> Iterator[pl.LazyFrame]:
        """The origins: those of the newest rows, then the others."""
        if self.rows:
            scan, tail = self._scan().select(ORIGIN_COLUMN), max(0, self.rows - READ)
            yield scan.slice(tail, READ)
            if tail:
                yield scan.slice(0, tail)

    def first(self, columns: Sequence[str]) -> dict[str, Any]:
        """These columns of its first row."""
        with self._reading():
            return self._scan().select(columns).slice(0, 1).collect().row(0, named=True)

    def present(self, origins: pl.Series) -> pl.Series:
        """Those of `origins` of which there is a row."""
        if not self.rows:
            return origins.clear()
        with self._reading():
            return self._scan().select(ORIGIN).filter(ORIGIN.is_in(origins.implode())).collect()[ORIGIN_COLUMN]

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows in order, some row groups at a time; the next are read while these are worked on.

        Raises:
            CorruptCheckpoint: The rows are not in order, or hold nulls, so they are not this sink's.
        """
        if not self.rows:
            return
        scan, last = self._scan(), None
        with ThreadPoolExecutor(1, thread_name_prefix="reporting-merge") as ahead, self._reading():
            starts = range(0, self.rows, READ)
            coming = ahead.submit(scan.slice(0, READ).collect)
            for start in starts:
                frame = coming.result()
                if start + READ < self.rows:
                    coming = ahead.submit(scan.slice(start + READ, READ).collect)
                moments = frame[self.timestamp]
                if moments.null_count() or frame[ORIGIN_COLUMN].null_count():
                    raise CorruptCheckpoint(f"{self.uri}: column {self.timestamp} or {ORIGIN_COLUMN} holds a null")
                if not moments.is_sorted() or (last is not None and moments[0] < last):
                    raise CorruptCheckpoint(f"{self.uri}: its rows are not sorted by {self.timestamp}")
                last = moments[-1]
                yield frame


def _difference(found: pl.Schema, expected: pl.Schema) -> str:
    """What differs between two schemas, in words."""
    parts = [f"no column {name}" for name in expected if name not in found]
    parts += [f"an unexpected column {name}" for name in found if name not in expected]
    parts += [
        f"column {name} is {found[name]}, not {dtype}"
        for name, dtype in expected.items()
        if name in found and found[name] != dtype
    ]
    return f"the checkpoint has another schema: {'; '.join(parts) or 'its columns are in another order'}"
