"""Checks of a report, as the linter sees them: without a run and without a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.checks.catalog import check_of, repeated, repeated_names
from reporting_framework.errors import SettingsError
from reporting_framework.execution.report_checks import NO_TABLE
from reporting_framework.operations.lint.parts import Part
from reporting_framework.operations.lint.problem import Add, add_error
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.checks.base import Check
    from reporting_framework.plugin_api.report import PipelineSpec


def check_checks(
    add: Add,
    report: str,
    spec: PipelineSpec,
    schema: pl.Schema | None,
    sinks: Sequence[Part],
) -> None:
    """Check the settings of a report's checks.

    Args:
        add: Adds a problem.
        report: Name of the report.
        spec: Specification of its pipeline.
        schema: Columns of the report, if they are known.
        sinks: Sinks of the report.
    """
    checks: list[Check | None] = []
    for number, ref in enumerate(spec.checks):
        try:
            checks.append(check_of(report, ref, schema))
        except SettingsError as error:
            checks.append(None)
            add_error(add, error, ("checks", str(number)))
    for number, name in repeated_names(checks).items():
        add("error", ("checks", str(number)), repeated(report, name))
    if all(sink.usable for sink in sinks) and not any(
        supports(sink.plugin, "scan") for sink in sinks
    ):
        for number, check in enumerate(checks):
            if check is not None and check.settings.over == "table":
                message = f"report {report}: check {check.kind}: {NO_TABLE}"
                add("error", ("checks", str(number)), message)
