"""DuckDB in memory, shut in.

There is no network, no extensions, and no files but those that are named.
"""

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
"""Days between two dates or moments as Spark, Hive and MySQL write it; with three
arguments it stays DuckDB's own.
"""

_SHUT: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    # a name in the SQL is a table, never a variable of ours
    "python_enable_replacements": False,
}


def check_installed(needed: Sequence[str] = NEEDED) -> None:
    """See that the extra ``sql`` is installed.

    Raises:
        SettingsError: It is not.
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
    """A database in memory with these views, in which nothing else can be reached.

    Args:
        views: Statements that make them; they are run before the door is shut.
        files: What reads the files that they are of.
        paths: What may be opened afterwards: names of those files, and files that an
            answer is written to.
        spill: Folder for what does not fit in memory; none: it has to fit.
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
    """The text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name as SQL."""
    return '"' + name.replace('"', '""') + '"'
