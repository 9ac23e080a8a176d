"""``reporting backfill REPORT --from DATE --to DATE``: process a past period."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.actions import common_options, confirmed, pipeline_of
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE, REJECTED, STOPPED, UNREAD
from reporting_framework.cli.failures import note
from reporting_framework.cli.options import engine_option, limits
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.operations.backfill_result import BackfillResult

CHUNK_OBJECTS = 20_000
"""Default number of objects in a chunk."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Day(click.ParamType[date]):
    """A day as ``YYYY-MM-DD``."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Convert to a date."""
        try:
            if not _DATE.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is not a date; give YYYY-MM-DD, such as 2024-01-31",
                param,
                ctx,
            )


def backfill_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--from"],
            required=True,
            type=Day(),
            metavar="DATE",
            help="First day of the period, such as 2024-01-01.",
        ),
        click.Option(
            ["--to"],
            required=True,
            type=Day(),
            metavar="DATE",
            help="Last day of the period; it is included.",
        ),
        click.Option(
            ["--again"],
            is_flag=True,
            help="Read the objects or rows that the report already has, too.",
        ),
        click.Option(
            ["--dry-run"], is_flag=True, help="Print the estimate, and do nothing else."
        ),
        click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
        click.Option(
            ["--chunk-objects"],
            type=click.IntRange(min=1),
            default=CHUNK_OBJECTS,
            show_default=True,
            metavar="N",
            help="Most objects or rows in a chunk, which is a run with one commit.",
        ),
        click.Option(
            ["--price-table"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="TOML file with prices and speed for the estimate.",
        ),
        engine_option(),
        *limits("; run the command again for the rest", ""),
        *common_options("text", "json"),
    ]


def backfill_report(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the estimate, run chunk by chunk, and print the result."""
    from reporting_framework.cli.backfill_runs import run_chunks
    from reporting_framework.cli.backfill_summary import estimate_text, result_text
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.backfill import Window, find_objects
    from reporting_framework.operations.backfill_estimate import estimate
    from reporting_framework.operations.backfill_result import BackfillResult
    from reporting_framework.operations.price_table import read_price_table

    window = Window(generic["from"], generic["to"])
    if window.first > window.last:
        raise click.UsageError(
            f"--from {window.first} is after --to {window.last}; exchange them", context
        )
    prices = read_price_table(generic["price_table"])
    state, as_json = state_of(context), generic["format"] == "json"
    if generic["engine"]:
        given = {**given, "engine": generic["engine"]}
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        _check_source(context, name, given, generic["set"])
        found = find_objects(
            pipeline_of(context, name, given, generic["set"]),
            window,
            again=generic["again"],
        )
        result = BackfillResult(
            report=name,
            **window._asdict(),
            dry_run=generic["dry_run"],
            estimate=estimate(found, generic["chunk_objects"], prices),
        )
        if not as_json:
            note(estimate_text(result))
        elif not generic["dry_run"]:
            click.echo(estimate_text(result), err=True)
        if result.dry_run or not found.objects.height:
            result.complete = not result.dry_run
        elif generic["yes"] or confirmed("start?", context):
            run_chunks(context, name, given, generic, found, result)
        else:
            click.echo("nothing was changed", err=True)
    if as_json:
        note(result.model_dump_json(indent=2))
    elif result.run_ids:
        note(result_text(result))
    code, why = _exit_code(result, generic["max_rejected"])
    if why:
        click.echo(f"warning: {why}", err=True)
    return code


def _check_source(
    context: click.Context, name: str, given: dict[str, Any], sets: Sequence[str]
) -> None:
    """Refuse a source without windows before it is built; see `check_window`."""
    from reporting_framework.operations.backfill import check_window

    state = state_of(context)
    source = state.pipeline_spec(name, given, sets).source.name
    check_window(name, state.registry.find("source", source))


def _exit_code(result: BackfillResult, max_rejected: int | None) -> tuple[int, str]:
    """Return the exit code of a backfill that did not fail, and why it is not 0."""
    from reporting_framework.cli.backfill_summary import from_text

    if result.run_ids and not result.complete:
        return STOPPED, (
            "stopped at the deadline; what was done is kept, run the command"
            f" again{from_text(result)} for the rest"
        )
    if result.objects_unread:
        return UNREAD, (
            f"{result.estimate.unit} that could not be read:"
            f" {result.objects_unread:,}; run the"
            " command again to retry them"
        )
    if max_rejected is not None and result.rejected > max_rejected:
        return REJECTED, (
            f"rejected records: {result.rejected:,}, more than --max-rejected"
            f" {max_rejected}"
        )
    return DONE, ""


backfill_command = ReportCommands(
    "backfill",
    help="""Process the objects or rows of a past period, for the first time or again.

    An estimate is printed first: objects, bytes, requests, time and cost, or the number
    of rows. Then they are read in chunks, each of which is a run with one commit. Those
    that the report already has are left out, so the same command goes on after an
    interruption. With upsert, all are read, and replace only older versions. Source
    state and hints of the report stay as they are.
    """,
    subcommand_metavar="REPORT --from DATE --to DATE [OPTIONS]...",
    work=backfill_report,
    options=backfill_options,
)
