"""PostgreSQL: rows are loaded with COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl
from typing_extensions import override

from reporting_sql.connections import connect
from reporting_sql.dialects import postgresql_types as types
from reporting_sql.dialects.arrow_cursor import ArrowConnection, ArrowCursor
from reporting_sql.dialects.dialect import Dialect
from reporting_sql.dialects.json_values import from_json, is_json, parts_of
from reporting_sql.dialects.table_names import check_lasting, quoted_name
from reporting_sql.errors import code_of

_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation <> t.typcollation THEN
        ' COLLATE "' || (SELECT collname FROM pg_collation WHERE oid = a.attcollation)
        || '"' ELSE '' END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(?)::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_BAD_TEXT = "22021"
"""SQLSTATE of a text with bytes that the encoding of the database does not have."""


class PostgresDialect(Dialect):
    """SQL and types of PostgreSQL."""

    placeholder = "$"
    key_type = 'text COLLATE "C"'
    row_order = "ctid"
    max_name_bytes = 63

    @override
    def connect(self, *, write: bool) -> ArrowConnection:
        return ArrowConnection(connect(self.url, self.limits, read_only=False))

    @override
    def columns(self, cursor: ArrowCursor, table: str) -> Mapping[str, str]:
        name = quoted_name(*self.split(table))
        cursor.execute(_COLUMNS.replace("?", "$1"), (name,))
        return dict(cursor.fetchall())

    @override
    def split(self, table: str) -> tuple[str, ...]:
        parts = super().split(table)
        for schema in parts[:-1]:
            check_lasting(schema, f"{self.subject}: table")
        return parts

    @override
    def sql_type(self, dtype: pl.DataType) -> str | None:
        return types.sql_type(dtype)

    @override
    def staged_type(self, dtype: pl.DataType) -> str | None:
        return types.staged_type(dtype)

    @override
    def accepts(self, found: str, needed: str, dtype: pl.DataType) -> bool:
        return types.accepts(found, needed, dtype)

    @override
    def cast(self, column: str, kind: str) -> str:
        if kind.startswith("character"):  # a cast would cut a longer text silently
            return f'{column} COLLATE "default"'
        if kind in ("text", "character varying"):
            return f'CAST({column} AS {kind}) COLLATE "default"'
        return f"CAST({column} AS {kind})"

    @override
    def size(self, cursor: ArrowCursor, table: str) -> int:
        cursor.execute("SELECT pg_total_relation_size(to_regclass($1))", (table,))
        return int(cursor.fetchall()[0][0] or 0)

    @override
    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        self.check_microseconds(frame, "PostgreSQL")
        self._check_texts(
            frame.select(n for n, dtype in frame.schema.items() if is_json(dtype))
        )
        native = [n for n, dtype in frame.schema.items() if types.is_array(dtype)]
        return self.nested_as_json(frame, native).with_columns(
            pl.col(name).cast(kind)
            for name, dtype in frame.schema.items()
            if (kind := types.arrow_type(dtype)) is not None
        )

    @override
    def load(self, cursor: ArrowCursor, table: str, frame: pl.DataFrame) -> None:
        try:
            cursor.ingest(table, frame)
        except Exception as error:
            if code_of(error) == _BAD_TEXT:
                self._check_texts(frame)
            raise

    def _check_texts(self, frame: pl.DataFrame) -> None:
        """Check that PostgreSQL can keep all texts, also those in lists and structs.

        Raises:
            SettingsError: A text of a column has the character NUL.
        """
        for column in frame:
            for part in parts_of(column):
                if part.dtype == pl.String and part.str.contains("\\x00").any():
                    raise self.refuse(
                        column.name,
                        "PostgreSQL cannot keep a text with the character NUL; remove"
                        " it with a transform",
                    )

    @override
    def read(
        self,
        cursor: ArrowCursor,
        table: str,
        columns: Mapping[str, pl.DataType],
        rows: int,
    ) -> Iterator[pl.DataFrame]:
        values = ", ".join(
            f"{self.quote(name)}{'::text' if types.read_as_text(dtype) else ''}"
            f" AS {self.quote(name)}"
            for name, dtype in columns.items()
        )
        cursor.execute(f"SELECT {values} FROM {table}")  # noqa: S608
        for frame in cursor.frames(rows):
            yield frame.select(
                _read(pl.col(name), dtype).alias(name)
                for name, dtype in columns.items()
            )


def _read(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if types.is_json_type(dtype):
        return from_json(column, dtype)
    if isinstance(dtype, pl.Boolean | pl.String):
        return column
    return column.cast(dtype)
