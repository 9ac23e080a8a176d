"""Checks of a report, as the linter sees them: without a run and without a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework.checks.catalog import check_of, repeated, repeated_names
from reporting_framework.checks.key_rules import ForeignKey
from reporting_framework.errors import SettingsError
from reporting_framework.execution.report_checks import (
    NO_TABLE,
    bind_reference,
    check_readable,
)
from reporting_framework.operations.lint.fit import columns_of
from reporting_framework.operations.lint.parts import Part, check_parts, refs_of
from reporting_framework.operations.lint.problem import Add, add_error
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.checks.base import Check
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry


def check_checks(
    add: Add,
    report: str,
    spec: PipelineSpec,
    schema: pl.Schema | None,
    sinks: Sequence[Part],
    registry: Registry,
) -> None:
    """Check the settings of a report's checks.

    Args:
        add: Adds a problem.
        report: Name of the report.
        spec: Specification of its pipeline.
        schema: Columns of the report, if they are known.
        sinks: Sinks of the report.
        registry: The plugins.
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
    for number, check in enumerate(checks):
        if isinstance(check, ForeignKey):
            other = spec.references.get(check.settings.report)
            try:
                _check_reference(report, check, schema, other, registry)
            except SettingsError as error:
                add("error", ("checks", str(number)), str(error))


def _check_reference(
    report: str,
    check: ForeignKey,
    schema: pl.Schema | None,
    other: PipelineSpec | None,
    registry: Registry,
) -> None:
    """Check that the table of the other report can be read, and has the columns.

    Raises:
        SettingsError: It cannot, or does not.
    """
    if other is None:
        return
    name = check.settings.report

    def ignore(*_: Any) -> None:
        """Leave a problem of the other report to its own checks."""

    source, validator, *others = check_parts(ignore, name, refs_of(other), registry, {})
    sinks = [part for part in others if part.role == "sink"]
    if all(part.usable for part in sinks):
        check_readable(report, name, [part.plugin for part in sinks])
    transforms = [part for part in others if part.role == "transform"]
    columns = columns_of(ignore, source, validator, transforms)
    if schema is not None and columns is not None:
        bind_reference(report, check, schema, columns)
