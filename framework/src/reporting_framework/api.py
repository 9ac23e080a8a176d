"""Runs of an installed report, and queries of its table, from Python.

They are meant for a notebook, a scheduler or a test.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reporting_framework.config.file import find_config, read_config
from reporting_framework.errors import SettingsError
from reporting_framework.execution.streams import assemble_all, run_all
from reporting_framework.query.filters import selection_of
from reporting_framework.query.page_maker import page_maker
from reporting_framework.query.run_query import run_query
from reporting_framework.registry.discovery import allow_list
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from reporting_framework.config.file import Config
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.registry.registry import Registry


def run_report(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    config: Path | str | None = None,
    trigger: Trigger | None = None,
    time_budget: float | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    observers: Sequence[object] = (),
) -> RunResult:
    """Run a report as ``reporting-run`` does.

    Settings from ``reporting.toml`` and the environment are included.

    Args:
        name: The report: of an installed plugin, or composed in the configuration file.
            ``REPORT/STREAM`` runs one stream of its source.
        settings: The report's settings; they override the file and the environment, as
            options do.
        config: The configuration file; by default, the file that ``REPORTING_CONFIG``
            names, or ``reporting.toml`` in the working directory.
        trigger: The trigger that names the work, for a push source.
        time_budget: Seconds after which no more work is taken.
        dry_run: Read and validate, but write nothing.
        limit: Maximum number of records that a dry run reads; 1,000 by default.
        observers: Objects with lifecycle hooks (`hookimpl`), for this run.

    Returns:
        The result of the run.

    Raises:
        ReportingError: The run failed or could not begin; each output is either
            unchanged or committed as a whole.
    """
    if limit is not None and not (dry_run and limit > 0):
        raise SettingsError(
            "run_report: limit must be at least 1 and needs dry_run=True; correct or"
            " remove it"
        )
    began = time.monotonic()
    registry, config_file = _plugins_and_config(config)
    for observer in observers:
        registry.register(observer)
    composition = compose_report(
        name,
        registry,
        config_file,
        environment=os.environ,
        trigger=trigger.settings if trigger is not None else None,
        options=settings,
    )
    lifecycle = registry.lifecycle(page_maker(composition, registry))
    return run_all(
        assemble_all(
            name,
            composition,
            registry,
            trigger=trigger,
            lifecycle=lifecycle,
            early=True,
        ),
        lifecycle=lifecycle,
        deadline=None if time_budget is None else began + time_budget,
        dry_run=dry_run,
        limit=limit,
    )


def query_report(
    name: str,
    query: str,
    settings: Mapping[str, Any] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    where: Mapping[str, Any] | None = None,
    first: date | str | None = None,
    last: date | str | None = None,
    on: str = "timestamp",
    config: Path | str | None = None,
) -> pl.DataFrame:
    """Run a query on a report's table, as ``reporting query`` does.

    Settings from ``reporting.toml`` and the environment are included.

    Args:
        name: The report: of an installed plugin, or composed in the configuration file.
        query: The query, of an installed plugin.
        settings: The report's settings; they override the file and the environment, as
            options do.
        options: The query's own settings, such as ``{"by": ["study"]}``.
        where: Required values by column: a text, a whole number, a date, a truth value,
            None for null, or a list of accepted values. An empty text is null too.
        first: First day, in UTC; a date, or a text as YYYY-MM-DD.
        last: Last day, inclusive.
        on: The column that the days refer to.
        config: The configuration file; by default, the file that ``REPORTING_CONFIG``
            names, or ``reporting.toml`` in the working directory.

    Returns:
        The answer.

    Raises:
        ReportingError: The report, query, column or table does not exist, or the table
            cannot be read.
    """
    selection = selection_of(where, first, last, on)
    registry, config_file = _plugins_and_config(config)
    composition = compose_report(
        name, registry, config_file, environment=os.environ, options=settings
    )
    return run_query(
        name,
        registry.find("query", query),
        options or {},
        composition,
        registry,
        selection,
    )


def _plugins_and_config(config: Path | str | None) -> tuple[Registry, Config]:
    """Return the installed plugins, with the file's reports, and the file's content."""
    config_file = read_config(
        find_config(None if config is None else str(config), os.environ)
    )
    registry = load_plugins(allow_list(os.environ))
    registry.add_reports(config_file)
    return registry, config_file
