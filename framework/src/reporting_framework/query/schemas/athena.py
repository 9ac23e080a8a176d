"""The statement that creates a report's table in Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_framework.query.schemas.hive import hive_columns, location_of, table_name

if TYPE_CHECKING:
    from reporting_framework.query.schemas.table import Table

_NOTE = (
    "-- All parquet files below LOCATION are one table; names that begin with an"
    " underscore or a dot, such as _quarantine/, are\n"
    "-- skipped. Columns that name the files are in the files, so there are no"
    " partitions."
)


def athena_ddl(
    table: Table,
    *,
    name: str | None = None,
    database: str | None = None,
    location: str | None = None,
) -> str:
    """Return a statement ``CREATE EXTERNAL TABLE IF NOT EXISTS …``.

    Args:
        table: The table.
        name: Its name in Athena; by default the report's, with underscores.
        database: Its database; by default the one that the statement runs in.
        location: A folder in S3 to use instead of the table's own.

    Raises:
        ReportingError: As for `hive.hive_columns`, `hive.location_of` and
            `hive.table_name`.
    """
    whole = ".".join(
        _quoted(table_name(part, part))
        for part in (database, table_name(table.report, name))
        if part
    )
    lines = [
        f"  {_quoted(column)} {kind}"
        + (f" COMMENT {_text(comment)}" if comment else "")
        for column, kind, comment in hive_columns(table)
    ]
    return "\n".join(
        [
            _NOTE,
            f"CREATE EXTERNAL TABLE IF NOT EXISTS {whole} (",
            ",\n".join(lines),
            ")",
            "STORED AS PARQUET",
            f"LOCATION {_text(location_of(table, location))}",
        ]
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _text(text: str) -> str:
    """Return a Hive literal, in which a backslash escapes."""
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
