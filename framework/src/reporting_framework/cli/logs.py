"""Logs on stderr, for the time of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.failures import escape_control_chars
from reporting_framework.execution.tracebacks import traceback_text


class _Formatter(logging.Formatter):
    """One redacted line for each record.

    Tracebacks hold no message of a foreign error unless `verbose`.
    """

    def __init__(self, verbose: bool) -> None:
        super().__init__(
            "%(levelname)s %(name)s: %(message)s"
            if verbose
            else "%(levelname)s: %(message)s"
        )
        self.verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """Format a copy of the record.

        Another handler may have left its traceback, message and all, in the record.
        """
        plain_record = copy(record)
        plain_record.levelname, plain_record.exc_text = record.levelname.lower(), None
        return redacted(super().format(plain_record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return escape_control_chars(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return traceback_text(ei[1], verbose=self.verbose) if ei[1] else ""


class _Stderr(logging.Handler):
    """A handler that writes to whatever `sys.stderr` is at the moment.

    A progress bar puts itself in between.
    """

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


@contextmanager
def logs_on_stderr(packages: Iterable[str], *, verbose: bool) -> Iterator[None]:
    """Warnings of everyone.

    With `verbose` everything that the framework and the plugins' packages say.
    """
    handler, root = _Stderr(), logging.getLogger()
    handler.setFormatter(_Formatter(verbose))
    loggers = (
        [logging.getLogger(name) for name in ("reporting_framework", *packages)]
        if verbose
        else []
    )
    levels = [(logger, logger.level) for logger in loggers]
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in levels:
            logger.setLevel(level)
