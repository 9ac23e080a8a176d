"""MySQL and MariaDB: rows are inserted in groups, through PyMySQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from typing_extensions import override

from reporting_framework.tables.values import encoded
from reporting_sql.connections import connect, is_mariadb, prepared
from reporting_sql.dialects import mysql_types as types
from reporting_sql.dialects.dialect import Dialect
from reporting_sql.dialects.json_values import from_json, is_json
from reporting_sql.mysql_stream import streamed

_MODES = "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION"
_COLUMNS = "SHOW FULL COLUMNS FROM "

_MISSING = (1146, 1049)
"""Codes for a table or a database that does not exist."""


class MySqlDialect(Dialect):
    """SQL and types of MySQL and MariaDB.

    A statement that creates or changes a table ends the transaction. A new table, or a
    new column, is therefore there before its first rows.
    """

    placeholder = "%s"
    key_type = "VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
    load_rows = 5_000
    max_name_bytes = 64
    ddl_commits = True

    @override
    def connect(self, *, write: bool) -> Any:
        connection = prepared(
            connect(self.url, self.limits, read_only=False),
            f"SET SESSION sql_mode = '{_MODES}'",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )
        if is_mariadb(connection):  # both compare bytes, spaces at the end included
            self.key_type = self.key_type.replace("0900_bin", "nopad_bin")
        self.part_type = self.key_type.replace("768", "255")
        return connection

    @override
    def columns(self, cursor: Any, table: str) -> Mapping[str, str]:
        from pymysql.err import MySQLError

        try:
            cursor.execute(_COLUMNS + ".".join(map(self.quote, self.split(table))))
        except MySQLError as error:
            if error.args[0] in _MISSING:
                return {}
            raise
        return {
            name: f"{kind} COLLATE {collation}" if _by_bytes(collation) else kind
            for name, kind, collation, *_ in cursor.fetchall()
        }

    @override
    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    @override
    def sql_type(self, dtype: pl.DataType) -> str | None:
        return types.sql_type(dtype)

    @override
    def accepts(self, found: str, needed: str, dtype: pl.DataType) -> bool:
        return types.accepts(found, dtype)

    @override
    def cast(self, column: str, kind: str) -> str:
        return column  # a column converts what it is given, and refuses the rest

    @override
    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        for name, dtype in frame.schema.items():
            if dtype.is_float() and not frame[name].is_finite().all():
                raise self.refuse(
                    name,
                    "MySQL cannot keep infinity or a float that is not a number;"
                    " replace it with a transform",
                )
        moments = [
            n for n, kind in frame.schema.items() if isinstance(kind, pl.Datetime)
        ]
        self.check_microseconds(frame, "MySQL")
        exact = self.nested_as_json(frame).with_columns(
            pl.col(moments).dt.cast_time_unit("us")
        )
        return encoded(exact).with_columns(pl.col(moments).str.strip_suffix("+00:00"))

    @override
    def literal(self, text: str) -> str:
        return f"'{text.removesuffix('+00:00')}'"

    @override
    def load(self, cursor: Any, table: str, frame: pl.DataFrame) -> None:
        places = ", ".join(["%s"] * frame.width)
        # PyMySQL makes one statement of many rows
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})", frame.rows())  # noqa: S608

    @override
    def read(
        self, cursor: Any, table: str, columns: Mapping[str, pl.DataType], rows: int
    ) -> Iterator[pl.DataFrame]:
        names = ", ".join(map(self.quote, columns))
        with streamed(cursor.connection) as stream:
            stream.execute(f"SELECT {names} FROM {table}")  # noqa: S608
            while fetched := stream.fetchmany(rows):
                values = zip(*fetched, strict=True)
                yield pl.DataFrame(
                    [
                        _decoded(name, value, dtype)
                        for (name, dtype), value in zip(
                            columns.items(), values, strict=True
                        )
                    ]
                )

    @override
    def upsert_sql(
        self, table: str, source: str, columns: Sequence[str], condition: str
    ) -> str:
        names = [self.quote(name) for name in columns]
        listed = ", ".join(names)
        values = ", ".join(f"{name} = VALUES({name})" for name in names)
        return (
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {source}"  # noqa: S608
            f" WHERE {condition} ON DUPLICATE KEY UPDATE {values}"
        )


def _by_bytes(collation: str | None) -> bool:
    return (collation or "").endswith(("nopad_bin", "0900_bin"))


def _decoded(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    column = pl.Series(name, values, strict=False)
    if is_json(dtype):
        frame = column.cast(pl.String).to_frame()
        return frame.select(from_json(pl.col(name), dtype).alias(name))[name]
    if isinstance(dtype, pl.Time):  # PyMySQL returns durations
        return column.cast(pl.Duration("ns")).cast(pl.Int64).cast(pl.Time)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        moments = column.cast(pl.Datetime(dtype.time_unit))
        return moments.dt.replace_time_zone("UTC").cast(dtype)
    return column.cast(dtype)
