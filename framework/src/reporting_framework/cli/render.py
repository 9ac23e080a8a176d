"""``reporting render REPORT``: a report's table, or a month of it, as HTML page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import click

from reporting_framework.cli.askable import print_askable
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import escape_control_chars, write
from reporting_framework.cli.interrupts import interruptible
from reporting_framework.cli.options import (
    given_options,
    settings_options,
    shared_options,
    unparsed_value,
)
from reporting_framework.cli.query_output import replacing
from reporting_framework.cli.run import ReportCommands, put_first, report_command

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
MONTHS = 24
"""Number of months with data that a warning names, the newest."""

_PAGE = "reporting_framework.page"


class Month(click.ParamType[date]):
    """A month as ``YYYY-MM``, converted to its first day."""

    name = "month"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Convert to the first day of the month."""
        if isinstance(value, date):
            return value
        match = _MONTH.fullmatch(value)
        if (
            not match or not "1000" <= match[1] < "9999"
        ):  # a page needs the months before and after
            self.fail(f"{value!r} is not a month; give it as YYYY-MM", param, ctx)
        return date(int(match[1]), int(match[2]), 1)


def page_options() -> list[click.Parameter]:
    """Return the options that every page has on every report."""
    return [
        click.Option(
            ["--list"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_list,
            help="List the pages.",
        ),
        click.Option(
            ["--month"],
            type=Month(),
            metavar="MONTH",
            help=(
                "Month of the page (YYYY-MM, in UTC).  [default: the last complete"
                " month]"
            ),
        ),
        click.Option(
            ["--page"],
            metavar="NAME",
            help="Page to render.  [default: the report's own]",
        ),
        click.Option(
            ["--html"],
            metavar="FILE",
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Write the page to this file; - is stdout.",
        ),
        click.Option(
            ["--pdf"],
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Print the page as PDF to this file; needs Chromium.",
        ),
        click.Option(
            ["--chromium"],
            metavar="PROGRAM",
            help=(
                "Chromium or a compatible browser.  [default: $REPORTING_CHROMIUM, else"
                " a browser in the PATH]"
            ),
        ),
        *shared_options(),
    ]


class ReportPages(ReportCommands):
    """A group whose commands are the reports.

    A command has the options of the selected page.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command after reading ``--page``; pages have their own options."""
        ctx.meta[_PAGE] = unparsed_value("--page", args)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command that renders a report's page.

        Raises:
            ReportingError: The report or page does not exist or cannot be used.
        """
        from reporting_framework.registry.reports import resolve_report

        state, general = state_of(ctx), page_options()
        report = resolve_report(cmd_name, state.registry)
        name = ctx.meta.get(_PAGE) or getattr(report, "page", None)
        own: list[click.Option] = []
        if name:
            model = state.registry.find("page", name).Settings
            own = [*settings_options(model, general)]
        work = partial(make, page=name, own=[str(option.name) for option in own])
        command = report_command(cmd_name, state, work, [*own, *general])
        put_first(command, [*general, *own])
        command.help = f"Render a page of {cmd_name}" + (f": {name}." if name else ".")
        return command


def make(
    context: click.Context,
    report: str,
    given: dict[str, Any],
    generic: dict[str, Any],
    *,
    page: str | None,
    own: Sequence[str],
) -> int:
    """Render a page of the report's current table."""
    html, pdf = generic["html"], generic["pdf"]
    if not html and not pdf:
        raise click.UsageError(
            "no output: add --html FILE, --pdf FILE or both", context
        )
    from reporting_framework.cli.chromium import find_chromium, print_page
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.query import pages
    from reporting_framework.registry.reports import resolve_report

    state, now = state_of(context), datetime.now(UTC)
    chromium = find_chromium(generic["chromium"]) if pdf else ""
    options = given_options(context, generic, own)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        name = pages.page_name(
            resolve_report(report, state.registry), page, state.registry
        )
        rendered = pages.page_of(report, name, options, state.registry)
        if generic["month"] and not rendered.monthly:
            raise click.UsageError(
                f"page {name}: it is about the whole table; leave out --month", context
            )
        composition = state.pipeline_spec(report, given, generic["set"])

        def work() -> tuple[date, str, list[date] | None]:
            reading = pages.read(report, composition, state.registry, at=now)
            month = generic["month"] or reading.material.month
            return (
                month,
                pages.render(rendered, reading, month),
                pages.months_of(reading) if rendered.monthly else None,
            )

        month, text, months = interruptible(work)
        _warn_of_no_data(month, months)
        label = pages.label_of(rendered, month)
        if html == "-":
            write(text.removesuffix("\n"))
        elif html:
            _write_page(html, text.encode(), label)
        if pdf:
            _write_page(pdf, print_page(text, chromium), label, err=html == "-")
    return DONE


def _write_page(file: str, data: bytes, what: str, *, err: bool = False) -> None:
    """Write a file in one step and print its size."""
    with replacing(file, "the page") as scratch:
        scratch.write_bytes(data)
    click.echo(escape_control_chars(f"{file}: {what}, {len(data):,} bytes"), err=err)


def _warn_of_no_data(month: date, months: Sequence[date] | None) -> None:
    """Warn if the table has no row of the month, and name the months with rows."""
    if months is None or month in months:
        return
    shown = [f"{month:%Y-%m}" for month in months[-MONTHS:]]
    earlier = f", and {len(months) - MONTHS} earlier" if len(months) > MONTHS else ""
    hint = (
        f"months with data: {', '.join(shown)}{earlier}"
        if shown
        else "the table has no data"
    )
    click.echo(f"warning: {month:%Y-%m}: no data; {hint}", err=True)


def _list(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the pages and end the command."""
    if not wanted or context.resilient_parsing:
        return
    print_askable(
        context,
        "page",
        ["page", "summary", "distribution"],
        lambda row: [row.name, row.summary, row.distribution],
    )
    context.exit()


render_command = ReportPages(
    "render",
    help="""Render a report's table, or a month of it, as a page.

    The page is one self-contained HTML file. REPORT --list shows the pages; REPORT
    --help shows the options of the report's own page.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    options=page_options,
)
