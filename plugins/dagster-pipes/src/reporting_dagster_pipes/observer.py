"""Observer that reports the end of a run to Dagster."""

from __future__ import annotations

import atexit
import logging
import threading
from typing import TYPE_CHECKING, Any

from dagster_pipes import DagsterPipesError, PipesContext, open_dagster_pipes

from reporting_dagster_pipes.assets import asset_of
from reporting_dagster_pipes.facts import (
    check_metadata,
    check_name,
    data_version_of,
    metadata_of,
)
from reporting_dagster_pipes.settings import DagsterPipesSettings, settings_of
from reporting_framework import CheckFailed, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework import ObserverContext
    from reporting_framework.plugin_api.result import CheckOutcome, RunResult

_log = logging.getLogger(__name__)
_lock = threading.Lock()


def finished(result: RunResult, context: ObserverContext) -> None:
    """Report the materialization of a run that did not fail, and its checks."""
    if result.dry_run:
        return
    found = _asset(result.report, context)
    if found is None:
        return
    pipes, key, settings = found
    try:
        pipes.report_asset_materialization(
            metadata=metadata_of(result),
            data_version=data_version_of(result),
            asset_key=key,
        )
    except DagsterPipesError:
        _log.warning(
            "dagster-pipes: report %s: asset %s was materialized already in this step,"
            " so this run is not reported",
            result.report,
            key,
        )
        return
    _report_checks(pipes, key, settings, result.checks)


def failed(report: str, error: BaseException, context: ObserverContext) -> None:
    """Report the checks of a run that failed because of them."""
    if not isinstance(error, CheckFailed):
        return  # Dagster learns of it from the exit code of the process
    if (found := _asset(report, context)) is not None:
        _report_checks(*found, error.result.checks)


def _asset(
    report: str, context: ObserverContext
) -> tuple[Any, str, DagsterPipesSettings] | None:
    """Return the session, the asset of a report and the settings, if all are known."""
    try:
        settings = settings_of(context.settings, context.settings_name)
    except SettingsError as error:
        _log.error("%s; report %s is not reported to Dagster", error, report)
        return None
    pipes = _session()
    if pipes is None or not pipes.is_asset_step:
        return None
    keys = list(pipes.asset_keys)
    key = asset_of(report, keys, settings.assets)
    if key is None:
        _log.warning(
            "dagster-pipes: report %s: none of the step's assets (%s) is its own; name"
            " one in the setting assets of %s",
            report,
            ", ".join(keys),
            context.settings_name,
        )
        return None
    return pipes, key, settings


def _session() -> Any:
    """Return the session with Dagster: the caller's own, or one that ends at exit."""
    with _lock:
        if not PipesContext.is_initialized():
            from reporting_dagster_pipes.plugin import is_in_environment

            if not is_in_environment():
                return None
            atexit.register(open_dagster_pipes().close)
        pipes = PipesContext.get()
    return pipes if isinstance(pipes, PipesContext) and not pipes.is_closed else None


def _report_checks(
    pipes: Any,
    key: str,
    settings: DagsterPipesSettings,
    outcomes: Sequence[CheckOutcome],
) -> None:
    if not settings.checks:
        return
    for outcome in outcomes:
        if outcome.passed is not None:
            pipes.report_asset_check(
                check_name(outcome),
                passed=outcome.passed,
                severity="ERROR" if outcome.severity == "fail" else "WARN",
                metadata=check_metadata(outcome),
                asset_key=key,
            )
