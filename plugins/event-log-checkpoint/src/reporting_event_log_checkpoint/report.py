"""The report ``event-log-checkpoint``."""

from __future__ import annotations

from typing import ClassVar

from reporting_event_log_checkpoint.names import INCLUDE, RANGE_PATTERN
from reporting_event_log_checkpoint.settings import EventLogSettings
from reporting_framework import Composition, Use


class EventLogCheckpoint:
    """Visit events, one small JSON file each, become one parquet checkpoint; each run takes only what is new."""

    name: ClassVar[str] = "event-log-checkpoint"
    summary: ClassVar[str] = "visit events from S3 or a folder as a parquet checkpoint"
    Settings: ClassVar[type[EventLogSettings]] = EventLogSettings

    def compose(self, settings: EventLogSettings) -> Composition:
        """See `Report.compose`."""
        source = {
            "uri": settings.source,
            "include": INCLUDE,
            "name_pattern": RANGE_PATTERN,
            "lookback_days": settings.lookback_days,
            "reconcile_every_days": settings.reconcile_every_days,
            "reconcile": settings.reconcile,
            "max_in_flight": settings.max_in_flight,
            "max_record_bytes": settings.max_record_bytes,
        }
        sink = {
            "uri": settings.checkpoint,
            "compression": settings.compression,
            "quarantine": settings.quarantine,
        }
        excluded = (
            [Use("exclude-projects", {"patterns": settings.exclude_projects})] if settings.exclude_projects else []
        )
        return Composition(
            source=Use("object-store-json", source),
            validator=Use(settings.validator, {"extra": settings.extra}),
            transforms=excluded,
            sinks=[Use("parquet-checkpoint", sink)],
        )
