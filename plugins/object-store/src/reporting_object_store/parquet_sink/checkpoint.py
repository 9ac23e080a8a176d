"""One parquet file of a checkpoint at one version: its ledger and its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.errors import (
    CorruptCheckpoint,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.query.schemas import SchemaMapping
from reporting_framework.storage import (
    ScanTarget,
    Store,
    TooLargeError,
    checksums,
    parquet_errors,
    row_versions,
    same_version,
)
from reporting_object_store.parquet_sink.first_reads import READ_WHOLE
from reporting_object_store.parquet_sink.merge import READ_ROWS
from reporting_object_store.parquet_sink.staging import is_sorted
from reporting_object_store.parquet_sink.state import text_in

_SOURCE_KEY = pl.col(SOURCE_KEY)
_SEVERAL = _SOURCE_KEY.str.contains("#", literal=True)
_OBJECT = _SOURCE_KEY.str.replace(r"#[0-9]+$", "")
"""Object of a row."""

FEW_OBJECTS = 8_192
"""Number of objects that are looked up in each key; more are joined."""

TAIL = 16_384
"""Number of rows at the end of a file that are read first."""

MAX_ATTEMPTS = 20
"""Maximum number of attempts to read a file that other runs keep replacing."""


class OutOfOrderError(CorruptCheckpoint):
    """Error of a file of another program, whose rows are not in order."""


class Checkpoint(NamedTuple):
    """File in the version that it had when it was opened.

    Its rows are read in the present columns, even if the file has older columns.

    Attributes:
        store: Store of the file's folder.
        key: Key of the file in the folder.
        timestamp: Column by which it is sorted, before the source key.
        version: Version, or `None` if there is no file yet.
        size: Size in bytes.
        rows: Number of rows.
        newest: Timestamp of the last row, the newest if rows are in order; `None` if
            rows have no timestamp.
        content: The whole file, if one request is cheaper than several.
        form: Mapping of its columns to the present columns; `None` if there is no file
            yet.
        state: Source state in the file, as text.
        deleted: Number of its rows that are deleted.
    """

    store: Store
    key: str
    timestamp: str
    version: str | None = None
    size: int = 0
    rows: int = 0
    newest: datetime | None = None
    content: bytes | None = None
    form: SchemaMapping | None = None
    state: str | None = None
    deleted: int = 0

    @classmethod
    def open(
        cls, store: Store, key: str, schema: pl.Schema, timestamp: str
    ) -> Checkpoint:
        """Open the present file; only a definite "not found" means that there is none.

        Raises:
            CorruptCheckpoint: It is not parquet, or its schema cannot be converted to
                the present schema without loss.
        """
        for left in reversed(range(MAX_ATTEMPTS)):
            file = cls._inspect(store, key, timestamp)
            if file.version is None:
                return file
            try:
                return file._opened(schema)
            except (CorruptCheckpoint, StorageUnavailable):
                if not left or file._is_current():
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _opened(self, schema: pl.Schema) -> Checkpoint:
        """Return the file with its form, state, counts and newest timestamp."""
        with parquet_errors.reading(self.uri):
            if self.content is not None:
                checksums.check_bytes(self.uri, self.content)
            stored_schema = self._stored().collect_schema()
            state = text_in(self.store, self.key, self.version or "", self.content)
        with self._naming_the_file():
            form = SchemaMapping.between(
                stored_schema, schema, [self.timestamp, SOURCE_KEY]
            )
            with parquet_errors.reading(self.uri):
                form.check(self._stored())
        file = self._replace(form=form, state=state)
        with parquet_errors.reading(self.uri):
            versioned = {VERSION, DELETED_AT} <= stored_schema.keys()
            gone = pl.col(DELETED_AT).count() if versioned else pl.lit(0)
            counts = file._stored().select(pl.len(), deleted=gone).collect()
            rows, deleted = counts.row(0)
            last = (
                file._scan().select(self.timestamp).slice(max(0, rows - 1), 1).collect()
            )
        if rows and not last.height:
            raise StorageUnavailable(
                f"{self.uri}: another run has written it meanwhile; run again"
            )
        has_timestamp = self.timestamp != row_versions.VERSION_MOMENT
        newest = last.item() if rows and has_timestamp else None
        return file._replace(rows=rows, newest=newest, deleted=deleted)

    @classmethod
    def _inspect(cls, store: Store, key: str, timestamp: str) -> Checkpoint:
        """Return the file with version and size, without reading its contents.

        A small file in a bucket is read as a whole, as each read is a round trip.
        """
        try:
            if not store.remote:
                entry = store.head(key)
                return (
                    cls(store, key, timestamp, entry.version, entry.size or 0)
                    if entry
                    else cls(store, key, timestamp)
                )
            whole = store.get(key, limit=READ_WHOLE)
            return cls(
                store,
                key,
                timestamp,
                whole.version,
                len(whole.data),
                content=whole.data,
            )
        except ObjectMissing:
            return cls(store, key, timestamp)
        except TooLargeError as error:
            return cls(store, key, timestamp, error.version, error.size)

    @property
    def uri(self) -> str:
        """URI of the file."""
        return self.store.location.join(self.key).uri

    @property
    def upgrades(self) -> bool:
        """True if the next commit changes the columns of the file."""
        return self.form is not None and not self.form.current

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        """Add the name of the file to errors about columns that cannot be read."""
        try:
            yield
        except CorruptCheckpoint as error:
            if str(error).startswith(self.uri):
                raise
            raise CorruptCheckpoint(
                f"{self.uri}: {error}; nothing was changed; go on with the settings"
                " that it was made with, or name another checkpoint"
            ) from None

    def _scan(self) -> pl.LazyFrame:
        """Return the rows in the present columns."""
        return self._stored() if self.form is None else self.form.read(self._stored())

    def _stored(self) -> pl.LazyFrame:
        """Return the rows in the columns of the file."""
        target = (
            self.store.scan(self.key)
            if self.content is None
            else ScanTarget(self.content)
        )
        rows = pl.scan_parquet(
            target.source, glob=False, hive_partitioning=False, **target.options
        )
        return (
            row_versions.with_version_moments(rows)
            if self.timestamp == row_versions.VERSION_MOMENT
            else rows
        )

    def numbered(self, name: str) -> pl.LazyFrame:
        """Return the rows in the present columns, with positions in a column `name`.

        The positions are valid only if the file still has its version after the read.
        """
        return self._scan().with_row_index(name)

    def _is_current(self) -> bool:
        """Return whether the file has not been replaced meanwhile.

        If it was replaced, a read may return parts of both files.
        """
        if self.content is not None:
            return True
        try:
            entry = self.store.head(self.key)
        except ReportingError:  # what went wrong before tells more
            return True
        return entry is None or same_version(entry.version, self.version)

    def _collect(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """Return the result of a query.

        The query is retried if the file was replaced meanwhile: the next file holds the
        same rows.
        """
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                with parquet_errors.reading(self.uri):
                    return query(self._scan()).collect()
            except (CorruptCheckpoint, StorageUnavailable):
                if not left or self._is_current():
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def existing_objects(self, objects: pl.Series) -> set[str]:
        """Return the `objects` that have a row.

        The newest rows are searched first, which is often enough.
        """
        found: set[str] = set()
        wanted = objects.rename(SOURCE_KEY).to_frame()
        tail = max(0, self.rows - READ_ROWS)
        for start, rows in ((tail, self.rows - tail), (0, tail)):
            if rows and len(found) < len(objects):
                query = partial(_objects_of, start, rows, wanted)
                found.update(self._collect(query)[SOURCE_KEY])
        return found

    def first(
        self, of: Callable[[Collection[str]], Sequence[pl.Expr]]
    ) -> dict[str, Any] | None:
        """Return the first row; `None` if there are no rows now.

        Args:
            of: Function that returns its expressions, from the names of the columns.
        """
        rows = self._collect(
            lambda scan: scan.slice(0, 1).select(of(scan.collect_schema().names()))
        )
        return rows.row(0, named=True) if rows.height else None

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment`.

        The file is read from the end, as few rows are from the future.
        """
        if self.newest is None or self.newest <= moment:
            return self.newest
        end, rows = self.rows, TAIL
        while end:
            start = max(0, end - rows)
            moments = self._collect(
                partial(_moments_of, self.timestamp, start, end - start)
            )[self.timestamp]
            newest: datetime | None = moments.filter(moments <= moment).max()  # type: ignore[assignment]  # a datetime
            if newest is not None:
                return newest
            end, rows = start, 16 * rows
        return None

    def distinct(self) -> int:
        """Return the number of distinct source keys.

        Hashes are counted, which takes a fraction of the memory.
        """
        return (
            int(
                self._collect(
                    lambda scan: scan.select(_SOURCE_KEY.hash().n_unique())
                ).item()
            )
            if self.rows
            else 0
        )

    def latest(self) -> datetime | None:
        """Return the newest timestamp of all rows, in any order."""
        newest: datetime | None = self._collect(
            lambda scan: scan.select(pl.col(self.timestamp).max())
        ).item()
        return newest

    def existing_keys(self, source_keys: pl.Series) -> pl.Series:
        """Return the `source_keys` that have a row."""
        if not self.rows:
            return source_keys.clear()
        wanted = _SOURCE_KEY.is_in(source_keys.implode())
        return self._collect(lambda scan: scan.select(_SOURCE_KEY).filter(wanted))[
            SOURCE_KEY
        ]

    def frames(self, *, ordered: bool = True) -> Iterator[pl.DataFrame]:
        """Yield all rows, some row groups at a time.

        The next row groups are read while the caller processes a frame.

        Args:
            ordered: Whether rows must be in order.

        Raises:
            CorruptCheckpoint: A column of the sort order holds nulls, so this sink has
                not written the file; or the file does not match its checksums, which is
                raised after the last row.
            OutOfOrderError: Rows are not in order.
        """
        if self.version is None:
            return
        scan, last = self._stored(), None
        with (
            ContextThreads(2, thread_name_prefix="reporting-merge") as ahead,
            parquet_errors.reading(self.uri),
        ):
            checked = ahead.submit(self.check)
            starts = range(0, self.rows, READ_ROWS)
            coming = ahead.submit(scan.slice(0, READ_ROWS).collect)
            for start in starts:
                frame = self._fit(coming.result())
                if start + READ_ROWS < self.rows:
                    coming = ahead.submit(
                        scan.slice(start + READ_ROWS, READ_ROWS).collect
                    )
                moments, source_keys = frame[self.timestamp], frame[SOURCE_KEY]
                if moments.null_count() or source_keys.null_count():
                    raise CorruptCheckpoint(
                        f"{self.uri}: column {self.timestamp} or {SOURCE_KEY} holds a"
                        " null"
                    )
                if ordered and not (
                    is_sorted(moments, source_keys)
                    and (last is None or last <= (moments[0], source_keys[0]))
                ):
                    raise OutOfOrderError(
                        f"{self.uri}: its rows are not sorted by {self.timestamp} and"
                        f" {SOURCE_KEY}"
                    )
                last = moments[-1], source_keys[-1]
                yield frame
            checked.result()

    def check(self) -> None:
        """Compare this version with its checksums, if it has any.

        Raises:
            CorruptCheckpoint: The file does not match its checksums.
            StorageUnavailable: The file was replaced by another version, or reading
                failed after retries.
        """
        if self.content is not None or self.version is None:
            return  # checked when it was opened
        content = self.store.pin(self.key)
        if content is None or content.version != self.version:
            raise StorageUnavailable(
                f"{self.uri}: another run has written it meanwhile; run again"
            )
        with closing(content), parquet_errors.reading(self.uri):
            checksums.check(self.uri, content.read, content.size)

    def _fit(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.form is None:
            return frame
        with self._naming_the_file():
            return self.form.fitted(frame)


def _moments_of(
    timestamp: str, start: int, rows: int, scan: pl.LazyFrame
) -> pl.LazyFrame:
    """Select the timestamps of `rows` rows from `start` on."""
    return scan.select(timestamp).slice(start, rows)


def _objects_of(
    start: int, rows: int, wanted: pl.DataFrame, scan: pl.LazyFrame
) -> pl.LazyFrame:
    """Select the `wanted` objects of `rows` rows from `start` on."""
    source_keys = scan.select(_SOURCE_KEY).slice(start, rows)
    if wanted.height <= FEW_OBJECTS:  # most keys are then never taken apart
        may_be = _SOURCE_KEY.is_in(wanted[SOURCE_KEY].implode()) | _SEVERAL
        source_keys = source_keys.filter(may_be)
    objects = source_keys.select(_OBJECT)
    return objects.join(wanted.lazy(), on=SOURCE_KEY, how="semi").unique()
