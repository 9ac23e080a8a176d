"""End of an invocation: what is printed, and the display of errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.exit_codes import DONE, FAILED, INTERRUPTED
from reporting_framework.cli.interrupts import end_with
from reporting_framework.cli.standard_streams import (
    escape_control_chars as escape_control_chars,
)
from reporting_framework.cli.standard_streams import for_stdout, printable_lines
from reporting_framework.errors import FatalError, ReportingError, StepFailed
from reporting_framework.execution.tracebacks import traceback_text

if TYPE_CHECKING:
    from reporting_framework.cli.context import CliContext

_PIECE = 1024 * 1024
_NOT_PRINTED = "stdout: the result could not be printed"


def run_and_exit(action: Callable[[], Any], state: CliContext) -> int:
    """Run an action and return the exit code; show its errors on stderr.

    An expected error is one line. Any other error keeps its traceback; its message is
    shown only with ``--verbose``, as it may hold values of records.
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
    except BaseException as error:  # a panic in a Rust library is not an `Exception`
        if isinstance(error, OSError) and _is_of_output(error):
            _discard_output()
            click.echo(f"error: {_NOT_PRINTED}: {error.strerror}", err=True)
            return FatalError.exit_code
        if (
            not isinstance(error, Exception)
            and type(error).__name__ != "PanicException"
        ):
            raise
        click.echo(traceback_text(error, verbose=state.verbose), err=True)
        return FAILED
    return code if isinstance(code, int) else DONE


def write_file(path: Path) -> None:
    """Print a text file in pieces."""
    with path.open(encoding="utf-8", newline="") as file:
        while piece := file.read(_PIECE):
            write(printable_lines(piece), newline=False)


def write(text: str, *, newline: bool = True) -> None:
    """Print the output of a command.

    A closed or missing stdout is not an error.

    Raises:
        FatalError: Printing failed, for example because the disk is full.
    """
    if (error := _print(text, newline=newline)) is not None:
        raise FatalError(f"{_NOT_PRINTED}: {error.strerror}") from error


def note(text: str) -> None:
    """Print the result of finished work; a failure to print is only a warning."""
    if (error := _print(text, newline=True)) is not None:
        click.echo(f"warning: {_NOT_PRINTED}: {error.strerror}", err=True)


def _print(text: str, *, newline: bool) -> OSError | None:
    """Print on stdout.

    Return the error of a failed write, unless the reader closed the pipe. Later output
    is discarded.
    """
    if sys.stdout is None:
        return None
    try:
        click.echo(
            for_stdout(text), nl=newline, file=sys.stdout, color=True
        )  # without `color`, click removes colors from values
        sys.stdout.flush()
    except OSError as error:
        _discard_output()
        return None if isinstance(error, BrokenPipeError) else error
    return None


def _discard_output() -> None:
    """Discard what is left to print, which would fail again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_of_output(error: OSError) -> bool:
    """Return whether printing raised an error: click prints help texts by itself."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__
