"""Failures of streams, each logged once."""

from __future__ import annotations

import logging
from threading import Lock

from reporting_framework.errors import ReportingError

_log = logging.getLogger(__name__)


class StreamFailures:
    """Failures of the streams of a report.

    They are logged as they come, but not while all streams have failed of one error: if
    the last one does so, too, the error is that of the report.

    Attributes:
        errors: The errors, in the order in which they came.
    """

    def __init__(self) -> None:
        self.errors: list[ReportingError] = []
        self._held: list[tuple[str, ReportingError]] | None = []
        self._lock = Lock()

    def add(self, stream: str, error: ReportingError) -> None:
        """Add the failure of a stream."""
        with self._lock:
            self.errors.append(error)
            if self._held is None:
                _report(stream, error)
                return
            self._held.append((stream, error))
            if str(error) != str(self.errors[0]):
                self._release()

    def release(self) -> None:
        """Log what was held back: a stream has not failed, or was not run."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for stream, error in held:
            _report(stream, error)


def _report(stream: str, error: ReportingError) -> None:
    _log.error("stream %s failed: %s", stream, error)
