"""Log records of a worker process, which the parent logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from typing import Any

from typing_extensions import override

from reporting_framework.builtin.processes.sent_errors import received, sent

Levels = Mapping[str, int]
"""Levels of loggers by name; that of the root logger is under an empty name."""


def levels() -> Levels:
    """Return the levels that are set in this process."""
    loggers = logging.root.manager.loggerDict.items()
    own = {
        name: logger.level
        for name, logger in loggers
        if isinstance(logger, logging.Logger) and logger.level
    }
    return {"": logging.root.level, **own}


def forward(send: Callable[[Any], None], wanted: Levels) -> None:
    """Send all log records of this process that are wanted in the parent."""
    for name, level in wanted.items():
        logging.getLogger(name or None).setLevel(level)
    logging.root.addHandler(_Forward(send))


def log(fields: dict[str, Any]) -> None:
    """Log a record of a worker process in this process."""
    links = fields.pop("links")
    record = logging.makeLogRecord(fields)
    if links is not None:
        error = received(links)
        record.exc_info = (type(error), error, None)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


class _Forward(logging.Handler):
    """Handler that sends records as mappings of plain values."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        super().__init__()
        self._send = send

    @override
    def emit(self, record: logging.LogRecord) -> None:
        plain = copy(record)
        plain.msg, plain.args = record.getMessage(), None
        error = record.exc_info[1] if record.exc_info else None
        plain.exc_info = None
        fields = {
            name: value
            for name, value in vars(plain).items()
            if value is None or isinstance(value, str | int | float | bool)
        }
        with suppress(BrokenPipeError):  # the parent has ended
            self._send({**fields, "links": None if error is None else sent(error)})
