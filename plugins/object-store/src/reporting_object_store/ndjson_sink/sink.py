"""The sink ``ndjson-archive``: gzipped NDJSON files, partitioned by time.

The files are written once and never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import ClassVar, NamedTuple

import polars as pl
from typing_extensions import override

from reporting_framework import (
    ROWS_ONLY,
    SOURCE_KEY,
    CommitContext,
    CommitResult,
    Permission,
    Sink,
    Split,
    StagedPart,
    WriteMode,
)
from reporting_framework.errors import SettingsError, StorageUnavailable
from reporting_framework.plugin_api.records import ReadFailure
from reporting_framework.plugin_api.result import Output
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import open_store, parse_location, permissions
from reporting_object_store.ndjson_sink.encoding import (
    LONGEST_METADATA,
    compressed,
    encoded,
    object_name,
    pieces,
    short,
    unsupported_columns,
)
from reporting_object_store.ndjson_sink.settings import NdjsonArchiveSettings

MAX_WORKERS = 16
"""Number of objects written in parallel; each write is a round trip."""

CONTENT_TYPE = "application/x-ndjson"
"""Content type of the files. They have no Content-Encoding: with it, some clients would
decompress a file that others, such as Athena, decompress because of its name.
"""


class _Staged(NamedTuple):
    """Rows of one batch, ready to be written.

    Attributes:
        order: Id of the split and number of the part, by which rows are sorted.
        rows: Columns `partition`, `source_key`, `moment` and `line`, in the order of
            the batch.
    """

    order: tuple[str, int]
    rows: pl.DataFrame


class NdjsonArchive(Sink):
    """Archive of files with limited rows and bytes, in a folder per hour or similar.

    The sink keeps no ledger and only needs permission to write. A file's name depends
    on its rows, so the same rows, delivered again together, overwrite their file with
    the same bytes. Rows that are delivered again among others are written again;
    readers recognise them by their source key. A row must not depend on the time of
    reading, as rows with the same source keys get the same name.
    """

    name: ClassVar[str] = "ndjson-archive"
    Settings: ClassVar[type[NdjsonArchiveSettings]] = NdjsonArchiveSettings

    def __init__(self, settings: NdjsonArchiveSettings) -> None:
        self.settings = settings
        self.store = open_store(parse_location(settings.uri))
        self._columns: list[pl.Expr] = []

    @classmethod
    @override
    def aws_permissions(cls, settings: NdjsonArchiveSettings) -> Sequence[Permission]:
        return permissions.put_permissions(parse_location(settings.uri))

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        settings = self.settings
        self.check_schema(settings, schema, mode)
        moment = pl.col(settings.timestamp).dt.convert_time_zone("UTC")
        self._columns = [
            moment.dt.to_string(settings.partition).alias("partition"),
            pl.col(SOURCE_KEY).alias("origin"),
            moment.alias("moment"),
            encoded(schema, settings.json_columns).alias("line"),
        ]

    @classmethod
    @override
    def check_schema(
        cls,
        settings: NdjsonArchiveSettings,
        schema: pl.Schema,
        mode: WriteMode = "append",
    ) -> None:
        time_dtype = schema.get(settings.timestamp)
        columns = (
            "the columns are"
            f" {', '.join(f'{name} ({dtype})' for name, dtype in schema.items())}"
        )
        if not isinstance(time_dtype, pl.Datetime) or time_dtype.time_zone is None:
            raise SettingsError(
                f"sink {cls.name}: timestamp: {settings.timestamp} is not a Datetime"
                f" column with a time zone; {columns}",
                path=("timestamp",),
            )
        if wrong := [
            name for name in settings.json_columns if schema.get(name) != pl.String
        ]:
            raise SettingsError(
                f"sink {cls.name}: json_columns: {', '.join(wrong)} is not a String"
                f" column; {columns}",
                path=("json_columns",),
            )
        if wrong := unsupported_columns(schema):
            raise SettingsError(
                f"sink {cls.name}: column {', '.join(wrong)} cannot be written as JSON;"
                f" drop it in a transform; {columns}"
            )

    def ledger(self) -> None:
        """See `Sink.ledger`: the sink keeps none."""
        return

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """See `Sink.stage`.

        The rows stay in memory, as text, until they are written.
        """
        if frame[self.settings.timestamp].null_count():
            raise SettingsError(
                f"sink {self.name}: column {self.settings.timestamp} holds a null, and"
                " rows are partitioned by it; let the validator require it, or name"
                " another column in timestamp"
            )
        return StagedPart(
            frame.height, _Staged((split.id, part), frame.select(self._columns))
        )

    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """See `Sink.commit`.

        Rows of one partition are written together, whichever split they come from.
        """
        staged = [
            rows
            for _, rows in sorted(
                (staged_part.data for staged_part in staged_parts),
                key=lambda staged_part: staged_part.order,
            )
        ]
        if not staged:
            return CommitResult(duplicates=None)
        jobs: list[tuple[pl.DataFrame, Future[Output]]] = []
        failed, outputs, newest = [], [], list[datetime]()
        with ContextThreads(
            MAX_WORKERS, thread_name_prefix="reporting-archive"
        ) as pool:
            for part in pl.concat(staged).partition_by(
                "partition", maintain_order=True
            ):
                sizes = (part["line"].str.len_bytes() + 1).to_list()
                for begin, length in pieces(
                    sizes, self.settings.max_rows, self.settings.max_bytes
                ):
                    rows = part[begin : begin + length]
                    jobs.append((rows, self._written(pool, rows)))
            try:
                for rows, job in jobs:
                    try:
                        outputs.append(job.result())
                        newest.append(rows["moment"].dt.max())  # type: ignore[arg-type]  # no nulls
                    except StorageUnavailable:
                        failed += [
                            ReadFailure(source_key, f"{self.name}: unavailable")
                            for source_key in rows["origin"].to_list()
                        ]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return CommitResult(outputs, None, max(newest, default=None), failed=failed)

    def _written(self, pool: ContextThreads, rows: pl.DataFrame) -> Future[Output]:
        """Compress one object and submit it for writing.

        The threads only wait for the storage: two threads that compress on one core are
        slower than one.
        """
        source_keys: list[str] = rows["origin"].to_list()
        key = f"{rows['partition'][0]}/{object_name(source_keys)}"
        data = compressed(rows["line"].to_list(), self.settings.compression_level)
        first, last = (
            short(source_key, LONGEST_METADATA)
            for source_key in (source_keys[0], source_keys[-1])
        )
        metadata = {
            "count": str(rows.height),
            "first-origin": first,
            "last-origin": last,
        }
        return pool.submit(self._write, key, data, metadata, rows.height)

    def _write(
        self, key: str, data: bytes, metadata: Mapping[str, str], rows: int
    ) -> Output:
        version = self.store.replace(
            key, data, content_type=CONTENT_TYPE, metadata=metadata
        )
        uri = self.store.location.join(key).uri
        return Output(
            uri=uri, rows=rows, new_rows=rows, bytes=len(data), version=version
        )
