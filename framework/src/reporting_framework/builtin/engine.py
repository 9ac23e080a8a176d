"""The engine ``local``: splits in threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import ClassVar

from pydantic import Field

from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.settings import Settings


class LocalEngineSettings(Settings):
    """Settings of the engine ``local``."""

    max_splits: int = Field(
        8, ge=1, le=64, description="Splits under way at once at the most"
    )


class LocalEngine(Engine):
    """Threads that run as many splits at once as the source says are worth it.

    The engine takes no more than it can work on.

    A source that is not worth two splits at once is worked on in the caller's own
    thread: for a folder, handing work to threads costs more than it gives.
    """

    name: ClassVar[str] = "local"
    Settings: ClassVar[type[LocalEngineSettings]] = LocalEngineSettings

    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        """See `Engine.map`."""
        threads = min(parallelism, self.settings.max_splits)
        taken = _until(stop, splits)
        if threads <= 1:
            yield from map(process, taken)
            return
        pool = ThreadPoolExecutor(threads, thread_name_prefix="reporting-split")
        under_way: set[Future[SplitResult]] = set()
        try:
            for split in taken:
                under_way.add(pool.submit(process, split))
                if len(under_way) >= threads:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            pool.shutdown(
                wait=not under_way, cancel_futures=True
            )  # nobody waits for the rest of a run that failed


def _until(stop: Callable[[], bool], splits: Iterable[Split]) -> Iterator[Split]:
    """The splits, until `stop` says so.

    It is asked before the next one is planned, too.
    """
    iterator = iter(splits)
    while not stop():
        try:
            yield next(iterator)
        except StopIteration:
            return
