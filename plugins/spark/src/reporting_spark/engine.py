"""Engine ``spark``: executors read and validate, the run's process stages."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, ClassVar

from typing_extensions import override

from reporting_framework import Engine, Split, SplitResult, TransientError
from reporting_framework.builtin.engine import LocalEngine
from reporting_framework.builtin.processes.sent_errors import received
from reporting_framework.builtin.processes.sent_logs import levels, log
from reporting_framework.builtin.processes.work import divided
from reporting_framework.plugin_api.engine import DividedWork
from reporting_spark.session import open_session
from reporting_spark.settings import SparkEngineSettings
from reporting_spark.task import SplitTask

MOST_SPLITS = 64
"""Number of splits at once, unless it is set."""


class SparkEngine(Engine):
    """Engine that has splits read and validated by the executors of Apache Spark.

    Each split is a job of one task. Its rows come back to this process, which stages
    them. So only the result of one attempt of a task is used, however often Spark
    starts it. A dry run, and work that a trigger names, is left to this process.
    """

    name: ClassVar[str] = "spark"
    Settings: ClassVar[type[SparkEngineSettings]] = SparkEngineSettings
    settings: SparkEngineSettings

    def __init__(self, settings: SparkEngineSettings | None = None) -> None:
        super().__init__(settings)
        self._session: Any = None
        self._is_new = False

    @override
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        work = divided(process)
        first_part = work.first_part()
        if first_part is None:
            yield from _local(min(parallelism, MOST_SPLITS)).map(
                process, splits, parallelism=parallelism, stop=stop
            )
            return
        pickled = pickle.dumps(first_part, pickle.HIGHEST_PROTOCOL)
        splits = iter(splits)
        if stop() or (first := next(splits, None)) is None:
            return  # Spark takes seconds to start
        context = self._context()
        jobs = _Jobs(context, work, SplitTask(uuid.uuid4().hex, pickled, levels()))
        at_once = self.settings.max_splits or min(
            MOST_SPLITS, context.defaultParallelism * 5 // 4 + 1
        )
        try:
            yield from _local(at_once).map(
                jobs,
                chain([first], splits),
                parallelism=at_once,
                stop=_after_first(stop),
            )
        finally:
            jobs.cancel()

    def _context(self) -> Any:
        if self._session is None:
            self._session, self._is_new = open_session(self.settings)
        return self._session.sparkContext

    @override
    def close(self) -> None:
        """Stop the session, unless this process had it before."""
        session, self._session = self._session, None
        if session is not None and self._is_new:
            session.stop()


class _Jobs:
    """Function that processes a split as a job of Spark."""

    def __init__(self, context: Any, work: DividedWork, task: SplitTask) -> None:
        self._context, self._work, self._task = context, work, task
        self._group = f"reporting-{task.key}"

    def __call__(self, split: Split) -> SplitResult:
        result = self._work.start(split)
        number = 0
        for message in self._messages(split):
            kind, what = pickle.loads(message)  # noqa: S301 - of an executor
            if kind == "log":
                log(what)
            elif kind == "error":
                raise received(what)
            elif kind == "part":
                self._work.add(result, number, what)
                number += 1
            elif kind == "done":
                result.add_traffic(what)
        return result

    def cancel(self) -> None:
        """Cancel the jobs of splits whose results nobody waits for."""
        self._context.cancelJobGroup(self._group)

    def _messages(self, split: Split) -> list[bytes]:
        """Return what an executor sends for a split.

        Raises:
            TransientError: Spark gave the job up.
        """
        context = self._context
        context.setJobGroup(self._group, f"split {split.id}", interruptOnCancel=True)
        data = pickle.dumps(split, pickle.HIGHEST_PROTOCOL)
        try:
            messages: list[bytes] = (
                context.parallelize([data], 1).mapPartitions(self._task).collect()
            )
        except Exception as error:  # of the gateway to Java; a work's own is a message
            raise TransientError(
                f"engine spark: split {split.id}: the executors did not finish it"
                f" ({type(error).__name__}); look into Spark's log, and give executors"
                " more memory if they were killed"
            ) from error
        return messages


def _after_first(stop: Callable[[], bool]) -> Callable[[], bool]:
    """Return `stop` for splits of which the first was taken already."""
    asked = iter([False])
    return lambda: next(asked, None) is None and stop()


def _local(splits: int) -> LocalEngine:
    """Return the engine of this process, which uses no worker processes."""
    return LocalEngine(LocalEngine.Settings(max_splits=splits, max_workers=0))
