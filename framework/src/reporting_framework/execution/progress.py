"""Progress of a report: the records that all sinks and the metadata store have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import ReportingError
from reporting_framework.execution.source_state import SourceState, identity_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.ledger import DatedLedger
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    holds_several,
    object_of,
)
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage.versions import same_version

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.recorder import Recorder
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.ledger import Ledger


class OpenedSinks(NamedTuple):
    """Sinks of a run, opened.

    Attributes:
        ledgers: Ledgers of the sinks; an empty ledger if no sink keeps one.
        keepers: Whether each sink keeps a ledger.
        metadata: Metadata store of the report, or `None`.
        progress: Combined ledger that the source plans from.
        state: Source state of each sink.
    """

    ledgers: Sequence[Ledger]
    keepers: Sequence[bool]
    metadata: MetadataStore | None
    progress: CombinedLedger
    state: SourceState


def open_sinks(
    pipeline: Pipeline, recorder: Recorder | None, *, plans: bool
) -> OpenedSinks:
    """Open the sinks of a run.

    Args:
        pipeline: The report.
        recorder: Recorder that gets the history; a reset that was killed is finished
            first. `None`: the run writes nothing.
        plans: Whether the source will plan the run, so it may prefetch.

    Raises:
        ReportingError: The data of a sink cannot be read.
    """
    for _ in pipeline.open_sinks():
        pass
    with ContextThreads(1, "reporting-prefetch") as pool:
        early = pool.submit(_prefetch, pipeline) if plans else None
        if recorder is not None:
            if pipeline.metadata is not None:
                pipeline.metadata.finish_reset(pipeline.sinks, by_hand=False)
            recorder.use_history()
        opened = _open_ledgers(pipeline, recorder)
        if early is not None:
            early.result()
    return opened


def _prefetch(pipeline: Pipeline) -> None:
    """Let the source start requests, from the hints as they are stored.

    If these cannot be read, the error is raised when the metadata store is loaded.
    """
    if pipeline.early is not None and pipeline.early.wait():
        return
    metadata = pipeline.metadata
    if metadata is None or "replace" in pipeline.modes:
        return
    if supports(pipeline.source, "prefetch"):
        try:
            hints = metadata.stored_hints()
        except ReportingError:
            return
        pipeline.source.prefetch(hints)


def ledger_of(pipeline: Pipeline) -> CombinedLedger:
    """Return the ledger that the next run of a report would plan from.

    Its sinks must be open.

    Raises:
        ReportingError: The data of a sink cannot be read.
    """
    return _open_ledgers(pipeline, None).progress


def _open_ledgers(pipeline: Pipeline, recorder: Recorder | None) -> OpenedSinks:
    """Read the ledgers and the metadata store concurrently.

    Each read is at least one round trip. A run that replaces the table ignores the
    ledgers and reads everything.
    """
    loads = [pipeline.metadata.load] if pipeline.metadata is not None else []
    if recorder is not None and recorder.history is not None:
        loads.append(recorder.history.load)
    with ContextThreads(len(loads) or 1, "reporting-metadata") as pool:
        loading = [pool.submit(load) for load in loads]
        ledgers = [sink.ledger() for sink in pipeline.sinks]
        for future in loading:
            future.result()
    replaces = "replace" in pipeline.modes
    kept = [ledger for ledger in ledgers if ledger is not None and not replaces]
    kept = kept or [EmptyLedger()]
    source = identity_of(pipeline.source)
    state = SourceState.of(source, pipeline.sinks, pipeline.modes)
    metadata = pipeline.metadata
    progress = CombinedLedger(kept, None if replaces else metadata, state.start)
    if pipeline.source.natural_keys:
        progress.expect_quarantined()
    keepers = [ledger is not None for ledger in ledgers]
    return OpenedSinks(kept, keepers, metadata, progress, state)


class EmptyLedger:
    """Ledger of a run whose sinks keep none."""

    rows = 0
    newest = None

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """Return all objects."""
        return list(objects)


class CombinedLedger:
    """Ledger of a run: all sinks' ledgers and the quarantine, see `RunLedger`.

    Args:
        ledgers: Ledgers of the sinks.
        metadata: The metadata store of the report, if there is one.
        state: Source state to start from.

    Attributes:
        expected_replays: Quarantined objects that `filter_new` has returned, so that
            they are read again.
    """

    def __init__(
        self,
        ledgers: Sequence[Ledger],
        metadata: MetadataStore | None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.state = state
        self._ledgers = ledgers
        self._metadata = metadata
        self._quarantine = metadata.quarantine if metadata is not None else None
        self.expected_replays: set[str] = set()

    @property
    def rows(self) -> int:
        """See `RunLedger.rows`."""
        return min(ledger.rows for ledger in self._ledgers)

    @property
    def newest(self) -> datetime | None:
        """See `RunLedger.newest`: the sink that lags behind decides."""
        return least([ledger.newest for ledger in self._ledgers])

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `RunLedger.newest_until`."""
        return least([_until(ledger, moment) for ledger in self._ledgers])

    @property
    def hints(self) -> Mapping[str, Any]:
        """See `RunLedger.hints`."""
        return self._metadata.hints if self._metadata is not None else {}

    def filter_new(
        self, objects: Sequence[str], version_of: Callable[[str], str | None]
    ) -> list[str]:
        """See `RunLedger.filter_new`."""
        absent = [frozenset(ledger.filter_new(objects)) for ledger in self._ledgers]
        missing = frozenset[str]().union(*absent)
        quarantined = self._quarantine.versions(objects) if self._quarantine else {}
        if not quarantined:
            return [key for key in objects if key in missing]
        lagging = missing.difference(frozenset.intersection(*absent))
        if not self.rows:
            lagging |= self._partly_rejected & missing
        again = {
            key
            for key, version in quarantined.items()
            if key in lagging
            or version is None
            or not same_version(version_of(key), version)
        }
        self.expected_replays |= again
        return [
            key
            for key in objects
            if (key in again if key in quarantined else key in missing)
        ]

    def expect_quarantined(self) -> None:
        """Expect each object in quarantine to be read again.

        A source that plans from its own state does not look up single objects.
        """
        if self._quarantine is not None:
            keys = self._quarantine.entries()[SOURCE_KEY]
            self.expected_replays.update(map(object_of, keys))

    def expect(self, objects: Sequence[str]) -> None:
        """Expect those of the objects to be read again that are in quarantine."""
        if self._quarantine is not None:
            self.expected_replays.update(self._quarantine.versions(objects))

    @cached_property
    def _partly_rejected(self) -> frozenset[str]:
        """Quarantined objects with several records, some of which may have been rows.

        If a table is empty, these rows are gone.
        """
        if self._quarantine is None:
            return frozenset()
        known = (self._quarantine.entries(), self._quarantine.discarded())
        return frozenset(
            object_of(key)
            for frame in known
            for key in frame[SOURCE_KEY]
            if holds_several(key)
        )


def least(moments: Sequence[datetime | None]) -> datetime | None:
    """Return the earliest moment, or `None` if one is not known."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def _until(ledger: Ledger, moment: datetime) -> datetime | None:
    """Return the newest timestamp of a ledger up to `moment`.

    Returns `None` if the ledger has none or cannot look it up.
    """
    newest = ledger.newest
    if newest is None or newest <= moment:
        return newest
    return ledger.newest_until(moment) if isinstance(ledger, DatedLedger) else None
