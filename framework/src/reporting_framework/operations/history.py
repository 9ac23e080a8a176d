"""The history of a report's runs, as one of its sinks keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_framework.errors import PluginError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.run_history import records_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.result import RunRecord


def runs_of(pipeline: Pipeline) -> Sequence[RunRecord]:
    """Records of a report's last runs, the newest first.

    Raises:
        PluginError: None of its sinks keeps a history.
        ReportingError: It could not be read.
    """
    with prepared(pipeline) as sinks:
        records = records_of(sinks)
    if records is None:
        raise PluginError(
            f"report {pipeline.report}: there is no history of its runs: none of its"
            f" sinks keeps one ({', '.join(sink.name for sink in pipeline.sinks)});"
            " parquet-checkpoint does, unless keep_runs is 0"
        )
    return records
