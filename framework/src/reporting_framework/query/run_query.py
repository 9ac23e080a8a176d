"""Queries of a report's table: the readable sink, the selected rows, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from reporting_framework.errors import ObjectMissing, PluginError, SettingsError
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.pipeline import close_source
from reporting_framework.execution.plugin_building import place_of, settings_of
from reporting_framework.execution.plugin_errors import Owner, call, owner_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.report import PluginRef
from reporting_framework.plugin_api.sink import Sink
from reporting_framework.query.filters import _EVERYTHING, RowFilter
from reporting_framework.query.schemas.table import described

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.query import Query
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.registry.registry import Registry


def readable_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> tuple[Sink, Pipeline]:
    """Return the first sink of a report that can be read, and the report's pipeline.

    The sink is open. An unfinished reset is logged.

    Raises:
        PluginError: None of the report's sinks can be read, or a plugin is unknown,
            broken or blocked.
        ReportingError: As for `pipeline.assemble`.
    """
    pipeline = assemble(report, composition, registry, columns="stored")
    close_source(pipeline)
    for sink, mode in zip(pipeline.sinks, pipeline.modes, strict=True):
        if supports(sink, "scan"):
            pipeline.open_sink(sink, mode)
            if composition.as_of is not None:
                call(owner_of(sink), sink.select_version, composition.as_of)
            if pipeline.metadata is not None:
                pipeline.metadata.warn_of_reset()
            return sink, pipeline
    raise _no_table(report, composition)


def planned_columns(
    report: str, composition: PipelineSpec, registry: Registry
) -> list[str]:
    """Return the columns that a report's table has or will have; open nothing.

    Raises:
        PluginError: None of the report's sinks can be read, or a plugin is unknown,
            broken or blocked.
        ReportingError: As for `schemas.table.described`.
    """
    sinks = [registry.find("sink", use.name) for use in composition.sinks]
    if not any(supports(sink, "scan") for sink in sinks):
        raise _no_table(report, composition)
    return [column.name for column in described(report, composition, registry).columns]


def _no_table(report: str, composition: PipelineSpec) -> PluginError:
    names = ", ".join(use.name for use in composition.sinks)
    return PluginError(
        f"report {report}: there is no table to query: none of its sinks can be read"
        f" ({names}); add a sink that can be read"
    )


def table_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> pl.LazyFrame:
    """Return the rows of the first sink of a report that can be read.

    Raises:
        PluginError: None of the report's sinks can be read, or a plugin is unknown,
            broken or blocked.
        ObjectMissing: The table is still empty.
        ReportingError: As for `Sink.scan` or `pipeline.assemble`.
    """
    return held(report, composition, registry)[-1]


def held(
    report: str, composition: PipelineSpec, registry: Registry
) -> tuple[Sink, Pipeline, pl.LazyFrame]:
    """Return the first sink that can be read, the pipeline, and the sink's rows.

    Raises:
        ReportingError: As for `table_of`.
    """
    sink, pipeline = readable_of(report, composition, registry)
    rows = sink.scan()
    if rows is None:
        place = place_of(composition, sink.name)
        raise ObjectMissing(
            f"report {report}: sink {sink.name} holds nothing yet{place}; run the"
            " report first"
        )
    return sink, pipeline, rows


def run_query(
    report: str,
    query: type[Query],
    options: Mapping[str, Any],
    composition: PipelineSpec,
    registry: Registry,
    selection: RowFilter = _EVERYTHING,
) -> pl.DataFrame:
    """Run a query on a report's table as it is now, and return the answer.

    Args:
        report: Name of the report.
        query: The query.
        options: The query's settings.
        composition: The report's composition.
        registry: The plugins.
        selection: Filter of the rows.

    Raises:
        ReportingError: As for `table_of` and `answer`; or the query does not accept the
            settings.
    """
    settings = settings_of(report, "query", PluginRef(query.name, options), query)
    query_plugin = call(Owner(report, "query", query.name), query, settings)
    return answer(
        report, query_plugin, table_of(report, composition, registry), selection
    )


def answer(
    report: str, query: Query, rows: pl.LazyFrame, selection: RowFilter = _EVERYTHING
) -> pl.DataFrame:
    """Run a query on the selected rows, and return the answer.

    Args:
        report: Name of the report, for messages.
        query: The query.
        rows: The report's table; only the needed columns and rows are read.
        selection: Filter of the rows.

    Raises:
        SettingsError: A requested column does not exist, or its type does not fit.
        StepFailed: The query, or reading, raised an error of its own.
    """

    def collect() -> pl.DataFrame:
        columns = rows.collect_schema().names()
        if missing := sorted(query.required_columns - set(columns)):
            raise SettingsError(
                f"report {report}: query {query.name} needs column"
                f" {', '.join(missing)}; there are {', '.join(columns)}"
            )
        return query.run(selection.of(rows)).collect()

    return call(Owner(report, "query", query.name), collect)
