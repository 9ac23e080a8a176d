"""Runs of a backfill, one for each chunk, with progress on stderr."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli import progress
from reporting_framework.cli.actions import pipeline_of
from reporting_framework.cli.backfill_summary import left_text
from reporting_framework.cli.context import state_of
from reporting_framework.cli.execute import with_words
from reporting_framework.cli.failures import note
from reporting_framework.execution.runner import run

if TYPE_CHECKING:
    from reporting_framework.operations.backfill import Chunk, FoundObjects
    from reporting_framework.operations.backfill_result import BackfillResult
    from reporting_framework.plugin_api.result import RunResult


def run_chunks(
    context: click.Context,
    name: str,
    given: dict[str, Any],
    generic: dict[str, Any],
    found: FoundObjects,
    result: BackfillResult,
) -> None:
    """Run the chunks one by one, and add their results; stop at the deadline.

    After an error or Ctrl-C, the way to go on is printed, and with ``--format json``
    the result so far.

    Args:
        context: Context of the command.
        name: Name of the report.
        given: Settings from options of their own.
        generic: Other options.
        found: The objects.
        result: Result to add to.
    """
    runs = _Runs(context, name, given, generic)
    shows_bar = progress.is_shown(quiet=generic["quiet"])
    reached = result.first
    with ExitStack() as stack:
        if shows_bar:
            bar = progress.ProgressBar(total=found.objects.height)
            state_of(context).registry.register(bar, "progress-bar")
            stack.callback(bar.close)
        try:
            for chunk in found.chunks(generic["chunk_objects"]):
                reached = chunk.first
                done = runs.run(chunk)
                result.add(done)
                if not (shows_bar or generic["quiet"]):
                    click.echo(_line(result, chunk, done), err=True)
                if not done.complete:
                    return
        except BaseException:
            if generic["format"] == "json" and result.run_ids:
                note(result.model_dump_json(indent=2))
            again = f", with --from {reached}" if generic["again"] else ""
            click.echo(
                f"stopped after {result.chunks_done:,} of {result.estimate.chunks:,}"
                f" chunks, which are kept; to go on, run the command again{again}",
                err=True,
            )
            raise


class _Runs:
    """Runs of a report that read named objects, each with a pipeline of its own."""

    def __init__(
        self,
        context: click.Context,
        name: str,
        given: dict[str, Any],
        generic: dict[str, Any],
    ) -> None:
        from reporting_framework.query.page_maker import page_maker

        self._context, self._name = context, name
        self._given, self._generic = given, generic
        self._state = state = state_of(context)
        budget = generic["time_budget"]
        self._deadline = state.began + budget if budget else None
        composition = state.pipeline_spec(name, given, generic["set"])
        self._page = page_maker(composition, state.registry)

    def run(self, chunk: Chunk) -> RunResult:
        """Run the report for the objects of a chunk."""
        pipeline = pipeline_of(
            self._context, self._name, self._given, self._generic["set"], "source"
        )
        return run(
            with_words(pipeline, self._context, self._given, self._generic),
            lifecycle=self._state.registry.lifecycle(self._page),
            deadline=self._deadline,
            replay=chunk.objects,
        )


def _line(result: BackfillResult, chunk: Chunk, done: RunResult) -> str:
    """Return the line of progress after a chunk."""
    number, chunks = len(result.run_ids), result.estimate.chunks
    return (
        f"chunk {number:,} of {chunks:,}, {chunk.first} to {chunk.last}:"
        f" {len(chunk.objects):,} objects, {done.accepted:,} accepted,"
        f" {done.rejected:,} rejected{left_text(number, chunks, result.seconds)}"
    )
