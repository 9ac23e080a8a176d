"""SQLite, through ADBC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from typing_extensions import override

from reporting_sql.arrow import read_frame
from reporting_sql.columns import SAME, Column
from reporting_sql.connections import Connection, run
from reporting_sql.database import Database, Keys, Listed, Relation, indexes_of
from reporting_sql.sqlite_types import NO_TYPE, column_of

_VIEW = "reporting_query"
"""Temporary view of a query, from which SQLite tells the types of its columns."""


class Sqlite(Database):
    """SQLite: one connection reads a snapshot."""

    @override
    def frame(
        self,
        connection: Connection,
        query: str,
        rows: int = 0,
        *,
        coded: bool = False,
    ) -> pl.DataFrame:
        # The driver takes the types of columns from the first batch of rows.
        batch = {"adbc.sqlite.query.batch_rows": str(max(rows, 10_000))}
        return read_frame(connection, query, batch)

    @override
    def begin(self, connection: Connection) -> Any:
        run(connection, "BEGIN")
        self.frame(connection, "SELECT count(*) FROM sqlite_schema")

    @override
    def text(self, value: str) -> str:
        if "\0" in value:
            return f"CAST({self.binary(value.encode())} AS TEXT)"
        return "'" + value.replace("'", "''") + "'"

    # -- catalogue ---------------------------------------------------------------------

    @override
    def relation(self, connection: Connection, name: str) -> Relation | None:
        return (
            Relation(name, self.quote(name), name)
            if any(name == table.name for table in self.tables(connection))
            else None
        )

    @override
    def tables(self, connection: Connection) -> list[Listed]:
        rows = self.frame(
            connection,
            "SELECT t.name, t.type = 'table', t.type = 'table' AND"
            " EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE pk > 0)"
            " FROM pragma_table_list AS t WHERE t.schema = 'main'"
            " AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name",
        )
        return [
            Listed(str(name), bool(is_base), bool(has_key))
            for name, is_base, has_key in rows.rows()
        ]

    @override
    def columns(self, connection: Connection, relation: Relation) -> list[Column]:
        if relation.id is not None:
            return self._columns(connection, "main", relation.id)
        view = self.quote(_VIEW)  # it is not in the file
        run(connection, f"CREATE TEMP VIEW {view} AS SELECT * FROM {relation.sql}")  # noqa: S608
        try:
            columns = self._columns(connection, "temp", _VIEW)
        finally:
            run(connection, f"DROP VIEW {view}")
        # A view says BLOB of a column without a type.
        return [
            column_of(column.name, None)
            if column.declared == "BLOB"
            and self._kinds(connection, relation, column.name) - {"blob"}
            else column
            for column in columns
        ]

    def _columns(self, connection: Connection, schema: str, table: str) -> list[Column]:
        rows = self.frame(
            connection,
            "SELECT name, type FROM"  # noqa: S608
            f" pragma_table_xinfo({self.text(table)}, {self.text(schema)})"
            " WHERE hidden IN (0, 2, 3) ORDER BY cid",
        )
        return [column_of(name, declared) for name, declared in rows.rows()]

    @override
    def ordered(
        self, connection: Connection, relation: Relation, columns: Sequence[Column]
    ) -> Sequence[Column]:
        return [
            column_of(column.name, "INTEGER")
            if column.declared == NO_TYPE
            and self._kinds(connection, relation, column.name) == {"integer"}
            else column
            for column in columns
        ]

    def _kinds(self, connection: Connection, relation: Relation, name: str) -> set[str]:
        """Return the types of a column's values."""
        column = self.quote(name)
        kinds = self.frame(
            connection,
            f"SELECT DISTINCT typeof({column}) AS kind FROM {relation.sql}"  # noqa: S608
            f" WHERE {column} IS NOT NULL",
        )
        return set(kinds["kind"])

    @override
    def keys_of_table(self, connection: Connection, relation: Relation) -> Keys:
        table = self.text(relation.id)
        primary = self.frame(
            connection,
            f"SELECT name FROM pragma_table_info({table}) WHERE pk > 0 ORDER BY pk",  # noqa: S608
        )
        names = primary["name"].to_list()
        indexed = self.frame(
            connection,
            f"SELECT name FROM pragma_index_list({table}) WHERE origin = 'pk'",  # noqa: S608
        )  # only a key that is the rowid needs no index, and is never null
        is_rowid = len(names) == 1 and indexed.is_empty()
        rows = self.frame(
            connection,
            'SELECT i.name AS "index", c.name AS "column", c.coll AS collation'  # noqa: S608
            f" FROM pragma_index_list({table}) AS i, pragma_index_xinfo(i.name) AS c"
            ' WHERE i."unique" AND NOT i.partial AND c.key',
        )
        indexes = indexes_of(
            (index, column, f"{SAME} COLLATE {self.quote(collation)}")
            for index, column, collation in rows.rows()
        )
        unique = [columns for columns in indexes.values() if None not in columns]
        if is_rowid:
            unique.append(dict.fromkeys(names, SAME))
        return Keys(names, unique, complete=is_rowid)
