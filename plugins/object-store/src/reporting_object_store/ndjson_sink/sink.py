"""The sink ``ndjson-archive``, of gzipped NDJSON files.

They are in partitions by time, written once and never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import ClassVar, NamedTuple

import polars as pl

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
"""Objects that are written at once: each is a round trip."""

CONTENT_TYPE = "application/x-ndjson"
"""There is no Content-Encoding: some clients would then decompress what others, and
Athena by its name, do as well.
"""


class _Staged(NamedTuple):
    """Rows of one batch that are ready to be written.

    Attributes:
        order: The split's id and the part: where the rows come among all.
        rows: Columns `partition`, `source_key`, `moment` and `line`, in the order of
            the batch.
    """

    order: tuple[str, int]
    rows: pl.DataFrame


class NdjsonArchive(Sink):
    """Files of at most so many rows and bytes, in a folder for each hour or the like.

    It keeps no account of what it holds and needs no right but to write. A file is
    named after the rows in it, so that the same rows, come again together, are written
    over themselves with the same bytes. Rows that come again among others are written
    again: whoever reads the archive tells them by their source key. What a row is must
    not depend on when it is read: rows of the same source keys have the same name.
    """

    name: ClassVar[str] = "ndjson-archive"
    Settings: ClassVar[type[NdjsonArchiveSettings]] = NdjsonArchiveSettings

    def __init__(self, settings: NdjsonArchiveSettings) -> None:
        self.settings = settings
        self.store = open_store(parse_location(settings.uri))
        self._columns: list[pl.Expr] = []

    @classmethod
    def aws_permissions(cls, settings: NdjsonArchiveSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        return permissions.put_permissions(parse_location(settings.uri))

    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        """See `Sink.open`."""
        time_dtype, settings = schema.get(self.settings.timestamp), self.settings
        columns = (
            "there are"
            f" {', '.join(f'{name} ({dtype})' for name, dtype in schema.items())}"
        )
        if not isinstance(time_dtype, pl.Datetime) or time_dtype.time_zone is None:
            raise SettingsError(
                f"sink {self.name}: setting timestamp names {settings.timestamp}, which"
                f" is not a column of Datetime with a time zone; {columns}"
            )
        if wrong := [
            name for name in settings.json_columns if schema.get(name) != pl.String
        ]:
            raise SettingsError(
                f"sink {self.name}: setting json_columns names {', '.join(wrong)},"
                f" which is not a column of String; {columns}"
            )
        if wrong := unsupported_columns(schema):
            raise SettingsError(
                f"sink {self.name}: column {', '.join(wrong)} has no form in JSON;"
                f" {columns}"
            )
        moment = pl.col(settings.timestamp).dt.convert_time_zone("UTC")
        self._columns = [
            moment.dt.to_string(settings.partition).alias("partition"),
            pl.col(SOURCE_KEY).alias("origin"),
            moment.alias("moment"),
            encoded(schema, settings.json_columns).alias("line"),
        ]

    def ledger(self) -> None:
        """See `Sink.ledger`: it keeps none."""
        return

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """See `Sink.stage`.

        The rows stay in memory, as text, until they are written.
        """
        if frame[self.settings.timestamp].null_count():
            raise SettingsError(
                f"sink {self.name}: column {self.settings.timestamp} holds a null, and"
                " rows are partitioned by it; let the validator require it, or name"
                " another column"
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

        Rows of one partition are put together, whichever split they come from.
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
        with ThreadPoolExecutor(
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

    def _written(self, pool: ThreadPoolExecutor, rows: pl.DataFrame) -> Future[Output]:
        """One object.

        Threads only wait for the storage: two that compress on one core are slower than
        one.
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
