"""``reporting freshness REPORT``: one line and an exit code for monitors."""

from __future__ import annotations

import json
from typing import Any

import click

from reporting_framework.cli.actions import common_options, pipeline_of
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE, NEVER, STALE
from reporting_framework.cli.failures import note
from reporting_framework.cli.options import Duration
from reporting_framework.cli.run import ReportCommands

_WHAT = {
    "history": "the last complete run ended",
    "modification": "there is no history of runs; the table was last written",
    "timestamp": "the newest data is from",
}


def freshness_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--max-age"],
            type=Duration(),
            metavar="TIME",
            required=True,
            help="Highest age that counts as fresh, such as 90s, 15m, 26h or 3d.",
        ),
        click.Option(
            ["--of"],
            type=click.Choice(["runs", "data"]),
            default="runs",
            show_default=True,
            help=(
                "Check the age of the last complete run, or of the newest timestamp in"
                " the data."
            ),
        ),
        *common_options("text", "json"),
    ]


def check_freshness(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the age of the last complete run or of the newest data.

    The exit code says whether that age is allowed.
    """
    from reporting_framework._text.messages import utc_text
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.freshness import freshness

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        answer = freshness(
            pipeline_of(context, name, given, generic["set"], "offline"),
            generic["of"],
        )
    allowed = generic["max_age"]
    state, code = (
        ("fresh", DONE)
        if answer.age is not None and answer.age <= allowed
        else ("stale", STALE)
    )
    if answer.gone:
        state, code = "stale", STALE
    if answer.moment is None:
        state, code = "never", NEVER
    if generic["format"] == "json":
        moment = utc_text(answer.moment) if answer.moment else None
        note(
            json.dumps(
                {
                    **answer._asdict(),
                    "moment": moment,
                    "max_age": allowed,
                    "state": state,
                }
            )
        )
    elif answer.moment is None or answer.age is None:
        missing = (
            "there is no data yet"
            if answer.of == "data"
            else "no run has ended ok and complete"
        )
        note(f"{name}: never: {missing}")
    elif answer.gone:
        note(
            f"{name}: stale: its table is missing or cannot be read; the last complete"
            f" run ended {answer.moment:%Y-%m-%d %H:%M:%S} UTC"
        )
    else:
        ago = (
            f"{age_in_words(answer.age)} ago"
            if answer.age >= 0
            else f"in {age_in_words(-answer.age)}"
        )
        note(
            f"{name}: {state}: {_WHAT[answer.basis]} {ago}"
            f" ({answer.moment:%Y-%m-%d %H:%M:%S} UTC);"
            f" {age_in_words(allowed)} is allowed"
        )
    return code


def age_in_words(seconds: float) -> str:
    """Format a duration in its two largest units, such as ``3d 4h``."""
    left, parts = int(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2]) or "0s"


freshness_command = ReportCommands(
    "freshness",
    help="""Check whether a report is fresh, for a monitor.

    Prints one line. Exit codes: 0 fresh, 6 stale, 7 never; any other code: unknown.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=check_freshness,
    options=freshness_options,
)
