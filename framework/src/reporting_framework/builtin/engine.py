"""Engine ``local``: splits in threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.settings import Settings


class LocalEngineSettings(Settings):
    """Settings of the engine ``local``."""

    max_splits: int = Field(
        8, ge=1, le=64, description="Maximum number of splits processed at once"
    )


class LocalEngine(Engine):
    """Engine with a pool of threads, as many as the source recommends.

    The engine takes no more splits than it can process. If the source recommends one
    split at a time, the caller's thread processes it: for a folder, passing work to
    threads takes longer than it saves.
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
    """Yield splits until `stop` returns true; it is called before each is planned."""
    iterator = iter(splits)
    while not stop():
        try:
            yield next(iterator)
        except StopIteration:
            return
