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
    """Records of a report's last runs, the newest first.

    Raises:
        PluginError: It keeps no history.
        ReportingError: It could not be read.
    """
    with prepared(pipeline):
        if pipeline.history is not None:
            return pipeline.history.records()
    raise PluginError(
        f"report {pipeline.report}: there is no history of its runs: none of its sinks"
        f" keeps one ({', '.join(sink.name for sink in pipeline.sinks)});"
        " parquet-checkpoint does, unless keep_runs is 0; set the report's metadata to"
        " the URI of a folder to keep one"
    )
