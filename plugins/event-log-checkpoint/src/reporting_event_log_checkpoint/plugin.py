"""Registration of the plugins for visit events."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1

_HERE = "reporting_event_log_checkpoint"


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """Return the validators of the two forms of visit events."""
    return [
        LazyPlugin(
            "visit-event",
            f"{_HERE}.validator:VisitEventValidator",
            "visit events as published, 13 fields",
        ),
        LazyPlugin(
            "visit-event-v2",
            f"{_HERE}.validator:VisitEventV2Validator",
            "visit events of the current producer",
        ),
    ]


@hookimpl
def reporting_transforms() -> Sequence[LazyPlugin]:
    """Return the transform that filters projects."""
    return [
        LazyPlugin(
            "exclude-projects",
            f"{_HERE}.transform:ExcludeProjects",
            "leaves out projects that match a glob pattern",
        )
    ]


@hookimpl
def reporting_queries() -> Sequence[LazyPlugin]:
    """Return the queries on the checkpoint."""
    queries = {
        "counts": ("counts:Counts", "number of events"),
        "latest-per-visit": (
            "per_visit:LatestPerVisit",
            "the latest event of each visit",
        ),
        "monthly-errors": (
            "counts:MonthlyErrors",
            "failed checks of each center and month",
        ),
        "volumes": ("counts:Volumes", "submitted visits and events"),
        "pass-rate": ("pass_rate:PassRate", "share of visits that passed"),
        "qc-timing": (
            "durations:QcTiming",
            "days from a visit to its first submit, and to its first pass",
        ),
        "time-to-pass": (
            "durations:TimeToPass",
            "days from a visit's first submit to the first pass after it",
        ),
        "completeness": (
            "per_visit:Completeness",
            "submits, failures and passes of each visit",
        ),
    }
    return [
        LazyPlugin(name, f"{_HERE}.queries.{kind}", summary)
        for name, (kind, summary) in queries.items()
    ]


@hookimpl
def reporting_pages() -> Sequence[LazyPlugin]:
    """Return the monthly page, which needs the extra `pages`."""
    return [
        LazyPlugin(
            "monthly-visits",
            f"{_HERE}.page:MonthlyVisits",
            "a month: volumes, pass rates, times, waiting visits",
        )
    ]


@hookimpl
def reporting_reports() -> Sequence[LazyPlugin]:
    """Return the report."""
    return [
        LazyPlugin(
            "event-log-checkpoint",
            f"{_HERE}.report:EventLogCheckpoint",
            "visit events from S3 or a folder as a parquet checkpoint",
        )
    ]
