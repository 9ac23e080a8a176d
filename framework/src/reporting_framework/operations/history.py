"""The history of a report's runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_framework.errors import PluginError
from reporting_framework.execution.pipeline import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.result import RunRecord


def runs_of(pipeline: Pipeline) -> Sequence[RunRecord]:
    """Return the records of a report's last runs, newest first.

    Raises:
        PluginError: The report keeps no history.
        ReportingError: The history could not be read.
    """
    with prepared(pipeline):
        if pipeline.history is not None:
            return pipeline.history.records()
    raise PluginError(
        f"report {pipeline.report}: no sink keeps a history of runs"
        f" ({', '.join(sink.name for sink in pipeline.sinks)}); use"
        " parquet-checkpoint with keep_runs above 0, or set the report's metadata to"
        " the URI of a folder"
    )
