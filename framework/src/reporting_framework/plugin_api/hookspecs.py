"""All hooks.

Each docstring is the author's manual: when the hook is called, with what, and what it
may do.

A plugin is a module named by an entry point in the group ``reporting_framework``; its
functions marked with `reporting_framework.hookimpl` implement these hooks. A function
takes any subset of the arguments, by name.

The module says which version of this API it was written for::

    REPORTING_API = 1

Write the number, not `reporting_framework.API_VERSION`, which is always that of the
framework at hand. A module that says nothing was written for version 1. It is compared
before any hook is looked at: a plugin for another version is not loaded, and
``reporting plugins`` lists it as *broken*, with both versions and what to upgrade. The
module is imported to be asked; so what it imports at its top should be little, and
there in every version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.markers import hookspec

if TYPE_CHECKING:
    import click
    import polars as pl

    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.markers import LazyPlugin
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
    """Sources that the plugin brings.

    Called when plugins are loaded, before any setting is known. Return classes that
    carry a `name`, or `LazyPlugin` stand-ins for them, which keep ``reporting-run
    --help`` fast. A name that another plugin has already taken is an error that names
    both distributions. What this raises makes the plugin *broken*: it is listed with
    the cause, and fatal only to a report that needs it.

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
    """Validators that the plugin brings; the rules are those of `reporting_sources`.

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
    """Transforms that the plugin brings; the rules are those of `reporting_sources`.

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
    """Sinks that the plugin brings; the rules are those of `reporting_sources`.

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
    """Engines that the plugin brings; the rules are those of `reporting_sources`.

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
    """Reports that the plugin brings; the rules are those of `reporting_sources`.

    The `summary` of a `LazyPlugin` is what ``reporting list`` shows.

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
    """Queries that the plugin brings; the rules are those of `reporting_sources`.

    The `summary` of a `LazyPlugin` is what ``reporting query REPORT --list`` shows.

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
    """Pages that the plugin brings; the rules are those of `reporting_sources`.

    The `summary` of a `LazyPlugin` is what ``reporting render REPORT --list`` shows. A
    page that is drawn with more than the framework needs is best `LazyPlugin`: what it
    imports is then asked only of those who want the page.

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
    """Commands that the plugin adds to ``reporting``.

    Called for every start of the command line: build the commands without importing
    anything heavy, and import inside their functions. A module that imports click
    itself belongs to a distribution that requires click: in AWS Lambda there is no
    command line, and click only where something requires it. A command whose name is
    taken is left out, and the plugin is listed as broken.

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
) -> None:
    """A run begins: settings are checked and plugins made, nothing has been read.

    As of every hook, an implementation takes those of the arguments that it needs.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        inputs: Places that the source reads, as URIs without credentials; none where it
            does not tell.
        steps: The plugins that the run uses, with the distribution of each and its
            version.
        schema: Schema of the rows that reach the sinks.

    Example::

        @hookimpl
        def reporting_run_started(report, run_id):
            log.info("started", extra={"report": report, "run_id": run_id})
    """


@hookspec
def reporting_split_finished(
    report: str, run_id: str, split: Split, split_result: SplitResult
) -> None:
    """A split was read, validated, transformed and staged.

    Called from the runner's own thread, one at a time.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        split: The split.
        split_result: What became of it. It is not to be changed, nor kept: it would
            hold memory.

    Example::

        @hookimpl
        def reporting_split_finished(split_result):
            bar.update(len(split_result.source_keys))
    """


@hookspec
def reporting_records_rejected(
    report: str, run_id: str, rejections: Sequence[Rejection]
) -> None:
    """A split held records that were rejected or filtered.

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
def reporting_run_finished(result: RunResult) -> None:
    """A run is over, everything it did is visible, and its plugins are closed.

    Args:
        result: What it did; ``ok`` or ``partial``.

    Example::

        @hookimpl
        def reporting_run_finished(result):
            metrics.put("EventsProcessed", result.accepted)
    """


@hookspec
def reporting_run_failed(report: str, run_id: str, error: BaseException) -> None:
    """A run was given up; whole outputs may have been committed before, nothing half.

    Its plugins are closed.

    Args:
        report: Name of the report.
        run_id: Unique id of the run.
        error: What ended it. Its message holds no value of a record when it is a
            `ReportingError`; the message of any other error may, so log its type only.

    Example::

        @hookimpl
        def reporting_run_failed(report, error):
            notify(f"{report} failed: {type(error).__name__}")
    """
