"""Logs on stderr during a run."""

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
    """Formatter that writes one redacted line for each record.

    Tracebacks leave out the messages of foreign errors unless `verbose`.
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

        Another handler may have cached a traceback with its message in the record.
        """
        plain_record = copy(record)
        plain_record.levelname, plain_record.exc_text = record.levelname.lower(), None
        return redacted(super().format(plain_record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return escape_control_chars(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return traceback_text(ei[1], verbose=self.verbose) if ei[1] else ""


class _Stderr(logging.Handler):
    """Handler that writes to the current `sys.stderr`.

    A progress bar replaces `sys.stderr` while it is shown.
    """

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


@contextmanager
def logs_on_stderr(packages: Iterable[str], *, verbose: bool) -> Iterator[None]:
    """Show warnings of all loggers on stderr.

    With `verbose`, show all records of the framework and the plugins' packages.
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
