"""The report ``event-log-checkpoint``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from reporting_event_log_checkpoint.names import INCLUDE, RANGE_PATTERN
from reporting_event_log_checkpoint.settings import EventLogSettings
from reporting_framework import PipelineSpec, PluginRef, Report

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult


class EventLogCheckpoint(Report):
    """Report that turns visit events, one small JSON file each, into a parquet file.

    Each run takes only new events.
    """

    name: ClassVar[str] = "event-log-checkpoint"
    summary: ClassVar[str] = "visit events from S3 or a folder as a parquet checkpoint"
    table: ClassVar[Sequence[str]] = ("events", "checkpoint_events")
    page: ClassVar[str] = "monthly-visits"
    Settings: ClassVar[type[EventLogSettings]] = EventLogSettings

    @override
    def compose(self, settings: EventLogSettings) -> PipelineSpec:
        source = {
            "uri": settings.source,
            "include": INCLUDE,
            "name_pattern": RANGE_PATTERN,
            "lookback_days": settings.lookback_days,
            "full_scan_every_days": settings.full_scan_every_days,
            "full_scan": settings.full_scan,
            "max_in_flight": settings.max_in_flight,
            "max_record_bytes": settings.max_record_bytes,
        }
        sink = {
            "uri": settings.checkpoint,
            "compression": settings.compression,
            "quarantine": settings.quarantine,
            "keep_runs": settings.keep_runs,
        }
        excluded = (
            [PluginRef("exclude-projects", {"patterns": settings.exclude_projects})]
            if settings.exclude_projects
            else []
        )
        return PipelineSpec(
            source=PluginRef("object-store-json", source),
            validator=PluginRef(settings.validator, {"extra": settings.extra}),
            transforms=excluded,
            sinks=[PluginRef("parquet-checkpoint", sink)],
            checks=[check.ref for check in settings.checks],
        )

    def answer(
        self, settings: EventLogSettings, result: RunResult
    ) -> Mapping[str, Any]:
        """See `Report.answer`.

        The names are known to callers of the published function. A `RunResult` already
        has `last_processed_timestamp`, which they expect too.
        """
        return {
            "checkpoint_path": settings.checkpoint,
            "new_events_processed": result.accepted,
            "total_events": _rows(result),
            "events_failed": result.rejected,
            "execution_time_ms": round(result.seconds.total * 1000),
        }

    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """See `Report.metrics`.

        Dashboards of the published function use these names.
        """
        return {
            "NewEventsProcessed": (result.accepted, "Count"),
            "TotalEvents": (_rows(result), "Count"),
            "CheckpointFileSize": (
                sum(output.bytes for output in result.outputs),
                "Bytes",
            ),
        }


def _rows(result: RunResult) -> int:
    return sum(output.rows for output in result.outputs)
