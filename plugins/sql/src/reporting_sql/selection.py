"""Tables that the settings ``tables`` and ``exclude`` select."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from reporting_framework import SettingsError
from reporting_sql.connections import Connection
from reporting_sql.database import Database, Listed
from reporting_sql.settings import SqlTableSettings, is_pattern

_STREAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

SHOWN = 20
"""Names that a message shows at most."""


class Selection(NamedTuple):
    """Tables that are read, and those that are left out.

    Attributes:
        names: Names of the tables that are read.
        left_out: Reasons by the names of tables that a pattern matches.
    """

    names: list[str]
    left_out: dict[str, str]


def select(
    database: Database,
    connection: Connection,
    settings: SqlTableSettings,
    subject: str,
) -> Selection:
    """Return the tables that names and patterns of the setting ``tables`` select.

    ``*`` matches the tables of the default schema, ``SCHEMA.*`` those of a schema. A
    pattern matches no view, and leaves out a table that cannot be read.

    Raises:
        SettingsError: A name or a pattern selects no table, a table that is named has a
            name that a stream cannot have, or all tables are left out.
    """
    known = database.tables(connection)
    names: dict[str, None] = {}
    left_out: dict[str, str] = {}
    for pattern in settings.tables:
        found = list(_matching(pattern, known))
        if not found:
            raise SettingsError(
                f"{subject}: tables: {pattern} selects no table; there are"
                f" {shown(known)}"
            )
        for table in found:
            if not is_pattern(pattern):
                names[table.name] = None
            elif any(_matches(each, table.name) for each in settings.exclude):
                continue
            elif reason := _reason(database, connection, settings, table):
                left_out[table.name] = reason
            else:
                names[table.name] = None
    for name in names:
        left_out.pop(name, None)
        if not _STREAM.fullmatch(name):
            raise SettingsError(
                f"{subject}: tables: a stream cannot be named {name}; read this table"
                " in a report of its own, with the setting table"
            )
    if not names:
        reasons = [f"{name} ({reason})" for name, reason in left_out.items()]
        listed = f": {', '.join(reasons[:SHOWN])}" if reasons else ""
        raise SettingsError(
            f"{subject}: tables: all tables are left out{listed}; name one, or change"
            " exclude"
        )
    return Selection(list(names), left_out)


def shown(tables: Sequence[Listed]) -> str:
    """Return the names of some tables for a message."""
    return ", ".join(table.name for table in tables[:SHOWN]) or "none"


def _matching(pattern: str, known: Sequence[Listed]) -> Iterator[Listed]:
    for table in known:
        if _matches(pattern, table.name) and (table.is_base or not is_pattern(pattern)):
            yield table


def _matches(pattern: str, name: str) -> bool:
    if not is_pattern(pattern):
        return name == pattern
    return pattern.count(".") == name.count(".") and fnmatchcase(name, pattern)


def _reason(
    database: Database,
    connection: Connection,
    settings: SqlTableSettings,
    table: Listed,
) -> str:
    """Return why a pattern leaves a table out; empty if it does not."""
    if not _STREAM.fullmatch(table.name):
        return "a stream cannot have this name"
    if table.has_key:
        return ""
    if not settings.primary_key:
        return "no primary key"
    relation = database.relation(connection, table.name)
    columns = [] if relation is None else database.columns(connection, relation)
    missing = set(settings.primary_key).difference(column.name for column in columns)
    return f"no primary key, and no column {min(missing)}" if missing else ""
