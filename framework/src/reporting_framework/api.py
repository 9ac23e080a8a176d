"""Runs of an installed report, and questions to its table, from Python.

They are for a notebook, a scheduler or a test.
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
        settings: The report's settings, over those of the file and the environment, as
            options would be.
        config: The configuration file; what ``REPORTING_CONFIG`` names or
            ``reporting.toml`` here unless given.
        trigger: What names the work, for a source that records are pushed to.
        time_budget: After so many seconds no more work is taken.
        dry_run: Read and validate, write nothing.
        limit: How many records a dry run reads at the most; 1,000 unless given.
        observers: Objects with lifecycle hooks (`hookimpl`), for this run.

    Returns:
        What the run did.

    Raises:
        ReportingError: The run was given up, or could not begin; nothing visible has
            changed but whole outputs.
    """
    if limit is not None and not (dry_run and limit > 0):
        raise SettingsError("run_report: limit is for a dry run, and at least 1")
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
    return run_all(
        assemble_all(name, composition, registry, trigger=trigger),
        lifecycle=registry.lifecycle(),
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
    """Ask a report's table as ``reporting query`` does.

    Settings from ``reporting.toml`` and the environment are included.

    Args:
        name: The report: of an installed plugin, or composed in the configuration file.
        query: The query, of an installed plugin.
        settings: The report's settings, over those of the file and the environment, as
            options would be.
        options: The query's own settings, such as ``{"by": ["study"]}``.
        where: Only rows with these values, by column: a text, a whole number, a date, a
            truth value, None for null, or a list of them, any of which will do. An
            empty text is null too.
        first: Only from this day on, in UTC; a date, or a text as YYYY-MM-DD.
        last: Only up to this day, which is included.
        on: The column that the days are of.
        config: The configuration file; what ``REPORTING_CONFIG`` names or
            ``reporting.toml`` here unless given.

    Returns:
        The answer.

    Raises:
        ReportingError: There is no such report, query, column or table, or it cannot be
            read.
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
    """Return the installed plugins and the configuration file.

    The reports of the file are among the plugins.
    """
    config_file = read_config(
        find_config(None if config is None else str(config), os.environ)
    )
    registry = load_plugins(allow_list(os.environ))
    registry.add_reports(config_file)
    return registry, config_file
