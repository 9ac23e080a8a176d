"""Reading of the files of a split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property

import polars as pl

from reporting_files.batches import BatchBuilder
from reporting_files.casting import Casts
from reporting_files.conform import Conform
from reporting_files.contents import Content, fetch, read_failure
from reporting_files.csv_joining import JOINED_BYTES, SMALL_TEXT, SmallCsv
from reporting_files.file_columns import FileFacts
from reporting_files.file_state import TakenFile
from reporting_files.path_columns import PathColumns
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import is_column
from reporting_files.records import FileRecords
from reporting_files.settings import MEBIBYTE, FileFormat, FilesSettings
from reporting_files.split_data import SplitData
from reporting_framework import Batch, ReadFailure, Rejection, single_source_key
from reporting_framework.errors import ReportingError, StorageUnavailable
from reporting_framework.storage import Admit, InFlight, Store

IN_FLIGHT_BYTES = 128 * MEBIBYTE
"""Limit on the files that are being fetched or wait to be parsed."""

CHANGED = "file_changed"
NO_PATH, NO_COLUMN = "path_mismatch", "no_known_column"


class FileReader:
    """Reader of the files of one store, for all splits of a source.

    Args:
        store: Store of the files.
        settings: Settings of the source.
    """

    def __init__(self, store: Store, settings: FilesSettings) -> None:
        self.store, self.settings = store, settings
        self._path = (
            PathColumns.parse(settings.path_columns) if settings.path_columns else None
        )
        self._casts = Casts(
            settings.column_formats, decimal_comma=settings.decimal_comma
        )

    @cached_property
    def _requests(self) -> ThreadPoolExecutor:
        """Threads for requests, shared by all splits."""
        return ThreadPoolExecutor(
            self.settings.max_in_flight, thread_name_prefix="reporting-get"
        )

    @cached_property
    def _in_flight(self) -> InFlight:
        return InFlight(self._requests, IN_FLIGHT_BYTES)

    def read(self, data: SplitData) -> Iterator[Batch]:
        """Yield batches of the rows of these files."""
        reading = _SplitReading(self, data)
        keys = [key for key in data.keys if key not in data.refused]
        fetched = (
            self._in_flight.map(self._fetch, keys)
            if self.store.remote
            else map(self._fetch, keys)
        )
        for key, (version, entry) in data.refused.items():
            reading.refuse(key, version, entry)
        for key, content in zip(keys, fetched, strict=True):
            yield from reading.add(key, content)
        yield from reading.rest()

    def _fetch(
        self, key: str, admit: Admit | None = None
    ) -> Content | Rejection | ReadFailure | None:
        most = self.settings.max_streamed_bytes
        return fetch(self.store, key, most, admit)

    def rows_version(self, content: Content) -> str:
        """Return the version of a file's rows.

        If a new version of a file replaces its rows, versions must be in the order of
        time, so the time of the last write comes first.
        """
        return version_of_rows(self.store, content.key, content.version, self.settings)

    def conform(self, schema: pl.Schema) -> Conform:
        """Return the conversion to the columns of the report."""
        names = self._path.names if self._path else ()
        return Conform(schema, names, self._casts)

    def path_parts(self, key: str) -> Sequence[str | None] | None:
        """Return the values of the path columns, `None` if the path does not match."""
        return self._path.values(key) if self._path else ()

    def uri(self, key: str) -> str:
        """Return the URI of a file."""
        return self.store.location.join(key).uri

    def close(self) -> None:
        """Stop all requests."""
        if in_flight := vars(self).pop("_in_flight", None):
            in_flight.close()
        if requests := vars(self).pop("_requests", None):
            requests.shutdown(wait=False, cancel_futures=True)


def version_of_rows(
    store: Store, key: str, version: str, settings: FilesSettings
) -> str:
    """Return the version of the rows of a file in a version of the store."""
    if settings.changed_files != "replace" or not store.remote:
        return version
    modified = store.modified(key) or datetime.fromtimestamp(0, UTC)
    return f"{modified:%Y-%m-%dT%H:%M:%S.%fZ} {version}"


class _SplitReading:
    """Reading of one split."""

    def __init__(self, reader: FileReader, data: SplitData) -> None:
        self._reader, self._data = reader, data
        self._batch = BatchBuilder()
        self._conform = reader.conform(data.schema)
        self._records = FileRecords(reader.settings, pl.Schema(self._conform.of_files))
        self._small = SmallCsv(reader.settings)
        self._stored: list[str] = []
        self._named: dict[tuple[str, ...], bool] = {}
        self._begun = False

    def refuse(self, key: str, version: str, entry: list[object]) -> None:
        """Reject a file that was changed."""
        self._batch.reject(Rejection(single_source_key(key), version, CHANGED))
        self._batch.positions[key] = entry

    def add(
        self, key: str, content: Content | Rejection | ReadFailure | None
    ) -> Iterator[Batch]:
        """Add a file; yield a batch if there is enough for one."""
        if content is None:
            self._batch.ignore(f"{key}/")
        elif isinstance(content, ReadFailure):
            self._batch.unread.append(content)
        elif isinstance(content, Rejection):
            self._reject(key, content.version or "", content.error_type)
        else:
            try:
                yield from self._add(content)
            except (UnreadableError, ReportingError) as error:
                self._fail(content, error)
        yield from self._batch.full()

    def rest(self) -> Iterator[Batch]:
        """Yield the last batches."""
        self._flush()
        yield from self._batch.rest()

    def _fail(self, content: Content, error: UnreadableError | ReportingError) -> None:
        """Reject a file or count it as unread.

        If some of its records were returned already, the run must fail, so that none is
        kept.
        """
        if self._begun:
            raise StorageUnavailable(
                f"source files: {self._reader.uri(content.key)}: it was replaced while"
                " it was read; run again"
            ) from error
        if isinstance(error, UnreadableError):
            self._reject(content.key, content.version, error.reason)
        else:
            self._batch.unread.append(read_failure(content.key, error))

    def _reject(self, key: str, version: str, reason: str) -> None:
        self._batch.reject(Rejection(single_source_key(key), version, reason))
        self._batch.positions[key] = TakenFile(version).to_json()

    def _add(self, content: Content) -> Iterator[Batch]:
        parts = self._reader.path_parts(content.key)
        if parts is None:
            raise UnreadableError(NO_PATH)
        form = self._records.form(content)
        facts = FileFacts(content.key, self._version(content), parts)
        if form == "csv" and content.size <= SMALL_TEXT and content.size:
            text = self._records.text(content)
            if len(text) <= SMALL_TEXT and self._join(facts, text, content):
                if self._small.size >= JOINED_BYTES:
                    self._flush()
                return
        self._flush()
        yield from self._alone(content, form, facts)

    def _version(self, content: Content) -> str:
        version = self._reader.rows_version(content)
        _, old = self._data.replaced.get(content.key, (0, ""))
        return version if version > old else f"{old}+"

    def _alone(
        self, content: Content, form: FileFormat, facts: FileFacts
    ) -> Iterator[Batch]:
        """Add a file that is parsed alone."""
        records = 0
        for raw in self._records.frames(content, form):
            if not records:
                self._check_names(raw.frame)
            part = self._conform.part(raw, [facts], records)
            records += raw.frame.height
            self._begun = True
            self._batch.add(part)
            yield from self._batch.full()
        self._begun = False
        self._settle(facts, content.version, records)

    def _check_names(self, frame: pl.DataFrame) -> None:
        """Raise `UnreadableError` if no column of a file is one of the report's."""
        names = [name for name in frame.columns if is_column(name)]
        known = self._conform.of_files
        if names and known and known.keys().isdisjoint(names):
            raise UnreadableError(NO_COLUMN)

    def _join(self, facts: FileFacts, text: bytes, content: Content) -> bool:
        """Add a small CSV file to the others; return whether it can be joined."""
        table = self._small.layout(text)
        names = tuple(table.names)
        if names not in self._named:
            known = self._conform.of_files
            self._named[names] = not known or not known.keys().isdisjoint(names)
        if not self._named[names]:
            raise UnreadableError(NO_COLUMN)
        if not self._small.fits(table):
            self._flush()
        if not self._small.add(facts, table, text):
            return False
        self._stored.append(content.version)
        return True

    def _flush(self) -> None:
        """Parse the small CSV files."""
        small = self._small
        if small.table is None:
            return
        parser = self._records.csv_parser(small.table)
        raw = parser.parse(b"".join(small.bodies)) if small.size else parser.empty()
        counts = small.counts
        if raw.frame.height == sum(counts):
            raw = raw._replace(counts=counts)
            self._batch.add(self._conform.part(raw, small.files))
        else:
            counts = []
            for facts, body in zip(small.files, small.bodies, strict=True):
                raw = parser.parse(body) if body else parser.empty()
                self._batch.add(self._conform.part(raw, [facts]))
                counts.append(raw.frame.height)
        for facts, stored, count in zip(small.files, self._stored, counts, strict=True):
            self._settle(facts, stored, count)
        small.clear()
        self._stored = []

    def _settle(self, facts: FileFacts, stored: str, records: int) -> None:
        """Note a file that was read, and the records that its old version had more.

        Args:
            facts: Facts of the file.
            stored: Version of the file in the store.
            records: Number of its records.
        """
        of_rows = None if facts.version == stored else facts.version
        taken = TakenFile(stored, records, of_rows)
        self._batch.positions[facts.key] = taken.to_json()
        before, _ = self._data.replaced.get(facts.key, (0, ""))
        if before > records:
            modified = self._reader.store.modified(facts.key)
            gone = range(records + 1, before + 1)
            at = modified or datetime.fromtimestamp(0, UTC)
            self._batch.delete(facts.key, gone, facts.version, at)
