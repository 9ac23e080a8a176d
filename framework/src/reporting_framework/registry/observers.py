"""Calls of the lifecycle hooks of observers.

Each call is isolated, so that a failing observer never fails a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pluggy
    import polars as pl

    from reporting_framework.plugin_api.records import Rejection, Split, SplitResult
    from reporting_framework.plugin_api.result import RunResult, Step

LIFECYCLE_HOOKS = (
    "reporting_run_started",
    "reporting_split_finished",
    "reporting_records_rejected",
    "reporting_run_finished",
    "reporting_run_failed",
)
"""Names of the hooks that are called during a run; all others are called when plugins
are loaded.
"""


class Lifecycle:
    """Caller of the lifecycle hooks of one run.

    The errors of an observer are logged once per hook, by type only, since messages may
    hold values of records. The other observers and the run continue, even after an
    error that would end the process. Ctrl-C is raised after the other observers were
    called. Observers are called one at a time, even if streams are read concurrently.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self._failed: set[tuple[str, str]] = set()
        self._lock = RLock()

    def run_started(
        self,
        *,
        report: str,
        run_id: str,
        inputs: Sequence[str],
        steps: Sequence[Step],
        schema: pl.Schema,
    ) -> None:
        """See `hookspecs.reporting_run_started`."""
        known = {
            "report": report,
            "run_id": run_id,
            "inputs": inputs,
            "steps": steps,
            "schema": schema,
        }
        self._call_observers("reporting_run_started", **known)

    def split_finished(
        self, *, report: str, run_id: str, split: Split, split_result: SplitResult
    ) -> None:
        """See `hookspecs.reporting_split_finished`."""
        self._call_observers(
            "reporting_split_finished",
            report=report,
            run_id=run_id,
            split=split,
            split_result=split_result,
        )

    def records_rejected(
        self, *, report: str, run_id: str, rejections: Sequence[Rejection]
    ) -> None:
        """See `hookspecs.reporting_records_rejected`."""
        self._call_observers(
            "reporting_records_rejected",
            report=report,
            run_id=run_id,
            rejections=rejections,
        )

    def run_finished(self, *, result: RunResult) -> None:
        """See `hookspecs.reporting_run_finished`."""
        self._call_observers("reporting_run_finished", result=result)

    def run_failed(self, *, report: str, run_id: str, error: BaseException) -> None:
        """See `hookspecs.reporting_run_failed`."""
        self._call_observers(
            "reporting_run_failed", report=report, run_id=run_id, error=error
        )

    def _call_observers(self, hook: str, **known: Any) -> None:
        """Call one hook of every observer, last registered first, as pluggy does."""
        # In reverse order, each whatever another one raised.
        with self._lock, ExitStack() as calls:
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                calls.callback(self._call, hook, implementation, known)

    def _call(
        self, hook: str, implementation: pluggy.HookImpl, known: Mapping[str, Any]
    ) -> None:
        try:
            implementation.function(
                **{name: known[name] for name in implementation.argnames}
            )
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # panics of libraries in Rust among them
            self._log_failure(implementation.plugin_name, hook, error)

    def _log_failure(self, observer: str, hook: str, error: BaseException) -> None:
        """Log an observer's first failure in a hook.

        A hook that is called for every split would flood the log.
        """
        if (observer, hook) not in self._failed:
            import logging  # only failures need it

            self._failed.add((observer, hook))
            logging.getLogger(__name__).warning(
                "observer %s: %s raised %s; the run goes on",
                observer,
                hook,
                type(error).__name__,
            )
