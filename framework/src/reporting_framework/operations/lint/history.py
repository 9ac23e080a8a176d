"""Settings that need the history of a report: contracts and changes of row counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.execution.pipeline import NO_METADATA
from reporting_framework.execution.source_schema import NO_COLUMNS
from reporting_framework.operations.lint.parts import Part
from reporting_framework.operations.lint.problem import Add
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.sink import Sink

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec


def check_history(
    add: Add,
    report: str,
    spec: PipelineSpec,
    source: Part,
    validator: Part,
    sinks: Sequence[Part],
) -> None:
    """Check that a report has what it is compared with.

    Args:
        add: Adds a problem.
        report: Name of the report.
        spec: Specification of its pipeline.
        source: Its source.
        validator: Its validator.
        sinks: Its sinks.
    """
    if spec.contract is not None and source.usable and validator.usable:
        binds = supports(validator.plugin, "bind")
        if not (binds and supports(source.plugin, "schema")):
            add("error", ("contract",), f"report {report}: contract: {NO_COLUMNS}")
            return
    if spec.metadata is not None or not all(sink.usable for sink in sinks):
        return
    if any(_may_have_metadata(sink) for sink in sinks):
        return
    if spec.contract is not None:
        add("error", ("contract",), f"report {report}: contract: {NO_METADATA}")
    for number, check in enumerate(spec.checks):
        if check.name == "row_count_change":
            message = f"report {report}: check {check.name}: {NO_METADATA}"
            add("error", ("checks", str(number)), message)


def _may_have_metadata(sink: Part) -> bool:
    method = getattr(sink.plugin, "metadata_location", None)
    return method is not Sink.metadata_location
