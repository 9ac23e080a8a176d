"""SQLite: values without a type of their own are texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import SettingsError
from reporting_framework.tables.values import decoded, encoded
from reporting_sql.connections import Connection, connect, run
from reporting_sql.dialects.arrow_cursor import ArrowConnection, ArrowCursor
from reporting_sql.dialects.dialect import Dialect
from reporting_sql.dialects.json_values import from_json, is_json
from reporting_sql.errors import code_of
from reporting_sql.sessions import is_read

_TYPES: dict[Any, str] = {
    pl.Boolean: "BOOLEAN",
    pl.Float32: "DOUBLE PRECISION",
    pl.Float64: "DOUBLE PRECISION",
    pl.Binary: "BLOB",
    pl.Date: "DATE",
    pl.Time: "TIME",
    pl.Datetime: "TIMESTAMP",
    pl.Duration: "BIGINT",
    pl.Int8: "SMALLINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt8: "SMALLINT",
    pl.UInt16: "INTEGER",
    pl.UInt32: "BIGINT",
    pl.String: "TEXT",
    pl.Categorical: "TEXT",
    pl.Enum: "TEXT",
    pl.Decimal: "TEXT",  # a number would become a float
}


class SqliteDialect(Dialect):
    """SQL and types of SQLite."""

    begin = "BEGIN IMMEDIATE"  # whoever waits for the lock has read nothing yet
    has_schemas = False
    session: ClassVar[Sequence[str]] = ("PRAGMA journal_mode = WAL",)

    @override
    def connect(self, *, write: bool) -> ArrowConnection:
        if not write and not self.url.path.exists():
            from adbc_driver_sqlite import dbapi

            empty = dbapi.connect(":memory:", autocommit=True)
            return ArrowConnection(empty, infers=True)
        connection = connect(self.url, self.limits, read_only=not write)
        if write:
            self._configure(connection)
        return ArrowConnection(connection, infers=True)

    def _configure(self, connection: Connection) -> None:
        """Let readers and one writer work at once, unless the file is in use just now.

        SQLite refuses to change the journal of a file in use without waiting for its
        lock. Whoever has it may be changing the journal too, and any journal is safe.

        Raises:
            SettingsError: The source of the run reads the file, and its journal lets
                nobody write meanwhile. To wait would be in vain.
        """
        if is_read(self.url) and self._journal(connection) != "wal":
            connection.close()
            raise SettingsError(
                f"{self.subject}: this run reads the same file, and"
                " without a write-ahead log nobody can write to it meanwhile; nothing"
                " was changed; execute PRAGMA journal_mode = WAL in it once, or give"
                " another file"
            )
        try:
            for statement in self.session:
                run(connection, statement)
        except Exception as error:
            if code_of(error) != "SQLITE_BUSY":
                connection.close()
                raise

    def _journal(self, connection: Connection) -> str:
        with closing(ArrowConnection(connection).cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode")
            return str(cursor.fetchall()[0][0])

    @override
    def columns(self, cursor: ArrowCursor, table: str) -> Mapping[str, str]:
        cursor.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return dict(cursor.fetchall())

    @override
    def size(self, cursor: ArrowCursor, table: str) -> int:
        cursor.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        )
        return int(cursor.fetchall()[0][0])

    @override
    def sql_type(self, dtype: pl.DataType) -> str | None:
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            return "TIMESTAMP WITH TIME ZONE"
        return "TEXT" if is_json(dtype) else _TYPES.get(dtype.base_type())

    @override
    def accepts(self, found: str, needed: str, dtype: pl.DataType) -> bool:
        kind = _affinity(found)
        if dtype.is_integer() or isinstance(dtype, pl.Duration):
            return kind == "INTEGER"
        if dtype.is_float():
            return kind == "REAL"
        if isinstance(dtype, pl.Date | pl.Time | pl.Datetime):
            return kind == "TEXT" or "DATE" in found.upper() or "TIME" in found.upper()
        if isinstance(dtype, pl.Boolean):
            return kind == "INTEGER" or found.upper().startswith("BOOL")
        if isinstance(dtype, pl.Binary):
            return kind == "BLOB"
        return kind == "TEXT"

    @override
    def cast(self, column: str, kind: str) -> str:
        return column  # a column converts what it is given

    @override
    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        return encoded(self.nested_as_json(frame))

    @override
    def load(self, cursor: ArrowCursor, table: str, frame: pl.DataFrame) -> None:
        cursor.ingest(table, frame)

    @override
    def read(
        self,
        cursor: ArrowCursor,
        table: str,
        columns: Mapping[str, pl.DataType],
        rows: int,
    ) -> Iterator[pl.DataFrame]:
        # The driver takes a column's type from its first values, so a row precedes.
        first = ", ".join(
            f"{_value_of(dtype)} AS {self.quote(name)}"
            for name, dtype in columns.items()
        )
        names = ", ".join(map(self.quote, columns))
        cursor.infer_from(rows)
        cursor.execute(f"SELECT {first} UNION ALL SELECT {names} FROM {table}")  # noqa: S608
        skipped = 1
        for frame in cursor.frames(rows):
            part = frame.slice(skipped)
            skipped = 0
            yield pl.DataFrame(
                [_decoded(part[name], name, dtype) for name, dtype in columns.items()]
            )


def _affinity(declared: str) -> str:
    """Return the affinity of a column; see SQLite's rules for declared types."""
    kind = declared.upper()
    for parts, affinity in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(part in kind for part in parts):
            return affinity
    return "NUMERIC" if kind else "BLOB"


def _value_of(dtype: pl.DataType) -> str:
    if dtype.is_integer() or isinstance(dtype, pl.Boolean | pl.Duration):
        return "0"
    if dtype.is_float():
        return "0.0"
    return "x''" if isinstance(dtype, pl.Binary) else "''"


def _decoded(column: pl.Series, name: str, dtype: pl.DataType) -> pl.Series:
    if is_json(dtype):
        frame = column.to_frame(name)
        return frame.select(from_json(pl.col(name), dtype).alias(name))[name]
    return decoded(name, column, dtype)
