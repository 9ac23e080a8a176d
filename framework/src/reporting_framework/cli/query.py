"""``reporting query REPORT QUERY``: named queries on a report's table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.askable import print_askable
from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.installed import none_of, warn_of_uninstalled
from reporting_framework.cli.interrupts import interruptible
from reporting_framework.cli.options import (
    as_of_option,
    given_options,
    settings_options,
    shared_options,
)
from reporting_framework.cli.query_output import answer_options, form_of, print_answer
from reporting_framework.cli.run import ReportCommands, put_first, report_command
from reporting_framework.errors import PluginError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reporting_framework.plugin_api.query import Query
    from reporting_framework.registry.registry import Registry


class Day(click.ParamType[date]):
    """A day as ``YYYY-MM-DD``."""

    name = "day"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Convert to a date."""
        if isinstance(value, date):
            return value
        try:
            if len(value) == len(
                "YYYY-MM-DD"
            ):  # Python accepts 20240101 and 2024-W01-1 too
                return date.fromisoformat(value)
        except ValueError:
            pass
        return self.fail(f"{value!r} is not a day; give it as YYYY-MM-DD", param, ctx)


def query_options() -> list[click.Parameter]:
    """Return the options that every query has on every report."""
    return [
        click.Option(
            ["--where"],
            multiple=True,
            metavar="COLUMN=VALUE",
            help=(
                "Only rows with this value; COLUMN= selects null. Repeatable: values of"
                " one column are alternatives, different columns must all match."
            ),
        ),
        click.Option(
            ["--from"],
            type=Day(),
            metavar="DAY",
            help="Only rows from this day on (YYYY-MM-DD, in UTC).",
        ),
        click.Option(
            ["--to"],
            type=Day(),
            metavar="DAY",
            help="Only rows up to and including this day.",
        ),
        click.Option(
            ["--on"],
            metavar="COLUMN",
            help="Column that --from and --to apply to.  [default: timestamp]",
        ),
        as_of_option(),
        *answer_options("Output format."),
        *shared_options(),
    ]


class ReportQueries(ReportCommands):
    """A group whose commands are the reports, each a group of the queries."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the group of queries on a report.

        Raises:
            ReportingError: The report does not exist or cannot be used.
        """
        from reporting_framework.registry.reports import resolve_report

        report = resolve_report(cmd_name, state_of(ctx).registry)
        return Queries(
            cmd_name,
            help=(
                "Query the table of"
                f" {': '.join(filter(None, (cmd_name, report.summary)))}."
            ),
            subcommand_metavar="QUERY [OPTIONS]...",
            params=[
                click.Option(
                    ["--list"],
                    is_flag=True,
                    expose_value=False,
                    is_eager=True,
                    callback=_list,
                    help="List the queries.",
                )
            ],
        )


class Queries(CommandGroup):
    """A group whose commands are the queries on one report."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, but let ``--list`` win over a query and settings.

        Raises:
            UsageError: ``--list`` is combined with ``--format`` or ``--out``.
        """
        if "--list" in args and any(
            arg.partition("=")[0] in ("--format", "--out") for arg in args
        ):
            raise click.UsageError(
                "--list: the list is text; drop --format and --out", ctx
            )
        return super().parse_args(ctx, ["--list"] if "--list" in args else args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the queries."""
        return state_of(ctx).registry.names("query")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a query.

        Raises:
            ReportingError: The query does not exist or cannot be used.
        """
        state = state_of(ctx)
        if ctx.resilient_parsing and cmd_name not in state.registry.names("query"):
            return None
        return query_command(self.name or "", cmd_name, state)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Return names of queries and options; import no query."""
        from click.shell_completion import CompletionItem

        rows = [
            row
            for row in state_of(ctx).registry.listing
            if row.role == "query" and row.name.startswith(incomplete)
        ]
        return [
            CompletionItem(row.name, help=row.summary) for row in rows
        ] + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the queries with their summaries; import no query."""
        registry = state_of(ctx).registry
        warn_of_uninstalled(registry)
        rows = [row for row in registry.listing if row.role == "query"]
        with formatter.section("Queries"):
            lines = [
                (
                    row.name,
                    f"({row.status}: {row.reason})" if row.reason else row.summary,
                )
                for row in rows
            ]
            formatter.write_dl(lines or [("(none)", none_of(registry, "query"))])


def query_command(report: str, name: str, state: CliContext) -> click.Command:
    """Return the command of a query.

    The command has the query's definition as help, and the options of this query, of
    every query, and of the report's settings.

    Raises:
        ReportingError: The report or query does not exist or cannot be used.
    """
    query = state.registry.find("query", name)
    general = query_options()
    own = [*settings_options(query.Settings, general)]
    work = partial(print_query, query=query, own=[str(option.name) for option in own])
    command = report_command(report, state, work, [*own, *general])
    command.name, command.help = name, query.__doc__
    put_first(command, [*own, *general])
    return command


def print_query(
    context: click.Context,
    report: str,
    given: dict[str, Any],
    generic: dict[str, Any],
    *,
    query: type[Query],
    own: list[str],
) -> int:
    """Run the query on the report's current table and print the answer."""
    form, where = (
        form_of(generic["format"], generic["out"], context),
        conditions(generic["where"], context),
    )
    if generic["on"] and not (generic["from"] or generic["to"]):
        raise click.UsageError("--on: needs a day; add --from or --to", context)
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.query.filters import RowFilter
    from reporting_framework.query.run_query import run_query

    state = state_of(context)
    options = given_options(context, generic, own)
    selection = RowFilter(
        where, generic["from"], generic["to"], generic["on"] or "timestamp"
    )
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        composition = state.pipeline_spec(report, given, generic["set"])
        composition = composition._replace(as_of=generic["as_of"])
        answer = interruptible(
            lambda: run_query(
                report, query, options, composition, state.registry, selection
            )
        )
    print_answer(answer, form, generic["out"])
    return DONE


def conditions(texts: Sequence[str], context: click.Context) -> list[tuple[str, str]]:
    """Return the columns and values of ``--where``.

    Raises:
        UsageError: A text is not COLUMN=VALUE.
    """
    parts = [text.partition("=") for text in texts]
    if any(not equals or not column for column, equals, _ in parts):
        raise click.UsageError(
            "--where: expected COLUMN=VALUE, such as --where study=adrc", context
        )
    return [(column, value) for column, _, value in parts]


def _list(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the queries with their options and end the command."""
    if not wanted or context.resilient_parsing:
        return
    registry = state_of(context).registry
    print_askable(
        context,
        "query",
        ["query", "summary", "options"],
        lambda row: [row.name, row.summary, _flags(row.name, registry)],
    )
    context.exit()


def _flags(name: str, registry: Registry) -> str:
    """Return the options of a query, or the reason that it cannot be used.

    A broken query does not affect the list of the others.
    """
    try:
        model = registry.find("query", name).Settings
    except PluginError as error:
        return f"({error})"
    options = settings_options(model)
    return ", ".join(
        option.opts[0] if option.is_flag else f"{option.opts[0]} {option.metavar}"
        for option in options
    )


query_group = ReportQueries(
    "query",
    help="""Query a report's table.

    REPORT --list shows the queries; REPORT QUERY --help shows a query's exact
    definition and its options.
    """,
    subcommand_metavar="REPORT QUERY [OPTIONS]...",
    options=query_options,
)
