"""Settings of the plugins for SQL databases."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from reporting_framework import SecretText, SettingsError, ShownError, TableSettings
from reporting_sql.connections import BUSY_SECONDS
from reporting_sql.urls import DatabaseUrl, parse_url


def url_field(description: str = "") -> SecretText:
    """Return the setting ``url``, which the source and the sink share."""
    field: SecretText = Field(
        description=(
            "The database: postgresql://USER:PASSWORD@HOST/DATABASE, mysql:// alike,"
            " sqlite:///FILE, or a secret: secret:ssm:/NAME, secret:aws:NAME or"
            f" secret:env:NAME{description}"
        )
    )
    return field


def is_pattern(name: str) -> bool:
    """Return whether a name of ``tables`` or ``exclude`` is a pattern."""
    return not set("*?[").isdisjoint(name)


def checked_url(url: SecretText) -> SecretText:
    """Return a URL whose form is checked, unless it is a reference.

    Raises:
        ShownError: It is not the URL of a known database.
    """
    if url.reference is None:
        try:
            parse_url(url.get_secret_value())
        except SettingsError as error:
            raise ShownError(str(error).removeprefix("url: ")) from None
    return url


def resolved_url(url: SecretText, subject: str) -> DatabaseUrl:
    """Return the URL of a setting; a reference is resolved.

    Raises:
        AccessDenied: The secret may not be read.
        SettingsError: There is no such secret, or it is not the URL of a database.
        StorageUnavailable: The secret's store did not answer.
    """
    return parse_url(url.resolve(), f"{subject}: setting url")


class SqlTableSettings(TableSettings):
    """Settings of the source ``sql-table``."""

    url: SecretText = url_field()
    table: str | None = Field(
        None, min_length=1, description="The table or view; SCHEMA.NAME, or NAME"
    )
    query: str | None = Field(
        None, min_length=1, description="SELECT statement whose rows are read"
    )
    tables: list[str] = Field(
        [],
        description=(
            "Several tables, each a stream: names, and patterns such as `*` and"
            " `SCHEMA.*`, which select no views"
        ),
    )
    exclude: list[str] = Field(
        [],
        description=(
            "Tables that the patterns of `tables` do not select: names and patterns"
        ),
    )
    primary_key: list[str] = Field(
        [],
        description=(
            "Columns that identify a row; unless set, the primary key of the table"
        ),
    )
    cursor: str | None = Field(
        None,
        description=(
            "Column that grows with each change of a row: a time, a date, an integer or"
            " an ISO 8601 text. Unless set, each run reads all rows"
        ),
    )
    columns: list[str] = Field(
        [],
        description="Columns to read, beside the key and the cursor; unless set, all",
    )
    partitions: int | None = Field(
        None,
        ge=1,
        le=64,
        description=(
            "How many parts of a table are read at once, each through a connection of"
            " its own (PostgreSQL); unless set, `parallelism`"
        ),
    )
    infer_deletes: bool = Field(
        False,
        description=(
            "Whether rows that a full scan does not find are deleted from the tables of"
            " the report"
        ),
    )
    lock_seconds: float = Field(
        BUSY_SECONDS, ge=0, le=86_400, description="How long to wait for a lock"
    )
    statement_seconds: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="Time limit of a query; unless set, that of the server",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, value: SecretText) -> SecretText:
        return checked_url(value)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [self.table is not None, self.query is not None, bool(self.tables)]
        if sum(given) != 1:
            raise ValueError("give one of table, query and tables")
        if self.query is not None and not self.primary_key:
            raise ValueError("a query has no key of its own; give primary_key")
        if self.exclude and not any(map(is_pattern, self.tables)):
            raise ValueError("exclude needs a pattern in tables, such as *")
        if self.lookback is not None and self.cursor is None:
            raise ValueError("lookback needs a cursor; give one, or leave lookback out")
        if self.partitions is not None and self.url.reference is None:
            dialect = parse_url(self.url.get_secret_value()).dialect
            if dialect != "postgresql":
                raise ValueError(
                    f"partitions is for PostgreSQL, not for {dialect}; leave it out"
                )
        return self
