"""One version of a Delta table: its files, as the planner of commits needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from typing_extensions import override

from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_delta.column_types import polars_schema
from reporting_delta.log import RESET, STATE, DeltaLog
from reporting_framework import DELETED_AT, SOURCE_KEY
from reporting_framework.errors import (
    CorruptCheckpoint,
    NotSupported,
    ObjectMissing,
    SettingsError,
)
from reporting_framework.storage import key_values

_LAST = "\U0010ffff"
"""Text after every source key."""

_UNREADABLE = frozenset({"columnMapping", "deletionVectors", "typeWidening"})
"""Features of tables with files that cannot be read alone."""

Values = Mapping[str, str | None]
"""Values of the partition columns as texts."""


class DeltaFile(DataFile):
    """File of the table, with the values of its partition.

    Without statistics of the source keys, its range is all of them.
    """

    values: Values

    @classmethod
    def of(cls, values: Values, *fields: Any) -> DeltaFile:
        """Return the file of a partition; `fields` are those of `DataFile`."""
        file = cls(*fields)
        file.values = values
        return file

    @property
    @override
    def partition(self) -> str:
        """Label of the partition, which is the folder of new files."""
        return label(self.values)


def label(values: Values) -> str:
    """Return the folder of a partition, in the form of Hive."""
    return "/".join(
        f"{key_values.encode(name)}="
        f"{key_values.encode(value) if value else key_values.HIVE_NULL}"
        for name, value in values.items()
    )


class Snapshot(NamedTuple):
    """One version of a table.

    Attributes:
        handle: Handle at the version from which a commit is planned, `None`: there is
            no table.
        manifest: Its files and source state.
        schema: Its columns, none after a reset.
    """

    handle: DeltaTable | None = None
    manifest: Manifest = Manifest()
    schema: pl.Schema = pl.Schema()

    @property
    def version(self) -> int:
        """Version of the table, -1: there is none."""
        version = self.manifest.version
        return -1 if version is None else int(version)


def read_snapshot(
    log: DeltaLog, timestamp: str | None, version: int | datetime | None = None
) -> Snapshot:
    """Return a version of the table; an empty one if there certainly is no table.

    Args:
        log: Log of the table.
        timestamp: Column of the newest timestamp, `None`: there is none.
        version: An earlier version, or a time; see `DeltaLog.open`.

    Raises:
        CorruptCheckpoint: The log or the source state cannot be read.
        NotSupported: The table has features that are not supported.
    """
    handle = log.open(version)
    if handle is None:
        return Snapshot()
    with log.reading():
        check_features(log, handle)
        partition_by = tuple(handle.metadata().partition_columns)
        actions = pl.DataFrame(handle.get_add_actions(flatten=True))
        schema = polars_schema(handle.schema())
        reset = handle.transaction_version(RESET) == handle.version()
        state = handle.transaction_version(STATE)
    if actions["num_records"].null_count():
        raise NotSupported(
            f"{log.uri}: the table has files without statistics, so that their rows are"
            " not counted; rewrite them with the program that has written them"
        )
    files = data_files(actions, partition_by, timestamp)
    files.sort(key=lambda file: (file.partition, file.first))
    manifest = Manifest(
        files=tuple(files),
        partition_by=partition_by,
        state=None if reset or not state else _state(log, state),
        resets=str(handle.version()) if reset else None,
        version=str(handle.version()),
    )
    return Snapshot(handle, manifest, pl.Schema() if reset else schema)


def check_features(log: DeltaLog, handle: DeltaTable) -> None:
    """Refuse tables with files that cannot be read alone.

    Raises:
        NotSupported: The table is such a one.
    """
    features = set(handle.protocol().reader_features or ()) & _UNREADABLE
    if features:
        raise NotSupported(
            f"{log.uri}: the table has {', '.join(sorted(features))}, which is not"
            " supported; rewrite it without, or choose another table"
        )


def data_files(
    actions: pl.DataFrame, partition_by: Sequence[str], timestamp: str | None
) -> list[DeltaFile]:
    """Return the files of a table; `actions` has one row for each."""

    def column(name: str, otherwise: Any = None) -> pl.Series:
        if name in actions.columns:
            return actions[name]
        return pl.repeat(otherwise, actions.height, eager=True)

    newest = column(f"max.{timestamp}")
    if isinstance(newest.dtype, pl.Datetime):
        newest = newest.dt.timestamp("us")
    fields = zip(
        [unquote(path) for path in actions["path"]],
        actions["num_records"].fill_null(0),
        column(f"null_count.{DELETED_AT}"),
        actions["size_bytes"],
        column(f"min.{SOURCE_KEY}"),
        column(f"max.{SOURCE_KEY}"),
        newest,
        actions.select(
            pl.col(f"partition.{name}").cast(pl.String).alias(name)
            for name in partition_by
        ).to_dicts()
        if partition_by
        else [{}] * actions.height,
        strict=True,
    )
    return [
        DeltaFile.of(
            values,
            path,
            rows,
            0 if live is None else rows - live,
            size,
            first or "",
            last or _LAST,
            moment,
            0,
        )
        for path, rows, live, size, first, last, moment, values in fields
    ]


def _state(log: DeltaLog, number: int) -> Mapping[str, Any]:
    key = log.place.state(number)
    uri = log.place.store.location.join(key).uri
    try:
        state = json.loads(log.place.store.get(key).data)["state"]
        if isinstance(state, dict):
            return state
    except (ObjectMissing, ValueError, KeyError, TypeError) as error:
        problem: Exception | None = error
    else:
        problem = None
    raise CorruptCheckpoint(
        f"{uri}: the source state of the table is missing or damaged; restore it, or"
        " reset the report; nothing was changed"
    ) from problem


def parse_version(text: str) -> int | datetime:
    """Return the number of a version, or a time (aware).

    Raises:
        SettingsError: It is neither.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"version {text!r}: expected a number, or a time such as"
            " 2024-05-31T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
