"""Runs of a report whose source has streams: one run for each."""

from __future__ import annotations

import time
import uuid
from math import ceil
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import ReportingError
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.runner import run
from reporting_framework.execution.stream_failures import StreamFailures
from reporting_framework.execution.stream_totals import failed_stream, sum_of
from reporting_framework.plugin_api.traffic import ContextThreads

if TYPE_CHECKING:
    from reporting_framework.execution.streams import Assembled
    from reporting_framework.plugin_api.result import RunResult


class StreamRuns:
    """Runs of all streams of a report.

    Args:
        assembled: The report.
        deadline: As `runner.run`.
        how: Other arguments of `runner.run`.
    """

    def __init__(
        self, assembled: Assembled, deadline: float | None, how: dict[str, Any]
    ) -> None:
        self._report, self._reading = assembled.report, assembled.reading
        self._deadline, self._how = deadline, how
        self._names = list(assembled.pipelines)
        self._waiting = dict(assembled.pipelines)
        self._at_once = max(1, min(assembled.at_once, len(self._names)))
        self._failures = StreamFailures()

    def run(self) -> RunResult:
        """Run all streams, and return the sum of their results.

        Raises:
            ReportingError: All streams failed.
        """
        began = time.monotonic()
        try:
            results = self._run_each()
        finally:  # of streams that Ctrl-C came before
            for pipeline in self._waiting.values():
                if not isinstance(pipeline, ReportingError):
                    close(pipeline)
            if len(self._failures.errors) < len(self._names):
                self._failures.release()
        if len(self._failures.errors) == len(self._names):
            raise self._failures.errors[0]
        return sum_of(
            self._report,
            uuid.uuid4().hex,
            dict(zip(map(str, self._names), results, strict=True)),
            seconds=time.monotonic() - began,
        )

    def _run_each(self) -> list[RunResult]:
        """Run the streams; on Ctrl-C, do not wait for running streams.

        If the streams are read together, the reading is in this thread.
        """
        numbers = range(len(self._names))
        if self._at_once == 1 and self._reading is None:
            return list(map(self._run_one, numbers))
        pool = ContextThreads(self._at_once, "reporting-stream")
        try:
            results = pool.map(self._run_one, numbers)
            if self._reading is not None:
                sample = bool(self._how.get("dry_run"))
                self._reading.run(deadline=self._deadline, sample=sample)
            return list(results)
        except BaseException:  # Ctrl-C, or no thread for a stream
            if self._reading is not None:
                self._reading.interrupt()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _run_one(self, number: int) -> RunResult:
        """Run the stream at this position; the result says if it has failed."""
        stream = self._names[number]
        pipeline = self._waiting.pop(stream)
        try:
            if isinstance(pipeline, ReportingError):
                raise pipeline
            result = run(pipeline, deadline=self._share(number), **self._how)
            self._failures.release()
            return result
        except ReportingError as error:
            self._failures.add(str(stream), error)
            return failed_stream(f"{self._report}/{stream}", error)
        finally:
            if self._reading is not None:
                self._reading.leave(str(stream))

    def _share(self, number: int) -> float | None:
        """Return the deadline of the stream at this position, if there is one."""
        if self._deadline is None:
            return None
        now = time.monotonic()
        rounds = ceil((len(self._names) - number) / self._at_once)
        return now + (self._deadline - now) / rounds
