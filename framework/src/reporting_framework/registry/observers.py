"""Calls of the lifecycle hooks of observers.

Each call is isolated, so that a failing observer never fails a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from threading import RLock
from typing import TYPE_CHECKING, Any

from reporting_framework.plugin_api.observer import (
    ColumnSource,
    Notes,
    ObserverContext,
    PageMaker,
)

if TYPE_CHECKING:
    import pluggy
    import polars as pl

    from reporting_framework.plugin_api.records import Rejection, Split, SplitResult
    from reporting_framework.plugin_api.result import RunResult, Step

NotesOf = Callable[[str], Notes]
"""Function that returns the notes of an observer, by its name."""

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

    Args:
        manager: The plugins.
        settings: Settings of the observers, by the names of their entry points.
        file: Name of the configuration file for messages.
        page: Function that makes a page of the report.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        file: str = "",
        page: PageMaker | None = None,
    ) -> None:
        self._manager = manager
        self._settings = settings or {}
        self._file = file
        self._page = page
        self._checked = False
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
        columns: Mapping[str, ColumnSource] | None = None,
        notes: NotesOf | None = None,
        dry_run: bool = False,
    ) -> None:
        """See `hookspecs.reporting_run_started`."""
        known = {
            "report": report,
            "run_id": run_id,
            "inputs": inputs,
            "steps": steps,
            "schema": schema,
            "columns": columns or {},
            "context": self._contexts(notes, dry_run=dry_run),
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

    def run_finished(self, *, result: RunResult, notes: NotesOf | None = None) -> None:
        """See `hookspecs.reporting_run_finished`."""
        context = self._contexts(notes, dry_run=result.dry_run)
        self._call_observers("reporting_run_finished", result=result, context=context)

    def run_failed(
        self,
        *,
        report: str,
        run_id: str,
        error: BaseException,
        notes: NotesOf | None = None,
        dry_run: bool = False,
    ) -> None:
        """See `hookspecs.reporting_run_failed`."""
        self._call_observers(
            "reporting_run_failed",
            report=report,
            run_id=run_id,
            error=error,
            context=self._contexts(notes, dry_run=dry_run),
        )

    def _contexts(
        self, notes: NotesOf | None, *, dry_run: bool
    ) -> Callable[[str], ObserverContext]:
        """Return the function that makes the context of an observer, by its name."""

        def context(plugin_name: str) -> ObserverContext:
            name = plugin_name.rpartition(":")[2]
            return ObserverContext(
                settings=self._settings.get(name, {}),
                settings_name=f"[observers.{name}]"
                + (f" in {self._file}" if self._file else ""),
                dry_run=dry_run,
                notes=notes(name) if notes is not None else None,
                page=self._page,
            )

        return context

    def _call_observers(self, hook: str, **known: Any) -> None:
        """Call one hook of every observer, last registered first, as pluggy does."""
        self._warn_of_unknown_names()
        # In reverse order, each whatever another one raised.
        with self._lock, ExitStack() as calls:
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                calls.callback(self._call, hook, implementation, known)

    def _call(
        self, hook: str, implementation: pluggy.HookImpl, known: Mapping[str, Any]
    ) -> None:
        try:
            values = {name: known[name] for name in implementation.argnames}
            if "context" in values:
                values["context"] = values["context"](implementation.plugin_name)
            implementation.function(**values)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # panics of libraries in Rust among them
            self._log_failure(implementation.plugin_name, hook, error)

    def _warn_of_unknown_names(self) -> None:
        """Warn once of settings for an observer that is not loaded."""
        if self._checked or not self._settings:
            return
        self._checked = True
        names = {name for name, _ in self._manager.list_name_plugin()}
        known = {name.rpartition(":")[2] for name in names}
        for name in sorted(set(self._settings) - known):
            import logging  # only mistakes need it

            logging.getLogger(__name__).warning(
                "[observers.%s] in %s: no such observer is loaded; correct the name, or"
                " see: reporting plugins",
                name,
                self._file,
            )

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
