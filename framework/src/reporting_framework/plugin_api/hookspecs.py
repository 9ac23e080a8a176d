"""All hooks.

Each docstring is the author's manual: when the hook is called, its arguments, and what
an implementation may do.

A plugin is a module named by an entry point in the group ``reporting_framework``; its
functions marked with `reporting_framework.hookimpl` implement these hooks. A function
takes any subset of the arguments, by name.

The module says which version of this API it was written for::

    REPORTING_API = 1

Write the number, not `reporting_framework.API_VERSION`, which is always that of the
installed framework. A module without the number was written for version 1. The versions
are compared before any hook is looked up. A plugin for another version is not loaded;
``reporting plugins`` lists it as *broken*, with both versions and the distribution to
upgrade. The module is imported to read its version, so its top-level imports should be
few, and names that exist in every version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.markers import hookspec

if TYPE_CHECKING:
    import click
    import polars as pl

    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.markers import LazyPlugin
    from reporting_framework.plugin_api.observer import ColumnSource, ObserverContext
    from reporting_framework.plugin_api.page import Page
    from reporting_framework.plugin_api.query import Query
    from reporting_framework.plugin_api.records import Rejection, Split, SplitResult
    from reporting_framework.plugin_api.report import Report
    from reporting_framework.plugin_api.result import RunResult, Step
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import Validator


# -- registration: called once for each plugin when plugins are loaded -----------------


@hookspec
def reporting_sources() -> Sequence[type[Source] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the sources of the plugin.

    Called when plugins are loaded, before any setting is known. Return classes that
    have a `name`, or `LazyPlugin` stand-ins for them, which keep ``reporting-run
    --help`` fast. If another plugin already has a name, the error names both
    distributions. An exception makes the plugin *broken*: it is listed with the cause,
    and only reports that need the plugin fail.

    Example::

        @hookimpl
        def reporting_sources():
            return [
                LazyPlugin(
                    "ftp-csv", "my_plugin.source:FtpCsv", "CSV files from an FTP server"
                )
            ]
    """


