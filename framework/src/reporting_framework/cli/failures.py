"""What ends an invocation: exit codes, and errors as they are shown to people."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.interrupts import end_with
from reporting_framework.cli.streams import escape_control_chars as escape_control_chars
from reporting_framework.cli.streams import for_stdout, printable_lines
from reporting_framework.errors import FatalError, ReportingError, StepFailed
from reporting_framework.execution.tracebacks import traceback_text

if TYPE_CHECKING:
    from reporting_framework.cli.context import CliContext

DONE, FAILED, USAGE, REJECTED, UNREAD, STOPPED, STALE, NEVER, NOT_FOUND, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    130,
)

_PIECE = 1024 * 1024

EXIT_CODES = {
    DONE: "done",
    FAILED: "failed: a storage, a plugin or the data; what is on stderr says which",
    USAGE: "usage or settings: put the command, the configuration or the plugins right",
    REJECTED: "rejected more than `--max-rejected`; what is good is kept",
    UNREAD: "some objects were left unread; the next run tries them again",
    STOPPED: "stopped at the deadline; what is done is kept, run again for the rest",
    STALE: "`reporting freshness`: older than `--max-age`",
    NEVER: "`reporting freshness`: there was no such run, or there is no data yet",
    NOT_FOUND: "`reporting trace`: neither a row nor a rejected record is like that",
    INTERRUPTED: "interrupted from the keyboard",
}
"""What each exit code of the command line says. A `ReportingError` has its own."""


def run_and_exit(action: Callable[[], Any], state: CliContext) -> int:
    """Do something and give the exit code; whatever it raises is shown on stderr.

    An expected error is one line. Any other keeps its traceback, but its message only
    with ``--verbose``: it may hold values of records.
    """
    try:
        code = action()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(redacted(shown.getvalue()), nl=False, err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        end_with(INTERRUPTED)
        return INTERRUPTED
    except ReportingError as error:
        if state.verbose or isinstance(error, StepFailed):
            click.echo(
                traceback_text(error.__cause__ or error, verbose=state.verbose),
                err=True,
            )
        click.echo(f"error: {escape_control_chars(redacted(str(error)))}", err=True)
        return error.exit_code
    except (
        BaseException
    ) as error:  # libraries in Rust panic with one that is no `Exception`
        if (
            not isinstance(error, Exception)
            and type(error).__name__ != "PanicException"
        ):
            raise
        click.echo(traceback_text(error, verbose=state.verbose), err=True)
        return FAILED
    return code if isinstance(code, int) else DONE


def write_file(path: Path) -> None:
    """Print a file of text, a piece at a time."""
    with path.open(encoding="utf-8", newline="") as file:
        while piece := file.read(_PIECE):
            write(printable_lines(piece), newline=False)


def write(text: str, *, newline: bool = True) -> None:
    """Print what was asked for.

    A reader that has gone away, or was never there, is no error.

    Raises:
        FatalError: It cannot be written, as where the disk is full.
    """
    if (error := _print(text, newline=newline)) is not None:
        raise FatalError(
            f"the result could not be printed: {error.strerror}"
        ) from error


def note(text: str) -> None:
    """Print what was done, which is done though it cannot be printed."""
    if (error := _print(text, newline=True)) is not None:
        click.echo(
            f"warning: the result could not be printed: {error.strerror}", err=True
        )


def _print(text: str, *, newline: bool) -> OSError | None:
    """Print on stdout.

    After an error, what follows goes nowhere; return it unless the reader has gone
    away.
    """
    if sys.stdout is None:
        return None
    try:
        click.echo(
            for_stdout(text), nl=newline, file=sys.stdout, color=True
        )  # else it takes colors out of values
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None if isinstance(error, BrokenPipeError) else error
    return None
