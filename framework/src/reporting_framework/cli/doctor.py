"""``reporting doctor [REPORT]``: checks of everything that a run needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.actions import common_options
from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.exit_codes import DONE, FAILED
from reporting_framework.cli.failures import write
from reporting_framework.cli.options import Duration
from reporting_framework.cli.run import ReportCommands
from reporting_framework.errors import ReportingError

if TYPE_CHECKING:
    from reporting_framework.operations.doctor import Check, CheckedPart
    from reporting_framework.plugin_api.records import CheckResult

TIMEOUT_SECONDS = 20.0
"""Default time limit of each check, in seconds (``--time-limit``)."""


def doctor_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--write"],
            is_flag=True,
            help=(
                "Check that conditional writes work: write a probe next to the"
                " checkpoint and remove it."
            ),
        ),
        click.Option(
            ["--time-limit"],
            type=Duration(),
            metavar="TIME",
            default=TIMEOUT_SECONDS,
            show_default="20s",
            help="Time limit of each check, such as 90s or 2m.",
        ),
        *common_options("table", "json"),
    ]


class Doctor(ReportCommands):
    """A group whose commands are the reports.

    Without a report, only the checks that need none run.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(
            *args,
            **more,
            invoke_without_command=True,
            no_args_is_help=False,
            work=check_report,
            options=doctor_options,
        )
        self.params = [
            option
            for option in doctor_options()
            if option.name in ("time_limit", "format", "config")
        ]
        self.callback = _check_all

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the checks of a report.

        If the report cannot be used, the command reports that and runs the general
        checks.
        """
        try:
            return super().get_command(ctx, cmd_name)
        except ReportingError as error:
            problem = str(error)

        def checked(**params: Any) -> None:
            context = click.get_current_context()
            context.exit(
                _report(
                    state_of(context), {"report": partial(_failing, problem)}, params
                )
            )

        return click.Command(
            cmd_name,
            callback=checked,
            params=doctor_options(),
            add_help_option=False,
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        )


def _failing(problem: str) -> CheckResult:
    from reporting_framework.plugin_api.records import CheckResult

    return CheckResult("fail", problem)


def _check_all(**params: Any) -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        state = state_of(context)
        state.given_config = params["config"]
        context.exit(_report(state, {}, params))


def check_report(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Check everything that a run of the report needs.

    The output says how to fix each problem.
    """
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.doctor import of_report

    state = state_of(context)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        try:
            composition = state.pipeline_spec(name, given, generic["set"])
            checks = of_report(
                name, composition, state.registry, write=generic["write"]
            )
        except ReportingError as error:
            checks = {"report": partial(_failing, str(error))}
        return _report(state, checks, generic)


def _report(state: CliContext, more: dict[str, Check], params: dict[str, Any]) -> int:
    """Run all checks, print their results, and return the exit code."""
    from reporting_framework.operations.doctor import run_checks
    from reporting_framework.operations.installation import general

    checks = (
        general(lambda: state.plugins, lambda: state.registry, lambda: state.config)
        | more
    )
    results = _progress(run_checks(checks, limit=params["time_limit"]))
    failed = any(result.status == "fail" for result in results)
    if params["format"] == "json":
        write(
            json.dumps(
                [result._asdict() for result in results], indent=2, ensure_ascii=False
            )
        )
        return FAILED if failed else DONE
    from reporting_framework.cli.tables import listing

    rows = [
        [result.check, result.status, result.found, result.advice] for result in results
    ]
    write(listing(["check", "status", "found", "what to do"], rows))
    return FAILED if failed else DONE


def _progress(checks: Iterable[CheckedPart]) -> Sequence[CheckedPart]:
    """Return all results; print each to a terminal at once, as a check may be slow."""
    results = []
    for check in checks:
        results.append(check)
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(f"{check.check}: {check.status}", err=True)
    return results


doctor_command = Doctor(
    "doctor",
    help="""Check everything that a run needs.

    With REPORT, check that report too; its settings are options. Exits with 1 if a
    check fails.
    """,
    subcommand_metavar="[REPORT] [OPTIONS]...",
)
