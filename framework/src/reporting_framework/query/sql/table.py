"""A report's table for SQL: its names and its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework.errors import ObjectMissing
from reporting_framework.execution.plugin_building import place_of
from reporting_framework.execution.plugin_errors import call, owner_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.sink import ParquetFile, Sink
from reporting_framework.query.run_query import readable_of
from reporting_framework.query.sql.files import names
from reporting_framework.query.sql.views import select
from reporting_framework.storage import ParquetSnapshot, open_store
from reporting_framework.storage.temporary import naming, temporary_folder

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec, Report
    from reporting_framework.registry.registry import Registry


class Table(NamedTuple):
    """A table that SQL can query.

    Attributes:
        names: Its names in SQL.
        files: Files that hold its rows.
        rows: Its rows, as SQL on the names of these files.
        spill: A folder for data that does not fit in memory.
    """

    names: Sequence[str]
    files: Sequence[ParquetFile]
    rows: str
    spill: Path


def table_names(report: Report) -> list[str]:
    """Return the names of a report's table.

    They are the report's attribute `table`, and its name with underscores.
    """
    own = re.sub(r"\W", "_", report.name, flags=re.ASCII)
    table = report.table
    return list(dict.fromkeys([*([table] if isinstance(table, str) else table), own]))


@contextmanager
def opened(
    report: Report, composition: PipelineSpec, registry: Registry
) -> Iterator[Table]:
    """Open the table of the first sink of a report that can be read.

    Its files are pinned to their current versions.

    Raises:
        PluginError: None of the report's sinks can be read, or a plugin is unknown,
            broken or blocked.
        ObjectMissing: The table is still empty.
        ReportingError: As for `Sink.parquet_files`, `Sink.scan` or
            `pipeline.assemble`.
    """
    with ExitStack() as stack:
        sink, pipeline = readable_of(report.name, composition, registry)
        # The folder holds records: only its owner can read it, and it is removed even
        # after an error.
        folder = stack.enter_context(temporary_folder("sql"))
        files: Sequence[ParquetFile] = (
            sink.parquet_files() if supports(sink, "parquet_files") else ()
        )
        for file in files:
            stack.callback(file.close)
        rows = (
            call(owner_of(sink), select, files, names(len(files)), pipeline.schema)
            if files
            else None
        )
        if rows is None:
            copy = call(owner_of(sink), _copy, sink, folder)
            if copy is None:
                place = place_of(composition, sink.name)
                raise ObjectMissing(
                    f"report {report.name}: sink {sink.name} holds nothing yet{place};"
                    " run the report first"
                )
            stack.callback(copy.close)
            files, rows = [copy], f"SELECT * FROM read_parquet(['{names(1)[0]}'])"
        spill = folder / "spill"
        spill.mkdir()
        yield Table(table_names(report), files, rows, spill)


def _copy(sink: Sink, folder: Path) -> ParquetSnapshot | None:
    """Return a sink's rows as one parquet file, written as a stream.

    DuckDB would hold a whole lazy frame in memory.
    """
    rows = sink.scan()
    if rows is None:
        return None
    path = folder / "rows.parquet"
    with naming(path):
        rows.sink_parquet(path, compression="lz4", statistics=True)
    content = open_store(str(folder)).pin(path.name)
    assert content is not None  # noqa: S101 - it has just been written
    return ParquetSnapshot(str(path), pl.Schema(pl.read_parquet_schema(path)), content)
