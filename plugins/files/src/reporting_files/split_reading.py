"""Records of the files of a split, in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import polars as pl

from reporting_files.batches import BatchBuilder
from reporting_files.casting import Casts
from reporting_files.conform import Conform
from reporting_files.contents import Content, read_failure, version_of_rows
from reporting_files.csv_joining import JOINED_BYTES, SMALL_TEXT, SmallCsv
from reporting_files.file_columns import FileFacts
from reporting_files.file_state import TakenFile
from reporting_files.path_columns import PathColumns
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import is_column
from reporting_files.records import FileRecords
from reporting_files.settings import FileFormat, FilesSettings
from reporting_files.split_data import SplitData
from reporting_framework import Batch, ReadFailure, Rejection, single_source_key
from reporting_framework.errors import ReportingError, StorageUnavailable
from reporting_framework.storage import Store

CHANGED = "file_changed"
NO_PATH, NO_COLUMN = "path_mismatch", "no_known_column"


class SplitReading:
    """Records of the files of one split.

    Args:
        store: Store of the files.
        settings: Settings of the source.
        data: The files, and what is known of them.
    """

    def __init__(self, store: Store, settings: FilesSettings, data: SplitData) -> None:
        self._store, self._settings, self._data = store, settings, data
        self._path = (
            PathColumns.parse(settings.path_columns) if settings.path_columns else None
        )
        casts = Casts(settings.column_formats, decimal_comma=settings.decimal_comma)
        names = self._path.names if self._path else ()
        self._conform = Conform(data.schema, names, casts)
        self._records = FileRecords(settings, self._conform.of_files)
        self._batch = BatchBuilder()
        self._small = SmallCsv(settings)
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
            uri = self._store.location.join(content.key).uri
            raise StorageUnavailable(
                f"source files: {uri}: it was replaced while it was read; run again"
            ) from error
        if isinstance(error, UnreadableError):
            self._reject(content.key, content.version, error.reason)
        else:
            self._batch.unread.append(read_failure(content.key, error))

    def _reject(self, key: str, version: str, reason: str) -> None:
        self._batch.reject(Rejection(single_source_key(key), version, reason))
        records, of_rows = self._data.replaced.get(key, (0, None))  # its rows stay
        self._batch.positions[key] = TakenFile(version, records, of_rows).to_json()

    def _add(self, content: Content) -> Iterator[Batch]:
        parts = self._path.values(content.key) if self._path else ()
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
        version = version_of_rows(
            self._store, content.key, content.version, self._settings
        )
        _, old = self._data.replaced.get(content.key, (0, ""))
        return version if version > old else f"{old}+"

    def _alone(
        self, content: Content, form: FileFormat, facts: FileFacts
    ) -> Iterator[Batch]:
        """Add a file that is parsed alone."""
        records, blank = 0, list[int]()
        for raw in self._records.frames(content, form):
            if not records:
                self._check_names(raw.frame)
            part = self._conform.part(raw, [facts], records, csv=form == "csv")
            if raw.blank is not None:
                blank += [records + 1 + at for at in raw.blank.arg_true()]
            records += raw.frame.height
            self._begun = True
            self._batch.add(part)
            yield from self._batch.full()
        self._begun = False
        self._settle(facts, content.version, records, blank)

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

    def _settle(
        self, facts: FileFacts, stored: str, records: int, blank: Sequence[int] = ()
    ) -> None:
        """Note a file that was read, and the records that its old version had more.

        Args:
            facts: Facts of the file.
            stored: Version of the file in the store.
            records: Number of its records, blank rows included.
            blank: Numbers of its blank rows.
        """
        of_rows = None if facts.version == stored else facts.version
        taken = TakenFile(stored, records, of_rows)
        self._batch.positions[facts.key] = taken.to_json()
        before, _ = self._data.replaced.get(facts.key, (0, ""))
        gone = [
            *(row for row in blank if row <= before),
            *range(records + 1, before + 1),
        ]
        if gone:
            modified = self._store.modified(facts.key)
            at = modified or datetime.fromtimestamp(0, UTC)
            self._batch.delete(facts.key, gone, facts.version, at)
