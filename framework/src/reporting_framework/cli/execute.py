"""One run from the command line: setup, observation and printed result."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.exit_codes import exit_code
from reporting_framework.cli.failures import note
from reporting_framework.cli.summary import check_lines
from reporting_framework.errors import CheckFailed
from reporting_framework.plugin_api.markers import hookimpl

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.streams import Assembled
    from reporting_framework.plugin_api.observer import PageMaker
    from reporting_framework.plugin_api.result import RunResult

ONCE = {
    "--format": True,
    "--time-budget": True,
    "--verbose": False,
    "--full-scan": False,
    "--no-full-scan": False,
}
"""Options of one run only, which suggested commands leave out.

The value says whether the option takes a value.
"""


def execute(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Set up a run, run it, print its result, and return the exit code."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.config.resolve import unknown_report_settings

    if generic["limit"] and not generic["dry_run"]:
        raise click.UsageError("--limit: only for dry runs; add --dry-run", context)
    files = [*generic["events"], *generic["more_events"]]
    if generic["more_events"] and not generic["events"]:
        raise click.UsageError(
            f"Got unexpected extra argument ({generic['more_events'][0]})", context
        )
    state = state_of(context)
    for problem in unknown_report_settings(
        state.config, os.environ, state.registry.names("report")
    ):
        click.echo(f"warning: {problem}", err=True)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        engine = {"engine": generic["engine"]} if generic["engine"] else {}
        composition = state.pipeline_spec(name, given | engine, generic["set"])
        from reporting_framework.execution.streams import assemble_all
        from reporting_framework.query.page_maker import page_maker

        trigger = None
        if files:
            from reporting_framework.execution.triggers import trigger_of_files

            trigger = trigger_of_files(map(Path, files))
        page = page_maker(composition, state.registry)
        assembled = assemble_all(
            name,
            composition,
            state.registry,
            trigger=trigger,
            lifecycle=state.registry.lifecycle(page),
            early=True,
        )
        assembled = assembled.map(
            lambda pipeline: with_words(pipeline, context, given, generic)
        )
        result = observed(assembled, state, generic, page=page)
    print_result(context, result, name, given, generic)
    code, why = exit_code(result, generic["max_rejected"])
    if why:
        click.echo(f"warning: {why}", err=True)
    return code


def with_words(
    pipeline: Pipeline,
    context: click.Context,
    given: Mapping[str, Any],
    generic: Mapping[str, Any],
) -> Pipeline:
    """Return the pipeline with the settings of this command for suggested commands."""
    again = _command_words(
        context, state_of(context), pipeline.report, given, generic["set"]
    )
    words = shlex.join(_settings_words(given, generic)) if again else "…"
    return pipeline._replace(words=redacted(words))


def print_result(
    context: click.Context,
    result: RunResult,
    name: str,
    given: Mapping[str, Any],
    generic: Mapping[str, Any],
) -> None:
    """Print the result of a run in the requested format."""
    if generic["format"] == "json":
        note(result.model_dump_json(indent=2))
    else:
        from reporting_framework.cli.summary import summary

        again = _command_words(context, state_of(context), name, given, generic["set"])
        note(summary(result, again, _settings_words(given, generic) if again else None))


def observed(
    assembled: Assembled,
    state: CliContext,
    generic: Mapping[str, Any],
    *,
    replay: Sequence[str] | None = None,
    page: PageMaker | None = None,
) -> RunResult:
    """Run with the observers of the command line.

    With ``--format json``, a failed run that had started prints a result too.

    `replay` has the meaning of `runner.run`'s parameter, `page` that of
    `Registry.lifecycle`'s.
    """
    from reporting_framework.cli import progress
    from reporting_framework.execution.streams import run_all

    watch, registry, budget = _Watch(), state.registry, generic["time_budget"]
    registry.register(watch, "command-line")
    with ExitStack() as stack:
        if progress.is_shown(quiet=generic["quiet"]):
            bar = progress.ProgressBar(
                total=generic["limit"] or (len(replay) if replay else None)
            )
            registry.register(bar, "progress-bar")
            stack.callback(bar.close)
        try:
            return run_all(
                assembled,
                lifecycle=registry.lifecycle(page),
                deadline=state.began + budget if budget else None,
                dry_run=generic["dry_run"],
                limit=generic["limit"],
                replay=replay,
            )
        except BaseException as error:
            failed = error.result if isinstance(error, CheckFailed) else None
            if failed is not None and generic["format"] != "json":
                note(check_lines(failed))
            if watch.run_id and generic["format"] == "json":
                result = (
                    watch.result or failed or watch.failed(dry_run=generic["dry_run"])
                )
                note(result.model_dump_json(indent=2))
            raise


class _Watch:
    """Observer that records which run started, and its result."""

    def __init__(self) -> None:
        self.report = self.run_id = ""
        self.began = time.monotonic()
        self.result: RunResult | None = None

    @hookimpl
    def reporting_run_started(self, report: str, run_id: str) -> None:
        self.report, self.run_id = report, run_id

    @hookimpl
    def reporting_run_finished(self, result: RunResult) -> None:
        self.result = result

    def failed(self, *, dry_run: bool) -> RunResult:
        """Return the result of a run that failed."""
        from reporting_framework.plugin_api.result import RunResult, Seconds

        seconds = Seconds(total=round(time.monotonic() - self.began, 6))
        return RunResult(
            report=self.report,
            run_id=self.run_id,
            status="failed",
            complete=False,
            dry_run=dry_run,
            seconds=seconds,
        )


def _command_words(
    context: click.Context,
    state: CliContext,
    name: str,
    given: Iterable[str],
    sets: Sequence[str],
) -> list[str]:
    """Return the words of this command, without ``--format``.

    Empty if one of them may be a secret.
    """
    from reporting_framework.config.fields import annotation_at, holds_secret
    from reporting_framework.registry.reports import resolve_report

    model = resolve_report(name, state.registry).Settings
    paths = [(key,) for key in given] + [
        tuple(text.partition("=")[0].split(".")) for text in sets
    ]
    for path in paths:
        annotation = annotation_at(model, path)
        if annotation is None or holds_secret(annotation):
            return []
    words: list[str] = [context.find_root().info_name or "reporting-run"]
    skip = False
    for word in state.arguments:
        flag = word.partition("=")[0]
        if not skip and flag not in ONCE:
            words.append(word)
        skip = not skip and word in ONCE and ONCE[word]
    return words


def _settings_words(given: Mapping[str, Any], generic: Mapping[str, Any]) -> list[str]:
    """Return the settings of this command as other commands on the report take them."""
    from reporting_framework.config.layers import option

    words: list[str] = []
    for key, value in given.items():
        flag = option(key)
        if flag in ONCE:
            continue
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag.removeprefix('--')}")
        else:
            words += [
                word
                for item in (value if isinstance(value, tuple | list) else [value])
                for word in (flag, str(item))
            ]
    words += [word for assignment in generic["set"] for word in ("--set", assignment)]
    return [*words, "--config", generic["config"]] if generic.get("config") else words