@hookspec
def reporting_validators() -> Sequence[type[Validator] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the validators of the plugin; the rules of `reporting_sources` apply.

    Example::

        @hookimpl
        def reporting_validators():
            return [
                LazyPlugin(
                    "order",
                    "my_plugin.validator:OrderValidator",
                    "orders of the web shop",
                )
            ]
    """


@hookspec
def reporting_transforms() -> Sequence[type[Transform] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the transforms of the plugin; the rules of `reporting_sources` apply.

    Example::

        @hookimpl
        def reporting_transforms():
            return [
                LazyPlugin(
                    "drop-tests",
                    "my_plugin.transform:DropTests",
                    "leaves test orders out",
                )
            ]
    """


@hookspec
def reporting_sinks() -> Sequence[type[Sink] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the sinks of the plugin; the rules of `reporting_sources` apply.

    Example::

        @hookimpl
        def reporting_sinks():
            return [
                LazyPlugin(
                    "postgres", "my_plugin.sink:PostgresTable", "a table in PostgreSQL"
                )
            ]
    """


@hookspec
def reporting_engines() -> Sequence[type[Engine] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the engines of the plugin; the rules of `reporting_sources` apply.

    Example::

        @hookimpl
        def reporting_engines():
            return [
                LazyPlugin(
                    "dask", "my_plugin.engine:DaskEngine", "splits on a Dask cluster"
                )
            ]
    """


@hookspec
def reporting_reports() -> Sequence[type[Report] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the reports of the plugin; the rules of `reporting_sources` apply.

    ``reporting list`` shows the `summary` of a `LazyPlugin`.

    Example::

        @hookimpl
        def reporting_reports():
            return [
                LazyPlugin(
                    "orders",
                    "my_plugin.report:Orders",
                    "orders of the web shop, as parquet",
                )
            ]
    """


@hookspec
def reporting_queries() -> Sequence[type[Query] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the queries of the plugin; the rules of `reporting_sources` apply.

    ``reporting query REPORT --list`` shows the `summary` of a `LazyPlugin`.

    Example::

        @hookimpl
        def reporting_queries():
            return [
                LazyPlugin(
                    "orders-by-day",
                    "my_plugin.queries:OrdersByDay",
                    "number of orders on each day",
                )
            ]
    """


@hookspec
def reporting_pages() -> Sequence[type[Page] | LazyPlugin]:  # type: ignore[empty-body]
    """Return the pages of the plugin; the rules of `reporting_sources` apply.

    ``reporting render REPORT --list`` shows the `summary` of a `LazyPlugin`. Use a
    `LazyPlugin` for a page that needs more packages than the framework: only users who
    render the page must install them.

    Example::

        @hookimpl
        def reporting_pages():
            return [
                LazyPlugin(
                    "monthly-orders",
                    "my_plugin.page:MonthlyOrders",
                    "a month of orders",
                )
            ]
    """


@hookspec
def reporting_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Return the commands that the plugin adds to ``reporting``.

    Called at every start of the command line: build the commands without heavy imports,
    and import inside their functions. A distribution with a module that imports click
    must require click: AWS Lambda has no command line, and has click only if a
    distribution requires it. A command whose name is taken is left out, and the plugin
    is listed as broken.

    Example::

        @hookimpl
        def reporting_commands():
            return [orders_command]
    """


# -- lifecycle: called for each run; what an implementation raises is logged and never f


@hookspec
def reporting_run_started(
    report: str,
    run_id: str,
    inputs: Sequence[str],
    steps: Sequence[Step],
    schema: pl.Schema,
    columns: Mapping[str, ColumnSource],
    context: ObserverContext,
) -> None:
    """Observe the start of a run.

    Settings are checked and plugins are built; nothing has been read. As with every
    hook, an implementation may take any subset of the arguments.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        inputs: Places that the source reads, as URIs without credentials; empty if the
            source does not return them.
        steps: The plugins that the run uses, with the distribution of each and its
            version.
        schema: Schema of the rows that reach the sinks.
        columns: Columns of the source that columns of these rows come from, by name;
            without columns whose origin is not known.
        context: The observer's settings in the configuration file, and its notes about
            this report.

    Example::

        @hookimpl
        def reporting_run_started(report, run_id):
            log.info("started", extra={"report": report, "run_id": run_id})
    """


@hookspec
def reporting_split_finished(
    report: str, run_id: str, split: Split, split_result: SplitResult
) -> None:
    """Observe a split that was read, validated, transformed and staged.

    Called from the runner's thread, for one split at a time.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        split: The split.
        split_result: Result of the split. Implementations must not modify it, nor
            retain it, as it holds much memory.

    Example::

        @hookimpl
        def reporting_split_finished(split_result):
            bar.update(len(split_result.source_keys))
    """


@hookspec
def reporting_records_rejected(
    report: str, run_id: str, rejections: Sequence[Rejection]
) -> None:
    """Observe the records of a split that were rejected or filtered.

    Called after `reporting_split_finished`.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        rejections: At least one; source key, error type and field, never a value.

    Example::

        @hookimpl
        def reporting_records_rejected(rejections):
            for rejection in rejections:
                log.warning(
                    "%s: %s %s",
                    rejection.source_key,
                    rejection.error_type,
                    rejection.field,
                )
    """


@hookspec
def reporting_run_finished(result: RunResult, context: ObserverContext) -> None:
    """Observe the end of a run that did not fail.

    All its changes are visible, and its plugins are closed.

    Args:
        result: Result of the run; its status is ``ok`` or ``partial``.
        context: As in `reporting_run_started`; it also makes pages of the report.

    Example::

        @hookimpl
        def reporting_run_finished(result):
            metrics.put("EventsProcessed", result.accepted)
    """


@hookspec
def reporting_run_failed(
    report: str, run_id: str, error: BaseException, context: ObserverContext
) -> None:
    """Observe the end of a run that failed.

    Some outputs may have been committed, each as a whole. The plugins of the run are
    closed. If the source could not be reached before the run started,
    `reporting_run_started` was not called.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        error: Error that ended the run. The message of a `ReportingError` holds no
            value of a record. The message of any other error may: log its type only.
            A `CheckFailed` has the `RunResult` with the outcomes of all checks, as
            `result`.
        context: As in `reporting_run_finished`.

    Example::

        @hookimpl
        def reporting_run_failed(report, error):
            notify(f"{report} failed: {type(error).__name__}")
    """
