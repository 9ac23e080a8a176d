"""The command ``reporting counters event-processor verify``.

It compares the counters with the archive, and repairs them if asked to.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import write
from reporting_framework.cli.list import format_option
from reporting_framework.cli.options import settings_sources

if TYPE_CHECKING:
    from reporting_event_processor.settings import EventProcessorSettings

DIFFERENT = 3
"""Exit code if counters differ and are not repaired, or nothing is archived to compare
them with.
"""

_DAY = click.DateTime(["%Y-%m-%d"])


REPORT = "event-processor"


@click.group("counters")
def counters_group() -> None:
    """Verify the counters of a report."""


@counters_group.group(REPORT)
def report_group() -> None:
    """Verify the counters of the event processor."""


@report_group.command("verify", params=list(settings_sources()))
@click.option(
    "--from",
    "first",
    type=_DAY,
    required=True,
    metavar="DAY",
    help="First day, as YYYY-MM-DD (UTC).",
)
@click.option(
    "--to",
    "last",
    type=_DAY,
    metavar="DAY",
    help="Last day, inclusive.  [default: the first day]",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Raise counters that are too low to the archive's numbers.",
)
@click.option(
    "--lower", is_flag=True, help="With --fix: also lower counters that are too high."
)
@format_option
@click.pass_context
def verify_command(
    context: click.Context,
    /,
    first: datetime,
    last: datetime | None,
    fix: bool,
    lower: bool,
    format_: str,
    **generic: Any,
) -> None:
    """Compare counters with the archive.

    Reads the events of whole days from the archive, counts them again, and shows
    counters that differ. Exits with 3 if some differ and are not repaired, or nothing
    is archived. While events of these days still arrive, differences are normal: an
    event may be counted before it is archived. Use --lower only after the stream has
    been read to its end.
    """
    from reporting_event_processor.verify import verify
    from reporting_framework.config.resolve import resolve_settings
    from reporting_framework.registry.reports import resolve_report

    last = last or first
    if last < first:
        raise click.UsageError(
            "--to: must not be before --from; correct the days", context
        )
    if lower and not fix:
        raise click.UsageError("--lower: only with --fix; add --fix", context)
    if fix and datetime.now(UTC) < last.replace(tzinfo=UTC) + timedelta(
        days=1, hours=1
    ):
        raise click.UsageError(
            "--fix: the days must have ended at least an hour ago, as events of later"
            " days still arrive; choose earlier days",
            context,
        )
    state = state_of(context)
    state.given_config = generic["config"]
    model = resolve_report(REPORT, state.registry).Settings
    report_settings = resolve_settings(
        REPORT, model, config=state.config, environment=os.environ, sets=generic["set"]
    )
    settings = cast("EventProcessorSettings", report_settings)
    days = [
        (first + timedelta(days=number)).date()
        for number in range((last - first).days + 1)
    ]
    checked, differences = verify(settings, days, fix=fix, lower=lower)
    if format_ == "json":
        document = {
            "counters": checked,
            "differences": [difference._asdict() for difference in differences],
        }
        write(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from reporting_framework.cli.tables import listing

        head = ["counter", "events", "archived events", "users", "archived users", ""]
        rows = [
            [
                difference.name,
                *(f"{number:,}" for number in difference.numbers),
                "fixed" if difference.fixed else difference.why,
            ]
            for difference in differences
        ]
        summary = f"{checked:,} counters compared, {len(differences):,} differ"
        write("\n".join([summary, *([listing(head, rows)] if rows else [])]))
    if not checked:
        click.echo(
            f"warning: {settings.archive}: nothing is archived for these days",
            err=True,
        )
    if not checked or any(not difference.fixed for difference in differences):
        context.exit(DIFFERENT)
