"""Reading of a source that reads its streams together: once, for all their runs.

The runs of the streams are ordinary runs in threads. The reading is in the thread that
waits for them, and hands each batch to the run of its stream.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, Queue
from threading import Condition
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import ReportingError, TransientError
from reporting_framework.execution.batch_checks import check_batch, check_stream
from reporting_framework.execution.planning import stop_time
from reporting_framework.execution.plugin_errors import closing, log_errors
from reporting_framework.execution.shared_state import SharedLedger, following_state
from reporting_framework.plugin_api.records import Batch, FinishedSplit, Split
from reporting_framework.plugin_api.source import PlanStats, Source

if TYPE_CHECKING:
    from reporting_framework.plugin_api.ledger import RunLedger

MAX_WAITING = 2
"""Maximum number of batches that wait for the run of a stream: a stream that is slower
than the reading holds the reading up, so that memory is bounded.
"""

_END = None


class Ended(NamedTuple):
    """Reading that has come to its end.

    Attributes:
        start: Position at which it began.
        state: Position at which it ended.
        stats: Statistics of its plan.
    """

    start: Mapping[str, Any] | None
    state: Mapping[str, Any] | None
    stats: PlanStats


class _Clock:
    """Time of a reading.

    Args:
        deadline: Time at which the runs must end.

    Attributes:
        has_cut: Whether a split was not read to its end.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._stop_at = stop_time(time.monotonic(), deadline)
        self.has_cut = False

    def stops(self, seconds: float) -> bool:
        """Return whether there is no time for a split that takes so long."""
        return time.monotonic() + seconds > self._stop_at

    def cuts(self, position: Mapping[str, Any] | None) -> bool:
        """Return whether to end a split before its next batch.

        A split without a position is read again as a whole, so it has all the time
        until the deadline.
        """
        end = self._deadline if position is None else self._stop_at
        self.has_cut = time.monotonic() > end
        return self.has_cut


