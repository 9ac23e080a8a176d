"""Registration of the event processor's plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework import LazyPlugin, hookimpl

if TYPE_CHECKING:
    import click

REPORTING_API = 1

_HERE = "reporting_event_processor"


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """Return the validator of events."""
    return [
        LazyPlugin(
            "experiment-event",
            f"{_HERE}.validator:ExperimentEventValidator",
            "events of experiments",
        )
    ]


@hookimpl
def reporting_reports() -> Sequence[LazyPlugin]:
    """Return the report."""
    return [
        LazyPlugin(
            "event-processor",
            f"{_HERE}.report:EventProcessor",
            "events of a stream, enriched, counted exactly and archived",
        )
    ]


@hookimpl
def reporting_commands() -> Sequence[click.Command]:
    """Return the command ``reporting counters``."""
    from reporting_event_processor.counters import counters_group

    return [counters_group]
