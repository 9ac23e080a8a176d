"""Tables of a source: columns, keys, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework import SettingsError, TableInfo
from reporting_sql.columns import SAME, Column
from reporting_sql.connections import Connection
from reporting_sql.database import ALIAS, Database, Keys, Relation
from reporting_sql.selection import shown
from reporting_sql.settings import SqlTableSettings

QUERY = "query"
"""Name of a query in source keys."""


class Described(NamedTuple):
    """Table with its columns.

    Attributes:
        relation: The table, view or query.
        columns: Columns that are read, by name.
        info: What the framework must know.
    """

    relation: Relation
    columns: dict[str, Column]
    info: TableInfo


def describe(
    database: Database,
    connection: Connection,
    settings: SqlTableSettings,
    name: str | None,
    subject: str,
) -> Described:
    """Return a table with the columns that are read.

    Args:
        database: The database.
        connection: Connection for the catalogue.
        settings: Settings of the source.
        name: Name of the table, `None` for the query.
        subject: Subject of messages.

    Raises:
        SettingsError: There is no such table or column; a column's type cannot be kept;
            the key is missing, null or not unique.
    """
    relation = _relation(database, connection, settings, name, subject)
    subject = f"{subject}: {'table ' if name else ''}{relation.name}"
    known = {column.name: column for column in database.columns(connection, relation)}
    if not known:
        raise SettingsError(f"{subject}: no columns can be seen; grant SELECT")
    keys = database.keys(connection, relation)
    key = settings.primary_key or keys.primary
    if not key:
        raise SettingsError(
            f"{subject}: it has no primary key; name its columns in primary_key"
        )
    cursor = settings.cursor
    if cursor is not None and cursor not in known and settings.tables:
        cursor = None
    wanted = [*key, *([cursor] if cursor else []), *settings.columns]
    for missing in wanted:
        if missing not in known:
            fix = "; leave it out with exclude" if settings.tables else ""
            raise SettingsError(
                f"{subject}: there is no column {missing}; there are"
                f" {', '.join(known)}{fix}"
            )
    columns = {
        column.name: column
        for column in known.values()
        if not settings.columns or column.name in wanted
    }
    for column in columns.values():
        _check_kept(column, subject)
    ordered = [columns[name] for name in dict.fromkeys([*key, *filter(None, [cursor])])]
    for column in database.ordered(connection, relation, ordered):
        columns[column.name] = column
    columns |= _compared([columns[each] for each in key], keys)
    _check_key(database, connection, relation, [columns[each] for each in key], keys)
    schema = pl.Schema({each.name: each.dtype for each in columns.values()})
    return Described(relation, columns, TableInfo(relation.name, key, schema, cursor))


def _relation(
    database: Database,
    connection: Connection,
    settings: SqlTableSettings,
    name: str | None,
    subject: str,
) -> Relation:
    if name is None:
        query = str(settings.query).strip().rstrip(";")
        return Relation(QUERY, f"(\n{query}\n) AS {ALIAS}")
    relation = database.relation(connection, name)
    if relation is None:
        known = database.tables(connection)
        raise SettingsError(
            f"{subject}: there is no table {name}; there are {shown(known)}"
        )
    return relation


def _check_kept(column: Column, subject: str) -> None:
    if isinstance(column.dtype, pl.Null):
        raise SettingsError(
            f"{subject}: column {column.name} is {column.declared}, whose values cannot"
            " be kept; leave it out with columns, or cast it to text in query"
        )


def _compared(key: Sequence[Column], keys: Keys) -> dict[str, Column]:
    """Return the columns of the key, compared as a unique index compares them.

    By the collation of the index, no two keys are equal; by that of the column, two may
    be, and a page that ends with one of them would leave the other one out.
    """
    names = {column.name for column in key}
    fitting = [index for index in keys.unique if index.keys() <= names]
    index = min(fitting, key=lambda each: set(each.values()) != {SAME}, default={})
    return {
        column.name: column._replace(compared=compared)
        for column in key
        if (compared := index.get(column.name, SAME)) != column.compared == SAME
    }


def _check_key(
    database: Database,
    connection: Connection,
    relation: Relation,
    key: Sequence[Column],
    keys: Keys,
) -> None:
    """Check that a key without a unique index identifies each row.

    Raises:
        SettingsError: Two rows have one key, or a row has none.
    """
    names = ", ".join(column.name for column in key)
    quoted = [database.quote(column.name) for column in key]
    compared = [
        column.compared.format(name) for column, name in zip(key, quoted, strict=True)
    ]
    where = f"table {relation.name}: primary_key {names}"
    if not any(
        index.keys() <= {column.name for column in key} for index in keys.unique
    ):
        groups = (
            f"SELECT 1 FROM {relation.sql} GROUP BY {', '.join(compared)}"  # noqa: S608
            " HAVING count(*) > 1 LIMIT 1"
        )
        if database.frame(connection, groups).height:
            raise SettingsError(
                f"{where}: two rows have the same values; name more columns"
            )
    complete = keys.complete and [column.name for column in key] == keys.primary
    conditions = [
        rule.format(name)
        for name, column in zip(quoted, key, strict=True)
        for rule in (
            [column.unordered]
            if complete
            else ["{0} IS NULL", column.fault, column.unordered]
        )
        if rule
    ]
    if not conditions:
        return
    query = f"SELECT 1 FROM {relation.sql} WHERE {' OR '.join(conditions)} LIMIT 1"  # noqa: S608
    if database.frame(connection, query).height:
        raise wrong_value(where)


def wrong_value(where: str) -> SettingsError:
    """Return the error of a key or a cursor with a value that cannot be ordered."""
    return SettingsError(
        f"{where}: a row has a value that is null, or not of the column's type; correct"
        " it, or leave the row out with query"
    )
