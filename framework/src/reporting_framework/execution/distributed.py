"""Distributed run: a plan, readers anywhere, and one commit.

A work folder carries the plan and the results from step to step. The commit is an
ordinary run whose source returns the splits of the plan, and whose engine takes each
split from its result.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from reporting_framework.builtin.engine import LocalEngine
from reporting_framework.builtin.processes.work import divided
from reporting_framework.errors import PluginError, TriggerError
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.planning import stop_time
from reporting_framework.execution.plugin_results import check_columns
from reporting_framework.execution.progress import CombinedLedger, open_sinks
from reporting_framework.execution.recorder import Recorder
from reporting_framework.execution.split_worker import SplitWorker
from reporting_framework.execution.work_folder import Item, PlannedWork, WorkFolder
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.object_plan import objects_of_split
from reporting_framework.plugin_api.records import ReadFailure, Split, SplitResult
from reporting_framework.plugin_api.source import PlanStats, Source

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.ledger import RunLedger
    from reporting_framework.plugin_api.records import Batch
    from reporting_framework.storage import Location

RESULTS_AT_ONCE = 4
"""Number of results that the commit reads at once."""

NO_RESULT = "unavailable"
"""Reason of objects whose split has no result."""

_log = logging.getLogger(__name__)


def plan_work(
    pipeline: Pipeline, work: Location, *, deadline: float | None, max_splits: int
) -> tuple[WorkFolder, PlannedWork]:
    """Plan a distributed run in a new folder; the pipeline is closed afterwards.

    Args:
        pipeline: The report.
        work: Folder in which the new folder is made.
        deadline: Time at which planning must end, on the clock `time.monotonic()`.
        max_splits: Maximum number of splits.

    Raises:
        PluginError: The report cannot be distributed.
        ReportingError: The source cannot be listed, a sink cannot be read, or the plan
            cannot be written.
    """
    began, name = time.monotonic(), uuid.uuid4().hex
    stop_at = None if deadline is None else stop_time(began, deadline)
    try:
        _check_source(pipeline)
        recorder = Recorder(pipeline, name, datetime.now(UTC))
        opened = open_sinks(pipeline, recorder, plans=True)
        _check_sinks(pipeline, opened.keepers)
        splits: list[Split] = []
        cut = False
        for split in pipeline.source.plan(opened.progress):
            splits.append(split)
            late = stop_at is not None and time.monotonic() > stop_at
            if cut := late or len(splits) >= max_splits:
                break
        stats = pipeline.source.plan_stats()
        complete = (stats.exhausted or not cut) and not stats.stopped
        known = _settings_digest(pipeline), opened.progress.rows
        plan = PlannedWork(pipeline.report, splits, stats, complete, *known)
        folder = WorkFolder(work.join(name))
        folder.write_plan(plan)
        return folder, plan
    finally:
        close(pipeline)


def read_work(pipeline: Pipeline, folder: WorkFolder, item: Item) -> int:
    """Read one split of a plan, write its result, and return its number of records.

    The pipeline is closed afterwards.

    Raises:
        ReportingError: The split could not be read or validated, or its result could
            not be written. The split may be read again.
    """
    try:
        split, settings = folder.read_split(item)
        _check_settings(pipeline, folder, settings)
        reader = SplitWorker(pipeline).reader()
        return folder.write_result(item.number, split, reader(split))
    finally:
        close(pipeline)


def to_commit(pipeline: Pipeline, folder: WorkFolder) -> Pipeline:
    """Return a report whose run commits the results of a plan.

    The run may be repeated: sinks leave out rows that they have.

    Raises:
        ReportingError: The folder has no plan of this report.
    """
    work = folder.read_plan()
    if work.report != pipeline.report:
        raise TriggerError(
            f"{folder.location.uri}: the plan is of report {work.report}, not of"
            f" {pipeline.report}; name the folder of its own plan"
        )
    _check_settings(pipeline, folder, work.settings)
    numbers = {split.id: number for number, split in enumerate(work.splits)}
    return pipeline._replace(
        source=_PlannedSource(pipeline.source, work),
        engine=_ResultEngine(pipeline, folder, numbers),
    )


def _settings_digest(pipeline: Pipeline) -> str:
    """Return a digest of the settings of source and sinks; secrets are not in it."""
    plugins = (pipeline.source, *pipeline.sinks)
    known = [f"{plugin.name} {getattr(plugin, 'settings', '')!r}" for plugin in plugins]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _check_settings(pipeline: Pipeline, folder: WorkFolder, planned: str) -> None:
    """Check that source and sinks are those of the plan.

    The keys of its objects could otherwise be read in another place, and its rows
    committed to another table.

    Raises:
        TriggerError: Their settings have changed.
    """
    if _settings_digest(pipeline) != planned:
        raise TriggerError(
            f"{folder.location.uri}: report {pipeline.report} had other settings of its"
            " source or its sinks when this was planned; start the execution again"
        )


def _check_source(pipeline: Pipeline) -> None:
    """Check that the commit needs no more of the source than the splits of the plan.

    Raises:
        PluginError: The source keeps a state, or its records have keys of their own; or
            the write mode is not ``append``.
    """
    source, report = pipeline.source, pipeline.report
    if (
        supports(source, "next_state")
        or not supports(source, "plan_replay")
        or source.natural_keys
    ):
        raise PluginError(
            f"report {report}: source {source.name} does not read immutable objects"
            " that the ledger knows, so its splits cannot be distributed; run the"
            " report as a whole"
        )
    if not pipeline.appends:
        modes = " and ".join(sorted(set(pipeline.modes)))
        raise PluginError(
            f"report {report}: write_mode is {modes},"
            " and another run may commit between plan and commit; only append can be"
            " distributed: run the report as a whole"
        )


def _check_sinks(pipeline: Pipeline, keepers: Sequence[bool]) -> None:
    """Check that no sink would get rows twice if a commit is repeated.

    Raises:
        PluginError: A sink keeps no ledger.
    """
    for sink, keeps in zip(pipeline.sinks, keepers, strict=True):
        if not keeps:
            raise PluginError(
                f"report {pipeline.report}: sink {sink.name} keeps no ledger, so a"
                " commit that is repeated would give it rows twice; run the report as"
                " a whole"
            )


class _PlannedSource(Source):
    """Source that returns the splits of a plan.

    Args:
        source: The report's source.
        work: The plan.
    """

    def __init__(self, source: Source, work: PlannedWork) -> None:
        super().__init__()
        self._source, self._work = source, work
        self._taken = 0
        self._hints: Mapping[str, Any] = {}
        self.name = source.name  # type: ignore[misc]  # for messages

    @property
    @override
    def primary_key(self) -> Sequence[str]:
        return self._source.primary_key

    @property
    @override
    def parallelism(self) -> int:
        return RESULTS_AT_ONCE

    @override
    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        """Yield the splits; keep the hints, which the commit makes outdated.

        A quarantined object that was read replaces its entries.

        Raises:
            TriggerError: The table has lost rows since the plan.
        """
        work = self._work
        if ledger.rows < work.rows:
            raise TriggerError(
                f"report {work.report}: its table has {ledger.rows:,} rows, and had"
                f" {work.rows:,} when this was planned; it was reset meanwhile: start"
                " the execution again"
            )
        objects = [key for split in work.splits for key in objects_of_split(split)]
        cast(CombinedLedger, ledger).expect(objects)
        self._hints = dict(ledger.hints)
        return self._splits()

    def _splits(self) -> Iterator[Split]:
        for split in self._work.splits:
            self._taken += 1
            yield split

    @override
    def read(self, split: Split) -> Iterable[Batch]:
        raise PluginError(f"source {self.name}: splits of a plan are read elsewhere")

    @override
    def plan_stats(self) -> PlanStats:
        work = self._work
        exhausted = self._taken == len(work.splits)
        return work.stats._replace(exhausted=exhausted, stopped=not work.complete)

    @override
    def next_hints(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """Return the hints from before the plan, or none if anything is left.

        They are as true as before if everything was taken: they only say that less was
        looked at. The source of this process has listed nothing.
        """
        return self._hints if complete and not unread else {}

    @override
    def source_uris(self) -> Sequence[str]:
        return self._source.source_uris()

    @override
    def close(self) -> None:
        self._source.close()


class _ResultEngine(Engine):
    """Engine that takes each split from its result.

    Args:
        pipeline: The report.
        folder: Folder of the results.
        numbers: Number of each split, by its id.
    """

    name = "results"

    def __init__(
        self, pipeline: Pipeline, folder: WorkFolder, numbers: Mapping[str, int]
    ) -> None:
        super().__init__()
        self._pipeline, self._folder, self._numbers = pipeline, folder, numbers

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

        def take(split: Split) -> SplitResult:
            result = work.start(split)
            parts = self._folder.read_result(self._numbers[split.id], split)
            if parts is None:
                _log.warning(
                    "split without a result, left to the next run: %s", split.id
                )
                objects = objects_of_split(split)
                result.unread += [ReadFailure(key, NO_RESULT) for key in objects]
                return result
            for number, part in enumerate(parts):
                if part.rows is not None:
                    self._check(part.rows)
                work.add(result, number, part)
            return result

        local = LocalEngine(LocalEngine.Settings(max_workers=0))
        return local.map(take, splits, parallelism=parallelism, stop=stop)

    def _check(self, rows: Any) -> None:
        """Check that the columns have not changed since the split was read."""
        subject = f"report {self._pipeline.report}: result of a split"
        check_columns(rows.schema, self._pipeline.schema, subject)

    @override
    def close(self) -> None:
        self._pipeline.engine.close()
