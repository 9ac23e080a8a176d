"""Runs of a backfill, one for each chunk, with progress on stderr."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli import progress
from reporting_framework.cli.actions import pipeline_of
from reporting_framework.cli.backfill_summary import from_text, left_text
from reporting_framework.cli.context import state_of
from reporting_framework.cli.execute import with_words
from reporting_framework.cli.failures import note
from reporting_framework.execution.runner import run

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    try:
        for chunk, done in _runs(context, name, given, generic, found):
            result.add(done, chunk, again=generic["again"])
            if not (generic["quiet"] or progress.is_shown(quiet=False)):
                click.echo(_line(result, chunk, done), err=True)
    except BaseException:
        if generic["format"] == "json" and result.run_ids:
            note(result.model_dump_json(indent=2))
        click.echo(
            f"stopped after {result.chunks_done:,} of {result.estimate.chunks:,}"
            " chunks, which are kept; to go on, run the command"
            f" again{from_text(result)}",
            err=True,
        )
        raise


def _runs(
    context: click.Context,
    name: str,
    given: dict[str, Any],
    generic: dict[str, Any],
    found: FoundObjects,
) -> Iterator[tuple[Chunk, RunResult]]:
    """Run the chunks one by one, each with a pipeline of its own, until the deadline.

    A run takes at least one split, so the first chunk makes progress in any case. The
    progress bar is removed before an error is raised.
    """
    from reporting_framework.query.page_maker import page_maker

    state, sets, budget = state_of(context), generic["set"], generic["time_budget"]
    deadline = state.began + budget if budget else None
    page = page_maker(state.pipeline_spec(name, given, sets), state.registry)
    with ExitStack() as stack:
        if progress.is_shown(quiet=generic["quiet"]):
            bar = progress.ProgressBar(total=found.objects.height)
            state.registry.register(bar, "progress-bar")
            stack.callback(bar.close)
        for chunk in found.chunks(generic["chunk_objects"]):
            pipeline = pipeline_of(context, name, given, sets, "source")
            result = run(
                with_words(pipeline, context, given, generic),
                lifecycle=state.registry.lifecycle(page),
                deadline=deadline,
                replay=chunk.objects,
            )
            yield chunk, result
            if not result.complete or (deadline and time.monotonic() >= deadline):
                return


def _line(result: BackfillResult, chunk: Chunk, done: RunResult) -> str:
    """Return the line of progress after a chunk."""
    number, chunks = len(result.run_ids), result.estimate.chunks
    return (
        f"chunk {number:,} of {chunks:,}, {chunk.first} to {chunk.last}:"
        f" {len(chunk.objects):,} {result.estimate.unit}, {done.accepted:,} accepted,"
        f" {done.rejected:,} rejected{left_text(number, chunks, result.seconds)}"
    )
