"""Engine ``processes``: splits in worker processes, past the GIL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from reporting_framework.builtin.engine import LocalEngine, until
from reporting_framework.builtin.processes.machine import usable_cores
from reporting_framework.builtin.processes.work import divided
from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.settings import Settings


class ProcessesEngineSettings(Settings):
    """Settings of the engine ``processes``."""

    workers: int | None = Field(
        None,
        ge=1,
        le=64,
        description=(
            "Number of worker processes beside this process; by default, one less than"
            " the cores that it may use, and at least one"
        ),
    )
    max_splits: int = Field(
        8,
        ge=1,
        le=64,
        description="Maximum number of splits that each process works on at once",
    )


class ProcessesEngine(Engine):
    """Engine that shares the splits out between this process and worker processes.

    Worker processes read, validate and transform; this process does so too, and stages
    all rows. Results come in the order of the splits. A dry run, and work that a
    trigger names, is left to this process.
    """

    name: ClassVar[str] = "processes"
    Settings: ClassVar[type[ProcessesEngineSettings]] = ProcessesEngineSettings

    @override
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        at_once = min(parallelism, self.settings.max_splits)
        work = divided(process)
        first_part = work.first_part()
        if first_part is None:
            alone = LocalEngine.Settings(max_splits=at_once, max_workers=0)
            yield from LocalEngine(alone).map(
                process, splits, parallelism=parallelism, stop=stop
            )
            return
        from reporting_framework.builtin.processes.shared_work import SharedWork

        yield from SharedWork(
            work,
            first_part,
            workers=self.settings.workers or max(1, usable_cores() - 1),
            at_once=at_once,
            required=True,
        ).map(until(stop, iter(splits)))
