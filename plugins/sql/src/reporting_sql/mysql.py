"""MySQL and MariaDB, through PyMySQL.

Values are sent as texts, and polars converts them, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from typing_extensions import override

from reporting_sql.columns import SAME, Column
from reporting_sql.connections import Connection, prepared, run
from reporting_sql.database import Database, Keys, Listed, Relation, indexes_of
from reporting_sql.mysql_stream import streamed
from reporting_sql.mysql_types import column_of

FETCH_ROWS = 10_000
"""Rows that are fetched from the server at once."""


_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"


class MySql(Database):
    """MySQL or MariaDB: one connection reads a snapshot."""

    @override
    def open(self) -> Connection:
        connection = super().open()
        connection.decoders = {}  # values stay texts
        return prepared(connection, _ISOLATION)

    @override
    def frame(
        self,
        connection: Connection,
        query: str,
        rows: int = 0,
        *,
        coded: bool = False,
    ) -> pl.DataFrame:
        with streamed(connection) as cursor:
            cursor.execute(query)
            names = [column[0] for column in cursor.description]
            parts = []
            while chunk := cursor.fetchmany(FETCH_ROWS):
                columns = zip(names, zip(*chunk, strict=True), strict=True)
                parts.append(pl.DataFrame([_series(*column) for column in columns]))
        if not parts:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.Null))
        return pl.concat(parts, how="vertical_relaxed", rechunk=True)

    # -- snapshots ---------------------------------------------------------------------

    @override
    def begin(self, connection: Connection) -> Any:
        run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    # -- SQL ---------------------------------------------------------------------------

    @override
    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    @override
    def text(self, value: str) -> str:
        if value.isascii() and "\\" not in value and "'" not in value:
            return f"'{value}'"
        return f"_utf8mb4 X'{value.encode().hex()}'"

    # -- catalogue ---------------------------------------------------------------------

    @override
    def relation(self, connection: Connection, name: str) -> Relation | None:
        schema, _, table = name.rpartition(".")
        found = self.frame(
            connection,
            "SELECT table_schema, table_name FROM information_schema.tables"  # noqa: S608
            f" WHERE table_schema = {self.text(schema) if schema else 'DATABASE()'}"
            f" AND table_name = {self.text(table)}",
        )
        if not found.height:
            return None
        key = found.row(0)
        return Relation(name, ".".join(map(self.quote, key)), key)

    @override
    def tables(self, connection: Connection) -> list[Listed]:
        rows = self.frame(
            connection,
            "SELECT t.table_schema, t.table_name, t.table_schema = DATABASE(),"
            " t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED'),"
            " k.table_name IS NOT NULL FROM information_schema.tables AS t LEFT JOIN"
            " (SELECT DISTINCT table_schema, table_name FROM"
            " information_schema.statistics WHERE index_name = 'PRIMARY') AS k"
            " ON k.table_schema = t.table_schema AND k.table_name = t.table_name"
            " WHERE t.table_schema NOT IN"
            " ('information_schema', 'mysql', 'performance_schema', 'sys')"
            " ORDER BY 1, 2",
        )
        return [
            Listed(
                name if usual == "1" else f"{schema}.{name}",
                is_base == "1",
                has_key == "1",
            )
            for schema, name, usual, is_base, has_key in rows.rows()
        ]

    @override
    def columns(self, connection: Connection, relation: Relation) -> list[Column]:
        if relation.id is None:
            return self._of_query(connection, relation)
        rows = self.frame(
            connection,
            "SELECT column_name, data_type, column_type, numeric_precision,"  # noqa: S608
            " numeric_scale FROM information_schema.columns WHERE"
            f" {self._is(relation)} ORDER BY ordinal_position",
        )
        return [column_of(*row) for row in rows.rows()]

    def _of_query(self, connection: Connection, relation: Relation) -> list[Column]:
        """Return the columns of a query, from the types that the server sends."""
        from reporting_sql.mysql_types import sent_column

        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {relation.sql} LIMIT 0")  # noqa: S608
            fields = cursor._result.fields
        return [sent_column(field) for field in fields]

    @override
    def keys_of_table(self, connection: Connection, relation: Relation) -> Keys:
        rows = self.frame(
            connection,
            "SELECT index_name, column_name FROM information_schema.statistics WHERE"  # noqa: S608
            f" {self._is(relation)} AND non_unique = 0"
            " ORDER BY index_name, seq_in_index",
        )
        # what is unique by the beginning of a column is unique by the whole of it
        indexes = indexes_of((*row, SAME) for row in rows.rows())
        return Keys(list(indexes.get("PRIMARY", [])), list(indexes.values()))

    def _is(self, relation: Relation) -> str:
        schema, table = map(self.text, relation.id)
        return f"table_schema = {schema} AND table_name = {table}"


def _series(name: str, values: Sequence[Any]) -> pl.Series:
    """Return values that are all texts, or all bytes, as a series."""
    first = next((value for value in values if value is not None), None)
    dtype = pl.Binary() if isinstance(first, bytes) else pl.String()
    return pl.Series(name, values, pl.Null() if first is None else dtype)
