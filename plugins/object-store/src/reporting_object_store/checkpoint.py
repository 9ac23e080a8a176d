"""One parquet file of a checkpoint at one version: its ledger, its rows, and how it is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from reporting_framework import ORIGIN_COLUMN
from reporting_framework.errors import CorruptCheckpoint, ObjectMissing, ReportingError, StorageUnavailable
from reporting_framework.storage import ScanTarget, Store, TooLarge
from reporting_object_store.merge import READ

ORIGIN = pl.col(ORIGIN_COLUMN)
_SEVERAL = ORIGIN.str.contains("#", literal=True)
READ_WHOLE = 8 * 1024 * 1024
"""Size in bytes up to which a checkpoint in a bucket is read in one request."""

TRIES = 20
"""How often a file is read that others keep replacing."""

_NETWORK = ("sending request", "status code", "Generic S3 error", "timed out", "connection")


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Polars' errors as the framework's: the file is damaged, or the storage does not answer."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        if isinstance(error, OSError) or any(sign in str(error) for sign in _NETWORK):
            raise StorageUnavailable(f"{uri}: the checkpoint could not be read; nothing was changed") from error
        raise CorruptCheckpoint(
            f"{uri}: not a parquet file that can be read; move it away or restore an earlier version; "
            "nothing was changed"
        ) from error


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
        for left in reversed(range(TRIES)):
            file = cls._found(store, key, timestamp)
            if file.version is None:
                return file
            try:
                return file._opened(schema)
            except (CorruptCheckpoint, StorageUnavailable):
                if not left or file._is_current():
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _opened(self, schema: pl.Schema) -> Checkpoint:
        """The same file, looked into."""
        with reading(self.uri):
            scan = self._scan()
            found = scan.collect_schema()
            if found != schema:
                raise CorruptCheckpoint(
                    f"{self.uri}: {_difference(found, schema)}; nothing was changed; go on "
                    "with the settings that it was made with, or name another checkpoint"
                )
            rows = scan.select(pl.len()).collect().item()
            newest = scan.select(self.timestamp).slice(rows - 1, 1).collect().item() if rows else None
        return self._replace(rows=rows, newest=newest)

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

    def _is_current(self) -> bool:
        """Whether nobody has replaced it meanwhile: what is read then may be half of one file and half of the next."""
        if self.content is not None:
            return True
        try:
            found = self.store.head(self.key)
        except ReportingError:  # what went wrong before tells more
            return True
        return found is None or found.version == self.version

    def _collect(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """What a query gives; asked again when the file was replaced meanwhile: the next one holds the same rows."""
        for left in reversed(range(TRIES)):
            try:
                with reading(self.uri):
                    return query(self._scan()).collect()
            except (CorruptCheckpoint, StorageUnavailable):
                if not left or self._is_current():
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def known(self, objects: pl.Series) -> set[str]:
        """Those of `objects` of which there is a row. Looks at the newest rows first, and often no further."""
        found: set[str] = set()
        tail = max(0, self.rows - READ)
        for start, rows in ((tail, self.rows - tail), (0, tail)):
            if rows and (left := [key for key in objects if key not in found]):
                found.update(self._collect(partial(_objects_of, start, rows, pl.Series(left).implode()))[ORIGIN_COLUMN])
        return found

    def first(self, columns: Sequence[str]) -> dict[str, Any]:
        """These columns of its first row."""
        return self._collect(lambda scan: scan.select(columns).slice(0, 1)).row(0, named=True)

    def present(self, origins: pl.Series) -> pl.Series:
        """Those of `origins` of which there is a row."""
        if not self.rows:
            return origins.clear()
        wanted = ORIGIN.is_in(origins.implode())
        return self._collect(lambda scan: scan.select(ORIGIN).filter(wanted))[ORIGIN_COLUMN]

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows in order, some row groups at a time; the next are read while these are worked on.

        Raises:
            CorruptCheckpoint: The rows are not in order, or hold nulls, so they are not this sink's.
        """
        if not self.rows:
            return
        scan, last = self._scan(), None
        with ThreadPoolExecutor(1, thread_name_prefix="reporting-merge") as ahead, reading(self.uri):
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


def _objects_of(start: int, rows: int, wanted: pl.Series, scan: pl.LazyFrame) -> pl.LazyFrame:
    """Those of `wanted` that rows `start` and on, so many of them, come from."""
    origins = scan.select(ORIGIN_COLUMN).slice(start, rows).filter(ORIGIN.is_in(wanted) | _SEVERAL)
    return origins.select(ORIGIN.str.replace(r"#[0-9]+$", "")).filter(ORIGIN.is_in(wanted)).unique()


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
