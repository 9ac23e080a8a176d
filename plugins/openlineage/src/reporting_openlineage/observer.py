"""Observer that turns lifecycle hooks into events."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.errors import CheckFailed, ReportingError

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework import ColumnSource
    from reporting_framework.plugin_api.result import RunResult, Step
    from reporting_openlineage.events import Known
    from reporting_openlineage.sender import Sender


class _Watched(NamedTuple):
    """A running run with its sender.

    `known` runs in the sender's thread, which imports the client.
    """

    sender: Sender
    known: Callable[[], Known]


class Observer:
    """Observer that sends events of runs if the environment names a destination.

    Light to import, as it is loaded with every report.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Watched] = {}

    def started(
        self,
        report: str,
        run_id: str,
        inputs: Sequence[str],
        steps: Sequence[Step],
        schema: pl.Schema,
        columns: Mapping[str, ColumnSource] | None = None,
    ) -> None:
        """Send the event for the start of a run."""
        from reporting_openlineage.settings import destination

        try:
            transport = destination(os.environ)
        except ReportingError as error:
            import logging  # only failures need it

            logging.getLogger(__name__).warning(
                "%s; no OpenLineage event is sent for this run", error
            )
            return
        if transport is None:
            return
        from reporting_openlineage.parent import parent_of
        from reporting_openlineage.sender import Sender

        parent = parent_of(os.environ)
        at, namespace = datetime.now(UTC), transport.namespace

        def known() -> Known:
            from reporting_openlineage.events import Known

            return Known(
                namespace,
                report,
                run_id,
                list(inputs),
                list(steps),
                schema,
                columns or {},
                parent,
            )

        watched = self._runs[run_id] = _Watched(Sender(transport), known)
        watched.sender.send(lambda: _events().started(known(), at))

    def finished(self, result: RunResult) -> None:
        """Send the event for the end of a run."""
        if watched := self._runs.pop(result.run_id, None):
            at = datetime.now(UTC)
            watched.sender.send(lambda: _events().finished(watched.known(), at, result))
            watched.sender.close()

    def failed(self, report: str, run_id: str, error: BaseException) -> None:
        """Send the event for a failed run."""
        if watched := self._runs.pop(run_id, None):
            at, name, aborted = (
                datetime.now(UTC),
                type(error).__name__,
                not isinstance(error, Exception),
            )
            result = error.result if isinstance(error, CheckFailed) else None
            watched.sender.send(
                lambda: _events().failed(
                    watched.known(), at, name, aborted=aborted, result=result
                )
            )
            watched.sender.close()


def _events() -> ModuleType:
    from reporting_openlineage import events

    return events
