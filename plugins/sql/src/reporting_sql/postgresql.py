"""PostgreSQL, through ADBC."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_sql.arrow import read_frame
from reporting_sql.columns import SAME, Column
from reporting_sql.connections import Connection, run
from reporting_sql.database import ALIAS, Database, Keys, Listed, Relation, indexes_of
from reporting_sql.dialects.table_names import check_lasting
from reporting_sql.postgresql_types import column_of

_ELEMENT = re.compile(r'<xsd:element name="([^"]*)" type="[^"]*" nillable=')
_ESCAPED = re.compile(r"_x([0-9A-F]{4,8})_")
"""Columns of a query in its XML schema, and characters of their names."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_GONE = ("22023", "42704", "55000")
"""SQLSTATE of a snapshot that no longer exists, or whose transaction is just ending."""


class PostgreSql(Database):
    """PostgreSQL: several connections read one snapshot."""

    shares_snapshots: ClassVar[bool] = True

    @override
    def frame(
        self,
        connection: Connection,
        query: str,
        rows: int = 0,
        *,
        coded: bool = False,
    ) -> pl.DataFrame:
        # An error in the middle of COPY has no SQLSTATE.
        options = {"adbc.postgresql.use_copy": "false"} if coded else None
        return read_frame(connection, query, options)

    # -- snapshots ---------------------------------------------------------------------

    @override
    def begin(self, connection: Connection) -> Any:
        run(connection, _BEGIN)
        return self.frame(connection, "SELECT pg_export_snapshot()").item()

    @override
    def join(self, connection: Connection, token: Any) -> bool:
        run(connection, _BEGIN)
        try:
            run(connection, f"SET TRANSACTION SNAPSHOT {self.text(str(token))}")
        except Exception as error:
            if getattr(error, "sqlstate", None) not in _GONE:
                raise
            run(connection, "ROLLBACK")
            run(connection, _BEGIN)
            return False
        return True

    # -- SQL ---------------------------------------------------------------------------

    @override
    def literal(self, value: Any) -> str:
        # A literal in quotes has the type of what it is compared with.
        text = super().literal(value)
        return text if text.startswith("'") else f"'{text}'"

    @override
    def text(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    @override
    def binary(self, value: bytes) -> str:
        return f"'\\x{value.hex()}'"

    # -- catalogue ---------------------------------------------------------------------

    @override
    def relation(self, connection: Connection, name: str) -> Relation | None:
        schema, _, table = name.rpartition(".")
        check_lasting(schema, f"table {name}")
        full = ".".join(map(self.quote, [schema, table] if schema else [table]))
        found = self.frame(
            connection,
            f"SELECT to_regclass({self.text(full)})::oid::int8",
        ).item()
        return None if found is None else Relation(name, full, found)

    @override
    def tables(self, connection: Connection) -> list[Listed]:
        rows = self.frame(
            connection,
            "SELECT n.nspname::text AS schema, c.relname::text AS name,"
            " n.nspname = current_schema() AS usual,"
            " c.relkind IN ('r', 'p', 'f') AS is_base,"
            " EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid"
            "  AND i.indisprimary AND i.indisvalid AND i.indimmediate) AS has_key"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
            " AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
            " AND has_table_privilege(c.oid, 'SELECT')"
            " ORDER BY 1, 2",
        )
        return [
            Listed(name if usual else f"{schema}.{name}", is_base, has_key)
            for schema, name, usual, is_base, has_key in rows.rows()
        ]

    @override
    def columns(self, connection: Connection, relation: Relation) -> list[Column]:
        listed = (
            self._of_query(connection, relation)
            if relation.id is None
            else _ATTRIBUTES.format(table=relation.id)
        )
        rows = self.frame(connection, _TYPES.format(listed=listed))
        return [column_of(**row) for row in rows.iter_rows(named=True)]

    def _of_query(self, connection: Connection, relation: Relation) -> str:
        """Return the columns of a query as SQL; the query returns no rows."""
        query = f"SELECT * FROM {relation.sql}"  # noqa: S608
        schema = self.frame(
            connection,
            f"SELECT query_to_xmlschema({self.text(query)}, true, false, '')::text",
            coded=True,
        ).item()
        names = [_ESCAPED.sub(_unescaped, name) for name in _ELEMENT.findall(schema)]
        types = [f"pg_typeof({ALIAS}.{self.quote(name)})::oid" for name in names]
        return (
            "SELECT u.number::int4 AS number, u.name, u.type, -1 AS modifier"  # noqa: S608
            f" FROM (SELECT ARRAY[{', '.join(types)}] AS types FROM (SELECT 1) AS one"
            f" LEFT JOIN {relation.sql} ON false) AS listed, unnest(listed.types,"
            f" ARRAY[{', '.join(map(self.text, names))}])"
            " WITH ORDINALITY AS u(type, name, number)"
        )

    @override
    def keys_of_table(self, connection: Connection, relation: Relation) -> Keys:
        rows = self.frame(connection, _INDEXES.format(table=relation.id)).rows()
        indexes = indexes_of(
            (index, name, SAME if collation is None else f"{SAME} COLLATE {collation}")
            for index, _, name, collation, _ in rows
        )
        primary = [name for _, is_primary, name, *_ in rows if is_primary]
        # an index does not cover the rows of tables that inherit from its own
        whole = not any(is_inherited for *_, is_inherited in rows)
        return Keys(primary, list(indexes.values()) if whole else [], complete=whole)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


_ATTRIBUTES = """
SELECT attnum::int4 AS number, attname::text AS name, atttypid AS type,
    atttypmod AS modifier
FROM pg_attribute WHERE attrelid = {table} AND attnum > 0 AND NOT attisdropped
"""

_INDEXES = """
WITH listed AS (
    SELECT i.indexrelid::int8 AS index, i.indisprimary AS is_primary, k.position,
        a.attname::text AS name,
        CASE WHEN k.coll <> a.attcollation THEN (
            SELECT quote_ident(n.nspname) || '.' || quote_ident(o.collname)
            FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
            WHERE o.oid = k.coll) END AS coll,
        c.opcintype = 'text'::regtype AND b.typnamespace <> 'pg_catalog'::regnamespace
            AS as_text
    FROM pg_index i
    CROSS JOIN unnest(i.indkey::int2[], i.indcollation::oid[], i.indclass::oid[])
        WITH ORDINALITY AS k(number, coll, class, position)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_opclass c ON c.oid = k.class
    WHERE i.indrelid = {table} AND k.position <= i.indnkeyatts AND i.indisunique
        AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
        AND i.indexprs IS NULL
)
SELECT index, is_primary, name, coll, EXISTS (
    SELECT 1 FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
    WHERE p.oid = {table} AND p.relkind = 'r') AS is_inherited
FROM listed
WHERE index NOT IN (SELECT index FROM listed WHERE as_text) ORDER BY index, position
"""
"""Columns of unique indexes, and their collations if they are not those of the columns.

An index that compares values of another type, such as ``citext``, as texts is left out:
two of its keys may be equal.
"""

_TYPES = """
WITH RECURSIVE listed AS ({listed}),
resolved AS (
    SELECT l.number, l.name, l.type, l.type AS base, l.modifier FROM listed l
    UNION ALL
    SELECT r.number, r.name, r.type, t.typbasetype, t.typtypmod
    FROM resolved r JOIN pg_type t ON t.oid = r.base WHERE t.typtype = 'd'
)
SELECT r.name, format_type(l.type, l.modifier) AS declared, b.typname::text AS base,
    b.typtype::text AS kind, b.typcategory::text AS category, r.modifier,
    CASE WHEN b.typcategory = 'A' THEN e.typname::text END AS element,
    CASE WHEN b.typcategory = 'A' THEN e.typtype::text END AS element_kind,
    NOT pg_type_is_visible(b.oid) AS is_hidden
FROM resolved r
JOIN listed l ON l.number = r.number
JOIN pg_type b ON b.oid = r.base AND b.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = b.typelem
ORDER BY r.number
"""
