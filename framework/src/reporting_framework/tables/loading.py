"""Staged rows in temporary tables of the database.

Only the connection sees these tables, and they end with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.tables.values import encoded

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

INTERNAL = "_reporting_"
"""Prefix of the names of tables and columns for internal use."""

STAGED, LATEST = "_reporting_staged", "_reporting_latest"
READ, SEEN = "_reporting_read", "_reporting_seen"
ORDER = "_reporting_order"

CHUNK = 10_000
"""Rows that are passed to the driver at once."""


def create_staged(sink: Database, database: Session, columns: str) -> None:
    """Create the temporary table of staged rows."""
    number = sink.sql_type(pl.Int64())
    database.run(f"CREATE TEMPORARY TABLE {STAGED} ({columns}, {ORDER} {number})")


def load(sink: Database, database: Session, files: Sequence[Path]) -> str:
    """Load staged frames, and return the name of their temporary table.

    The table has one row for each source key, in its newest version; without versions,
    the row that was staged first.

    Args:
        sink: Sink with the SQL dialect.
        database: Session in which `create_staged` was called.
        files: Staged frames, in the order of the commit.
    """
    at, versioned = 0, False
    for path in files:
        with path.open("rb") as file:  # of a path polars would take some for a pattern
            frame = encoded(pl.read_ipc(file))
        versioned = VERSION in frame.columns
        order = pl.int_range(at, at + frame.height).alias(ORDER)
        for rows in frame.with_columns(order).iter_slices(CHUNK):
            sink.load(database.cursor, STAGED, rows)
        at += frame.height
    key = sink.quote(SOURCE_KEY)
    counted = f"SELECT count(*) - count(DISTINCT {key}) FROM {STAGED}"
    if not database.number(counted):
        return STAGED
    database.run(
        f"CREATE TEMPORARY TABLE {LATEST} AS SELECT * FROM (SELECT s.*, row_number()"
        f" OVER (PARTITION BY {key} ORDER BY {_order(sink, versioned=versioned)})"
        f" AS _reporting_rank FROM {STAGED} AS s) AS ranked WHERE _reporting_rank = 1"
    )
    return LATEST


def _order(sink: Database, *, versioned: bool) -> str:
    if not versioned:
        return ORDER
    version, deleted = sink.quote(VERSION), sink.quote(DELETED_AT)
    return (
        f"CASE WHEN {version} IS NULL THEN 1 ELSE 0 END, {version} DESC,"
        f" CASE WHEN {deleted} IS NULL OR {version} IS NULL THEN 1 ELSE 0 END,"
        f" {ORDER} DESC"
    )


def load_seen(
    sink: Database, database: Session, source: str, read: Sequence[str]
) -> None:
    """Load the source keys of all records that were read.

    Args:
        sink: Sink with the SQL dialect.
        database: Session in which `load` was called.
        source: Table that `load` has returned.
        read: Source keys of records that are not staged.
    """
    for start in range(0, len(read), CHUNK):
        keys = pl.DataFrame({"name": read[start : start + CHUNK]})
        sink.load(database.cursor, READ, keys)
    database.run(f"CREATE TEMPORARY TABLE {SEEN} (name {sink.key_type} PRIMARY KEY)")
    database.run(
        f"INSERT INTO {SEEN} SELECT {sink.quote(SOURCE_KEY)} FROM {source}"
        f" UNION SELECT name FROM {READ}"
    )


def check_order(sink: Database, database: Session) -> None:
    """Check that the database compares source keys and versions by their bytes.

    Raises:
        SettingsError: The database would treat two source keys as equal, or an older
            version as newer.
    """
    database.run(f"CREATE TEMPORARY TABLE {READ} (name {sink.key_type})")
    sink.load(database.cursor, READ, pl.DataFrame({"name": ["a", "B", "A", "b "]}))
    query = f"SELECT name FROM {READ} WHERE name > 'B' AND name <> 'b' ORDER BY name"
    if [name for (name,) in database.rows(query)] != ["a", "b "]:
        raise SettingsError(
            f"{sink.subject}: the database does not compare texts of type"
            f" {sink.key_type} by their bytes; give `key_type` a collation that does"
        )
    database.run(f"DELETE FROM {READ}")
