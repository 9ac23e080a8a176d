"""Sink ``sql-table``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    MetadataLocation,
    Permission,
    ReportingError,
    SettingsError,
    TableSink,
    WriteMode,
)
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.tables.dialect import MOMENT
from reporting_framework.tables.session import session
from reporting_sql.connections import Limits
from reporting_sql.dialects import dialect_of
from reporting_sql.dialects.dialect import Dialect
from reporting_sql.settings import resolved_url
from reporting_sql.sink_errors import problem_of
from reporting_sql.sink_settings import SqlTableSinkSettings
from reporting_sql.urls import parse_url


class SqlTableSink(TableSink):
    """Sink of a table in PostgreSQL, SQLite, MySQL or MariaDB.

    Rows, source state and ledger are committed in one transaction. Each database's SQL
    is in its `Dialect`.
    """

    name: ClassVar[str] = "sql-table"
    Settings: ClassVar[type[SqlTableSinkSettings]] = SqlTableSinkSettings
    settings: SqlTableSinkSettings

    @cached_property
    def dialect(self) -> Dialect:
        """SQL of the database; a secret is resolved when it is first needed."""
        settings = self.settings
        url = resolved_url(settings.url, f"sink {self.name}")
        limits = Limits(settings.lock_seconds, settings.statement_seconds)
        return dialect_of(url, limits, self.subject)

    def _adopt(self) -> Dialect:
        dialect = self.dialect
        self.begin, self.placeholder = dialect.begin, dialect.placeholder
        self.key_type, self.load_rows = dialect.key_type, dialect.load_rows
        self.max_name_bytes = dialect.max_name_bytes
        self.ddl_commits = dialect.ddl_commits
        self.row_order = dialect.row_order
        return dialect

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self._adopt()
        super().open(schema, mode, primary_key)

    @classmethod
    @override
    def check_schema(
        cls, settings: Any, schema: pl.Schema, mode: WriteMode = "append"
    ) -> None:
        if settings.url.reference is None:  # else the database is not known
            sink = cls(settings)
            sink._adopt()
            sink._check_columns(schema, mode)

    @override
    def connect(self, *, write: bool) -> Any:
        connection = self.dialect.connect(write=write)
        self._adopt()
        return connection

    @property
    @override
    def location(self) -> str:
        reference = self.settings.url.reference
        if reference is None:
            shown = parse_url(self.settings.url.get_secret_value()).shown
        else:
            shown = reference.text
        return f"{shown}#{self.settings.table}"

    @classmethod
    def aws_permissions(cls, settings: SqlTableSinkSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`: those of the secret."""
        return settings.url.permissions()

    def metadata_location(self) -> MetadataLocation | None:
        """See `Sink.metadata_location`: the folder of a SQLite file."""
        if self.settings.url.reference is not None:
            return None
        url = parse_url(self.settings.url.get_secret_value())
        if url.dialect != "sqlite":
            return None
        name = f"{url.path.name}-{self.settings.table}"
        return MetadataLocation(str(url.path.parent), name)

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {"database": self._check_database}

    def _check_database(self) -> CheckResult:
        """Look at the table through a new connection."""
        with session(self) as database:
            found = self.columns(database.cursor, self.settings.table)
        what = f"a table of {len(found)} columns" if found else "no table yet"
        return CheckResult("ok", f"{self.location}: {what}")

    @override
    def size(self, cursor: Any) -> int:
        return self.dialect.size(cursor, self.quote_table(self.settings.table))

    @override
    def columns(self, cursor: Any, table: str) -> Mapping[str, str]:
        return self.dialect.columns(cursor, table)

    @override
    def sql_type(self, dtype: pl.DataType) -> str:
        kind = self.dialect.sql_type(dtype)
        if kind is None:
            raise SettingsError(
                f"{self.subject}: values of type {dtype} cannot be kept; convert them"
                " to a text or leave them out, with a transform"
            )
        return kind

    @override
    def column_type(self, name: str, dtype: pl.DataType) -> str:
        if name in self.settings.primary_key and dtype == pl.String:
            return self.dialect.part_type or self.key_type
        return super().column_type(name, dtype)

    @override
    def staged_type(self, name: str, dtype: pl.DataType) -> str:
        usual = self.column_type(name, dtype)
        if usual == self.key_type:
            return usual
        return self.dialect.staged_type(dtype) or usual

    @override
    def accepts(self, found: str, name: str, dtype: pl.DataType) -> bool:
        return self.dialect.accepts(found, self.column_type(name, dtype), dtype)

    @override
    def cast(self, name: str, kind: str) -> str:
        return self.dialect.cast(self.quote(name), kind)

    @override
    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self.dialect.encode(frame)

    @override
    def moment(self, at: datetime, dtype: pl.DataType = MOMENT) -> str:
        return self.dialect.literal(super().moment(at, dtype).strip("'"))

    @override
    def quote(self, name: str) -> str:
        return self.dialect.quote(name)

    @override
    def split(self, table: str) -> tuple[str, ...]:
        return self.dialect.split(table)

    @override
    def beside(self, name: str) -> str:
        return self.dialect.beside(self.settings.table, name)

    @override
    def load(self, cursor: Any, table: str, frame: pl.DataFrame) -> None:
        self.dialect.load(cursor, table, frame)

    @override
    def read(
        self, cursor: Any, table: str, columns: Mapping[str, pl.DataType], rows: int
    ) -> Iterator[pl.DataFrame]:
        return self.dialect.read(cursor, table, columns, rows)

    @override
    def upsert_sql(
        self, table: str, source: str, columns: Sequence[str], condition: str
    ) -> str:
        own = self.dialect.upsert_sql(table, source, columns, condition)
        return own or super().upsert_sql(table, source, columns, condition)

    @override
    def problem(self, error: Exception) -> ReportingError:
        return problem_of(self.subject, error) or super().problem(error)
