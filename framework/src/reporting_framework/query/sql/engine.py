"""DuckDB in memory, isolated from network, extensions and unnamed files."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework._text.install_command import install_command
from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from fsspec import AbstractFileSystem

NEEDED = ("duckdb", "fsspec")

_DATEDIFF = """
CREATE MACRO datediff("end", "start")
    AS date_diff('day', CAST("start" AS DATE), CAST("end" AS DATE)),
    (part, "start", "end") AS date_diff(part, "start", "end")
"""
"""Days between two dates or times, as in Spark, Hive and MySQL; with three arguments,
DuckDB's own function.
"""

_SHUT: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    # a name in the SQL is a table, never a Python variable
    "python_enable_replacements": False,
}


def check_installed(needed: Sequence[str] = NEEDED) -> None:
    """Check that the extra ``sql`` is installed.

    Raises:
        SettingsError: A part of it is missing.
    """
    for name in needed:
        if importlib.util.find_spec(name) is None:
            raise SettingsError(
                f"reporting sql needs {name}, which is not installed:"
                f" {install_command('sql')}"
            )


@contextmanager
def engine(
    views: Sequence[str],
    *,
    files: AbstractFileSystem | None = None,
    paths: Sequence[str] = (),
    spill: Path | None = None,
) -> Iterator[DuckDBPyConnection]:
    """Open a database in memory with these views and no other access.

    Args:
        views: Statements that create the views; they run before access is closed.
        files: File system that reads the views' files.
        paths: Paths that may be opened afterwards: names of those files, and files to
            write an answer to.
        spill: Folder for data that does not fit in memory; None: the data must fit.
    """
    import duckdb

    connection = duckdb.connect(config=_SHUT)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET errors_as_json = true")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET parquet_metadata_cache = true")
        connection.execute(f"SET temp_directory = {literal(str(spill or ''))}")
        if files is not None:
            connection.register_filesystem(files)
        for view in (_DATEDIFF, *views):
            connection.execute(view)
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def literal(text: str) -> str:
    """Return the text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return the name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
