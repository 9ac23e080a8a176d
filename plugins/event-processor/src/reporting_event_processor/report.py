"""The report ``event-processor``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from reporting_event_processor.settings import EventProcessorSettings
from reporting_framework import PipelineSpec, PluginRef, Report

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

PARSE = frozenset(
    ("undecodable", "too_large", "empty", "json_invalid", "not_utf_8", "duplicate_key")
)
"""Types of rejections of payloads that cannot be parsed; all other types come from the
validator's rules.
"""

STEPS = {
    "Enrichment": "dynamodb-enrich",
    "Aggregation": "dynamodb-counters",
    "Archive": "ndjson-archive",
}
"""Stages in which a record may fail and be delivered again, with their plugins."""


class EventProcessor(Report):
    """Report that validates, enriches, counts and archives events of a stream.

    Each event counts once, however often it is delivered.
    """

    name: ClassVar[str] = "event-processor"
    summary: ClassVar[str] = (
        "events of a stream, enriched, counted exactly and archived"
    )
    Settings: ClassVar[type[EventProcessorSettings]] = EventProcessorSettings

    @override
    def compose(self, settings: EventProcessorSettings) -> PipelineSpec:
        source = {
            "dead_letters": settings.dead_letter_queue,
            "dead_letter_overflow": settings.overflow,
        }
        lookups = _lookups(settings)
        enrich = {"lookups": lookups, "cache_seconds": settings.cache_seconds}
        return PipelineSpec(
            source=PluginRef(settings.source, source),
            validator=PluginRef("experiment-event", {"extra": settings.extra}),
            transforms=[PluginRef("dynamodb-enrich", enrich)] if lookups else [],
            sinks=[
                # Written first: an event that cannot be archived is not counted, and
                # is delivered again.
                PluginRef(
                    "ndjson-archive",
                    {
                        "uri": settings.archive,
                        "timestamp": "timestamp",
                        "json_columns": [
                            "properties",
                            "metadata",
                            *(["extra"] if settings.extra == "keep" else []),
                        ],
                    },
                ),
                PluginRef(
                    "dynamodb-counters",
                    {
                        "table": settings.dynamodb_table,
                        "timestamp": "timestamp",
                        "counters": counters(settings),
                        "delivery": settings.delivery,
                        "marker_days": settings.marker_days,
                    },
                ),
            ],
        )

    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """See `Report.metrics`.

        The metrics are time, success and failure of a batch, and errors by stage.
        """
        parse = sum(
            rejection.count
            for rejection in result.rejections
            if rejection.type in PARSE
        )
        failed = {
            f"{stage}Errors": (
                sum(
                    n
                    for why, n in result.unread_reasons.items()
                    if why.startswith(f"{step}:")
                ),
                "Count",
            )
            for stage, step in STEPS.items()
        }
        return {
            "BatchTime": (result.seconds.total * 1000, "Milliseconds"),
            "BatchSuccess": (result.accepted + result.duplicates, "Count"),
            "BatchFailure": (result.rejected + result.objects_unread, "Count"),
            "ParseErrors": (parse, "Count"),
            "ValidationErrors": (result.rejected - parse, "Count"),
            "DeadLetterErrors": (
                sum(
                    n
                    for why, n in result.unread_reasons.items()
                    if why.endswith(": not set aside")
                ),
                "Count",
            ),
            **failed,
        }

    def answer(
        self, settings: EventProcessorSettings, result: RunResult
    ) -> Mapping[str, Any]:
        """See `Report.answer`.

        Empty: the source itself answers the stream, and nothing else calls this.
        """
        return {}


def counters(settings: EventProcessorSettings) -> list[dict[str, str]]:
    """Return the counters of an event.

    Events are counted by experiment, variant and type, per hour and per day.
    """
    variant = "{variant}" if settings.assignments_table else "none"
    windows = ("hour#{timestamp:%Y-%m-%d-%H}", "day#{timestamp:%Y-%m-%d}")
    return [
        {
            "partition_key": f"exp_{{experiment_id}}#variant#{variant}#{window}",
            "sort_key": "event_type#{event_type}",
        }
        for window in windows
    ]


def _lookups(settings: EventProcessorSettings) -> list[dict[str, Any]]:
    lookups: list[dict[str, Any]] = []
    if settings.assignments_table:
        lookups.append(
            {
                "table": settings.assignments_table,
                "key": {"user_id": "user_id", "experiment_id": "experiment_id"},
                "columns": {
                    "assignment_id": "assignment_id",
                    "variant": "variant",
                    "assigned_at": "assigned_at",
                },
                "types": {"assigned_at": "timestamp"},
                "seconds_since": {
                    "seconds_since_assignment": {
                        "from": "assigned_at",
                        "to": "timestamp",
                    }
                },
            }
        )
    if settings.experiments_table:
        lookups.append(
            {
                "table": settings.experiments_table,
                "key": {"experiment_id": "experiment_id"},
                "columns": {
                    "experiment_key": "key",
                    "experiment_name": "name",
                    "experiment_status": "status",
                },
            }
        )
    return lookups
