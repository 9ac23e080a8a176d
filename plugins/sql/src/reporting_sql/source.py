"""Source ``sql-table``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    FAULTY,
    Permission,
    PlanStats,
    ReportingError,
    TableInfo,
    TableQuery,
    TableSource,
)
from reporting_framework.plugin_api.records import CheckResult
from reporting_sql.columns import fitted
from reporting_sql.database import ALIAS
from reporting_sql.databases import database_of
from reporting_sql.errors import is_database_error, problem_of
from reporting_sql.selection import select
from reporting_sql.sessions import Sessions
from reporting_sql.settings import SqlTableSettings, is_pattern, resolved_url
from reporting_sql.tables import Described, describe, wrong_value

_VALUE = "\0"
"""Place of a value in SQL, until its literal is inserted; no name holds it."""

_log = logging.getLogger(__name__)


@cache
def _warn(subject: str, name: str, reason: str) -> None:
    """Log once per process that a table is left out: each stream asks for all."""
    _log.warning(
        "%s: table %s is left out: %s; list it in exclude, or read it in a report of"
        " its own",
        subject,
        name,
        reason,
    )


class SqlTable(TableSource):
    """Rows of a table, of several tables or of a query.

    Each page is one query with the bounds of the page. All queries of a run read one
    snapshot: in PostgreSQL through several connections, in other databases through one.
    """

    name: ClassVar[str] = "sql-table"
    Settings: ClassVar[type[SqlTableSettings]] = SqlTableSettings

    @classmethod
    @override
    def aws_permissions(cls, settings: SqlTableSettings) -> Sequence[Permission]:
        return settings.url.permissions()

    @override
    def streams(self) -> Sequence[str]:
        if not self.settings.tables:
            return []
        subject = f"source {self.name}"
        try:
            names, left_out = self._sessions.run(
                lambda connection: select(
                    self._database, connection, self.settings, subject
                )
            )
        except Exception as error:
            if not is_database_error(error):
                raise
            raise self.problem(error) from error
        for name, reason in left_out.items():
            _warn(f"{subject}: {self._database.url.shown}", name, reason)
        return names

    @classmethod
    @override
    def declared_streams(cls, settings: SqlTableSettings) -> Sequence[str] | None:
        names = settings.tables
        return None if any(map(is_pattern, names)) else names

    @property
    @override
    def parallelism(self) -> int:
        if not self._database.shares_snapshots:
            return 1
        return int(self.settings.partitions or self.settings.parallelism)

    @override
    def table_info(self) -> TableInfo:
        return self._table.info

    @override
    def fetch(self, query: TableQuery) -> pl.DataFrame:
        columns = [self._table.columns[name] for name in query.columns]
        frame = self._sessions.frame(self._sql(query), query.limit, query.snapshot)
        frame = fitted(frame, columns)
        for name in query.order:  # what SQL cannot find, such as bytes that are no text
            if frame[name].null_count():
                info = self._table.info
                role = "primary_key" if name in info.primary_key else "cursor"
                raise wrong_value(f"table {info.name}: {role} {name}")
        return frame

    @override
    def open_snapshot(self) -> Any:
        return self._sessions.open_snapshot()

    @override
    def plan_stats(self) -> PlanStats:
        stats = super().plan_stats()
        return stats if self.settings.infer_deletes else stats._replace(snapshot=False)

    @override
    def problem(self, error: Exception) -> ReportingError:
        return problem_of(f"source {self.name}: {self._database.url.shown}", error)

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {"source": self._check_table}

    @override
    def source_uris(self) -> Sequence[str]:
        what = self.stream or self.settings.table or "query"
        return [f"{self._database.url.shown}#{what}"]

    @override
    def close(self) -> None:
        if "_sessions" in vars(self):
            self._sessions.close()
            del self._sessions

    # -- what is behind it -------------------------------------------------------------

    @cached_property
    def _database(self) -> Any:
        settings = self.settings
        url = resolved_url(settings.url, f"source {self.name}")
        return database_of(url, settings.lock_seconds, settings.statement_seconds)

    @cached_property
    def _sessions(self) -> Sessions:
        return Sessions(self._database)

    @cached_property
    def _table(self) -> Described:
        name = self.stream or self.settings.table
        subject = f"source {self.name}"
        return self._sessions.run(
            lambda connection: describe(
                self._database, connection, self.settings, name, subject
            )
        )

    def _check_table(self) -> CheckResult:
        """Check that the database answers, and that the table can be read."""
        try:
            columns, key = len(self.info.schema), ", ".join(self.info.primary_key)
            (uri,) = self.source_uris()
        finally:
            self.close()
        noun = "column" if columns == 1 else "columns"
        return CheckResult("ok", f"{uri}: {columns:,} {noun}, primary key {key}")

    def _sql(self, query: TableQuery) -> str:
        """Return a query as SQL of the database, with literals."""
        database, table = self._database, self._table

        def quoted(name: str) -> str:
            return f"{ALIAS}.{database.quote(name)}"

        def compared(name: str) -> str:
            return table.columns[name].compared.format(quoted(name))

        columns = [table.columns[name] for name in query.columns]
        parts = [
            f"{column.value.format(quoted(column.name))} AS"
            f" {database.quote(column.name)}"
            for column in columns
        ]
        faults = [
            f"WHEN {quoted(column.name)} IS NOT NULL AND"
            f" {column.fault.format(quoted(column.name))} THEN {number}"
            for number, column in enumerate(columns)
            if column.fault
        ]
        if faults:
            parts.append(f"CASE {' '.join(faults)} END AS {database.quote(FAULTY)}")
        where, values = query.where(quote=compared, placeholder=_VALUE)
        literals = iter([database.literal(value) for value in values])
        first, *others = where.split(_VALUE)
        where = first + "".join(next(literals) + other for other in others)
        for name in query.order:
            column = table.columns[name]
            for rule in filter(None, (column.fault, column.unordered)):
                where += f" AND NOT ({rule.format(quoted(name))})"
        text = (
            f"SELECT {', '.join(parts)} FROM {table.relation.sql}"  # noqa: S608
            f"{'' if table.relation.id is None else f' AS {ALIAS}'} WHERE {where}"
            f" ORDER BY {query.order_by(quote=compared)} LIMIT {int(query.limit)}"
        )
        return f"{text} OFFSET {int(query.offset)}" if query.offset else text
