"""Errors as they are shown: one line where they are expected, never a value of a record."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.cli.context import CliContext
from reporting_framework.cli.failures import (
    escape_control_chars,
    run_and_exit,
    traceback_text,
    write,
)
from reporting_framework.cli.logs import logs_on_stderr
from reporting_framework.errors import (
    AccessDenied,
    ReportingError,
    SettingsError,
    StepFailed,
)


def raising(error: BaseException):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SettingsError("no\nway"), 2, "error: no way\n"),
        (AccessDenied("denied \x1b[2J"), 1, "error: denied \\x1b[2J\n"),
        (click.UsageError("usage"), 2, "Error: usage\n"),
        (click.exceptions.Exit(7), 7, ""),
        (click.Abort(), 130, "interrupted\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_what_is_expected_is_one_line_with_its_exit_code(capsys, error, code, text):
    assert run_and_exit(raising(error), CliContext()) == code
    assert capsys.readouterr() == ("", text)


@pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (4, 4), ("text", 0)])
def test_what_an_action_returns_is_its_exit_code(value, code):
    assert run_and_exit(lambda: value, CliContext()) == code


def failing() -> None:
    try:
        raise KeyError("SECRET-CAUSE")
    except KeyError as error:
        raise ValueError("SECRET-VALUE") from error


def test_an_unexpected_error_shows_where_and_what_type_and_no_message(capsys):
    assert run_and_exit(failing, CliContext()) == 1
    text = capsys.readouterr().err
    assert text.count("Traceback (most recent call last):") == 2
    assert text.index("KeyError: (message withheld; --verbose shows it)") < text.index(
        "which led to:"
    )
    assert text.index("which led to:") < text.index(
        "ValueError: (message withheld; --verbose shows it)"
    )
    assert "in failing" in text
    withheld = [
        line
        for line in text.splitlines()
        if line.startswith(("KeyError", "ValueError"))
    ]
    assert not any("SECRET" in line for line in withheld)


def test_verbose_shows_the_message(capsys):
    state = CliContext()
    state.verbose = True
    assert run_and_exit(failing, state) == 1
    assert "ValueError: SECRET-VALUE" in capsys.readouterr().err
    assert run_and_exit(raising(SettingsError("no")), state) == 2
    text = capsys.readouterr().err
    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("error: no\n")


def test_a_failed_step_shows_where_in_the_plugin(capsys):
    def step():
        try:
            failing()
        except ValueError as error:
            raise StepFailed("source x raised ValueError") from error

    assert run_and_exit(step, CliContext()) == 1
    text = capsys.readouterr().err
    assert "in failing" in text
    assert text.endswith("error: source x raised ValueError\n")


def test_a_traceback_keeps_the_messages_of_our_own_errors_and_ends_in_a_circle():
    ours, foreign = ReportingError("ours"), ValueError("SECRET-VALUE")
    ours.__cause__, foreign.__context__ = foreign, ours
    text = traceback_text(ours, verbose=False)
    assert "reporting_framework.errors.ReportingError: ours" in text
    assert "SECRET" not in text


def test_a_context_that_was_suppressed_stays_so():
    error = ValueError("b")
    error.__context__, error.__suppress_context__ = KeyError("a"), True
    assert "KeyError" not in traceback_text(error, verbose=False)


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_printed(text):
    assert escape_control_chars(text).isprintable()
    if text.isprintable():
        assert escape_control_chars(text) == text


def test_a_reader_that_went_away_is_no_error():
    code = "from reporting_framework.cli.failures import write\nfor _ in range(3): write('x' * 100_000)"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_follows_a_reader_that_went_away_goes_nowhere(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        write("a")
        write("b")


# -- logs -----------------------------------------------------------------------------------------------------------


def test_warnings_go_to_stderr_on_one_line(capsys):
    with logs_on_stderr(["fake_package"], verbose=False):
        logging.getLogger("anyone").warning("a\n\x1b[2Jb %s", 1)
        logging.getLogger("fake_package.part").info("hidden")
    logging.getLogger("fake_package.part").info("hidden")
    assert capsys.readouterr() == ("", "warning: a\\n\\x1b[2Jb 1\n")


def test_verbose_shows_what_the_framework_and_the_plugins_say_and_nobody_else(capsys):
    with logs_on_stderr(["fake_package"], verbose=True):
        logging.getLogger("fake_package.part").debug("a")
        logging.getLogger("reporting_framework.x").info("b")
        logging.getLogger("botocore").debug("hidden")
    assert (
        capsys.readouterr().err
        == "debug fake_package.part: a\ninfo reporting_framework.x: b\n"
    )
    assert logging.getLogger("fake_package").level == logging.NOTSET
    logging.getLogger("anyone").warning("hidden")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("verbose", "message"), [(False, "(message withheld"), (True, "SECRET-VALUE")]
)
def test_a_logged_exception_holds_no_message(capsys, verbose, message):
    with logs_on_stderr([], verbose=verbose):
        try:
            failing()
        except ValueError:
            logging.getLogger("anyone").exception("failed")
        logging.getLogger("anyone").error("failed", exc_info=True)
    assert f"ValueError: {message}" in capsys.readouterr().err


def test_logs_go_where_stderr_is_at_the_moment(monkeypatch):
    with logs_on_stderr([], verbose=False):
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        logging.getLogger("anyone").warning("a")
        assert sys.stderr.getvalue() == "warning: a\n"


def test_a_panic_of_a_library_is_an_error_like_any_other(capsys):
    class PanicException(BaseException):
        """What libraries in Rust raise."""

    assert run_and_exit(raising(PanicException("hunter2")), CliContext()) == 1
    assert "hunter2" not in capsys.readouterr().err
    with pytest.raises(GeneratorExit):
        run_and_exit(raising(GeneratorExit()), CliContext())


@pytest.mark.parametrize(
    ("function", "target", "code", "told"),
    [
        ("write", ">&-", 0, "on\n"),
        ("write", "| true", 0, "on\n"),
        (
            "write",
            ">/dev/full",
            1,
            "error: stdout: the result could not be printed: No space left on device\n",
        ),
        ("note", ">&-", 0, "on\n"),
        (
            "note",
            ">/dev/full",
            0,
            "warning: stdout: the result could not be printed: No space left on device\non\n",
        ),
    ],
)
def test_output_that_is_lost_fails_only_what_was_asked_to_print_it(
    function, target, code, told
):
    script = (
        "import sys, time; from reporting_framework.cli.failures import note, write, run_and_exit; "
        "from reporting_framework.cli.context import CliContext; "
        f"sys.exit(run_and_exit(lambda: (time.sleep(0.2), {function}('x' * 100_000), print('on', file=sys.stderr)), CliContext()))"
    )
    command = f"set -o pipefail; '{sys.executable}' -c \"{script}\" {target}"
    done = subprocess.run(
        ["bash", "-c", command], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, told)


@pytest.mark.parametrize(
    "words", ["--help", "--version", "event-log-checkpoint --help"]
)
def test_a_help_text_that_cannot_be_printed_is_an_error_of_one_line(words):
    program = Path(sys.executable).with_name("reporting-run")
    done = subprocess.run(
        ["bash", "-c", f"'{program}' {words} >/dev/full"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    problem = "stdout: the result could not be printed: No space left on device"
    assert (done.returncode, done.stderr) == (1, f"error: {problem}\n")
