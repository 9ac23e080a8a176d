"""Engine ``local``: splits in threads of this process, and in others if that pays."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from typing_extensions import override

from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.plugin_api.traffic import ContextThreads

if TYPE_CHECKING:
    from reporting_framework.builtin.handover import HandOver


class LocalEngineSettings(Settings):
    """Settings of the engine ``local``."""

    max_splits: int = Field(
        8, ge=1, le=64, description="Maximum number of splits processed at once"
    )
    max_workers: int = Field(
        8,
        ge=0,
        le=64,
        description=(
            "Maximum number of worker processes for a large run on several cores; 0:"
            " use none"
        ),
    )


class LocalEngine(Engine):
    """Engine with a pool of threads, as many as the source recommends.

    The engine takes no more splits than it can process. If the source recommends one
    split at a time, the caller's thread processes it: for a folder, passing work to
    threads takes longer than it saves.

    If the first splits show that the rest will take seconds of processor time, and
    other cores are idle, worker processes take a share of the rest; see `HandOver`.
    """

    name: ClassVar[str] = "local"
    Settings: ClassVar[type[LocalEngineSettings]] = LocalEngineSettings

    @override
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        from reporting_framework.builtin.handover import (
            BUDGET,
            HandOver,
        )  # the start of a function does not need it

        threads = min(parallelism, self.settings.max_splits)
        splits = iter(splits)
        taken = until(stop, splits)
        pays = HandOver(process, splits, self.settings.max_workers)
        results = (
            _one_by_one(process, taken, pays)
            if threads <= 1
            else _in_threads(process, taken, threads, pays)
        )
        shared = yield from results
        if shared is not None:
            from reporting_framework.builtin.processes.shared_work import (
                SharedWork,
            )  # small runs do not need it

            work: Any = process
            first_part, workers = shared
            with BUDGET.taken(workers) as granted:
                yield from SharedWork(
                    work,
                    first_part,
                    workers=granted,
                    at_once=threads,
                    required=False,
                ).map(taken)


Results = Generator[SplitResult, None, tuple[Any, int] | None]
"""Results of splits; at the end, what worker processes need for the rest."""


def _one_by_one(
    process: Callable[[Split], SplitResult], splits: Iterator[Split], pays: HandOver
) -> Results:
    """Process splits in this thread, until worker processes pay."""
    for split in splits:
        with pays.measured():
            result = process(split)
        yield result
        if (shared := pays.first_part()) is not None:
            return shared
    return None


def _in_threads(
    process: Callable[[Split], SplitResult],
    splits: Iterator[Split],
    threads: int,
    pays: HandOver,
) -> Results:
    """Process splits in threads, until worker processes pay."""
    pool = ContextThreads(threads, thread_name_prefix="reporting-split")
    under_way: set[Future[SplitResult]] = set()
    shared = None
    try:
        for split in splits:
            under_way.add(pool.submit(process, split))
            if len(under_way) >= threads:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                pays.add(len(done))
                yield from (future.result() for future in done)
                if (shared := pays.first_part()) is not None:
                    break
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(
            wait=not under_way, cancel_futures=True
        )  # nobody waits for the rest of a run that failed
    return shared


def until(stop: Callable[[], bool], splits: Iterator[Split]) -> Iterator[Split]:
    """Yield splits until `stop` returns true; it is called before each is planned."""
    while not stop():
        try:
            yield next(splits)
        except StopIteration:
            return