class SharedReading:
    """Reading of one source for the runs of its streams.

    Args:
        report: Name of the report.
        streams: Names of its streams.
        make: Function that returns the source to read, without a selected stream.
    """

    def __init__(
        self, report: str, streams: Sequence[str], make: Callable[[], Source]
    ) -> None:
        self._report, self._make = report, make
        self._queues: dict[str, Queue[Batch | ReportingError | None]] = {
            stream: Queue(MAX_WAITING) for stream in streams
        }
        self._changed = Condition()
        self._awaited, self._listening = set(streams), set(streams)
        self._ledgers: dict[str, RunLedger] = {}
        self._ended: Ended | None = None

    # -- for the runs of the streams, each in its thread -------------------------------

    def join(self, stream: str, ledger: RunLedger) -> None:
        """Record the ledger of a stream whose run is ready to read."""
        self._ledgers[stream] = ledger

    def batches(self, stream: str) -> Iterator[Batch]:
        """Yield the batches of a stream; the reading begins when all streams wait.

        Raises:
            ReportingError: The reading failed, or was interrupted, or the stream has
                left it: no batch is read twice.
        """
        with self._changed:
            if stream not in self._listening:
                raise TransientError(
                    f"report {self._report}: stream {stream} has left the reading of"
                    " all streams; run again"
                )
            self._awaited.discard(stream)
            self._changed.notify_all()
        try:
            while (item := self._queues[stream].get()) is not _END:
                if isinstance(item, ReportingError):
                    raise item
                yield item
        finally:
            self.leave(stream)

    def leave(self, stream: str) -> None:
        """End the part of a stream: further batches of it are not kept."""
        with self._changed:
            self._awaited.discard(stream)
            self._listening.discard(stream)
            self._changed.notify_all()
        self._drain(stream)  # the reading may wait for room

    def plan_stats(self, stream: str) -> PlanStats:
        """Return the statistics of the plan; one stream alone has what is counted."""
        if self._ended is None:
            return PlanStats(stopped=True)
        stats = self._ended.stats
        whole = stats.snapshot or stream in stats.snapshot_streams
        stats = stats._replace(snapshot=whole, snapshot_streams=())
        if stream == next(iter(self._queues)):
            return stats
        return stats._replace(
            ignored=0, ignored_samples=(), waiting=0, repeated=0, warnings=()
        )

    def next_state(self, stream: str) -> Mapping[str, Any] | None:
        """Return the state that a stream commits, `None` to keep the present state.

        If the run of a stream failed before the reading, the position that it has
        reached is not known. So the other streams do not move theirs.
        """
        ended = self._ended
        if ended is None or len(self._ledgers) < len(self._queues):
            return None
        known = self._ledgers[stream].state
        return following_state(known, ended.start, ended.state)

    @property
    def last_position(self) -> Mapping[str, Any] | None:
        """Position from which the next reading will begin, `None` if it is not known.

        It is only probable: the commit of a stream may fail.
        """
        ended = self._ended
        if ended is None:
            return None
        moved = len(self._ledgers) == len(self._queues)
        return (ended.state if moved else None) or ended.start

    # -- for the thread that waits for the runs ----------------------------------------

    def run(self, *, deadline: float | None, sample: bool) -> None:
        """Read the source once, when the runs of all streams are ready or have failed.

        An error of the source is raised in the runs, not here.

        Args:
            deadline: Time at which the runs must end, or `None`.
            sample: Whether the runs are dry runs. The reading then ends with the first
                of them: another stream may have no record for a long time.
        """
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._awaited)
                expected = len(self._listening) if sample else 1
            if self._listening:
                self._ended = self._read(deadline, expected, sample=sample)
            for stream in self._queues:
                self._put(stream, _END)
        except ReportingError as error:
            self._fail(error)

    def interrupt(self) -> None:
        """End the runs that still read, or wait for a reading that does not begin."""
        self._fail(
            TransientError(
                f"report {self._report}: the reading was interrupted; run again"
            )
        )

    def _read(self, deadline: float | None, expected: int, *, sample: bool) -> Ended:
        """Read the source, as long as `expected` streams take batches."""
        source = self._make()
        try:
            ledger = SharedLedger(list(self._ledgers.values()))
            done: list[FinishedSplit] = []
            clock = None if deadline is None else _Clock(deadline)
            whole = self._read_splits(source, ledger, done, clock, expected)
            stats = source.plan_stats()
            exhausted = stats.exhausted and not self._given_up(expected)
            cut_short = clock is not None and clock.has_cut
            if not whole and (cut_short or not exhausted):
                stats = stats._replace(stopped=True)
            state = None if sample else source.next_state(done)
            return Ended(ledger.state, state, stats)
        finally:
            log_errors(source.close, "while closing")

    def _read_splits(
        self,
        source: Source,
        ledger: SharedLedger,
        done: list[FinishedSplit],
        clock: _Clock | None,
        expected: int,
    ) -> bool:
        """Read splits until the time is up; return whether the source has no more.

        The first split is always begun, so that repeated runs make progress.
        """
        longest = 0.0
        with closing(source.plan(ledger)) as splits:
            for split in splits:
                began = time.monotonic()
                finished = self._read_split(source, split, expected, clock)
                if self._given_up(expected):
                    return False
                done += [finished] if finished.whole or finished.position else []
                longest = max(longest, time.monotonic() - began)
                if clock is not None and (clock.has_cut or clock.stops(longest)):
                    return False
        return True

    def _read_split(
        self, source: Source, split: Split, expected: int, clock: _Clock | None
    ) -> FinishedSplit:
        """Hand the batches of a split to their streams, as long as there is time."""
        whole, position = True, None
        with closing(source.read(split)) as batches:
            for number, batch in enumerate(batches):
                if clock is not None and number and clock.cuts(position):
                    return FinishedSplit(split, position, whole=False)
                self._route(source, split, batch)
                whole = whole and not batch.unread
                position = (whole and batch.position) or position
                if self._given_up(expected):
                    break
        return FinishedSplit(split, position, whole)

    def _route(self, source: Source, split: Split, batch: Batch) -> None:
        """Hand a batch to its stream; one without records may be of all streams."""
        subject = f"report {self._report}: source {source.name}"
        if not isinstance(batch, Batch) or batch.stream is None:
            check_batch(batch, subject, source.output_format)
            # others are checked in the run of their stream
        if batch.stream is not None or _has_records(batch):
            check_stream(batch, list(self._queues), subject)
            self._put(str(batch.stream), batch)
        elif batch.unread or batch.ignored:
            unread = [  # the split that the run of a stream knows, see `SharedStream`
                failure._replace(source_key=source.name)
                if failure.source_key == split.id
                else failure
                for failure in batch.unread
            ]
            for stream in self._queues:
                self._put(stream, batch._replace(unread=unread))

    def _given_up(self, expected: int) -> bool:
        return len(self._listening) < expected

    def _put(self, stream: str, item: Batch | None) -> None:
        if stream in self._listening:
            self._queues[stream].put(item)

    def _fail(self, error: ReportingError) -> None:
        """Raise an error in all runs that still read."""
        self._ended = None  # a run may see the end without the batches before it
        for stream, queue in self._queues.items():
            self._drain(stream)
            queue.put(error)  # this thread alone puts, so there is room

    def _drain(self, stream: str) -> None:
        with suppress(Empty):
            while True:
                self._queues[stream].get_nowait()


def _has_records(batch: Batch) -> bool:
    """Return whether a batch has records: valid, rejected or deleted ones."""
    deletes = batch.deletes
    return bool(
        len(batch.source_keys)
        or batch.rejected
        or (deletes is not None and deletes.height)
    )
