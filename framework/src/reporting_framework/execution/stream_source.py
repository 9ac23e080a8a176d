"""Sources of single streams, for a source that reads its streams together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from reporting_framework.errors import PluginError
from reporting_framework.execution.batch_checks import check_stream
from reporting_framework.execution.shared_reading import SharedReading
from reporting_framework.execution.shared_state import SharedLedger
from reporting_framework.execution.source_schema import POSITION
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import Batch, Split
from reporting_framework.plugin_api.source import PlanStats, Source

if TYPE_CHECKING:
    from reporting_framework.plugin_api.ledger import RunLedger
    from reporting_framework.plugin_api.records import FinishedSplit


def stream_source(plugin: type[Source], reading: SharedReading | None) -> type[Source]:
    """Return the class of the source objects of single streams.

    Args:
        plugin: Class of a source that reads its streams together.
        reading: Reading that has the batches of all streams; `None`: the stream is read
            alone.
    """
    if reading is None:
        return type(plugin.__name__, (StreamSource, plugin), {"plugin": plugin})
    return type(plugin.__name__, (SharedStream, plugin), {"reading": reading})


class StreamSource(Source):
    """Source of one stream that is read alone: batches of other streams are dropped.

    The position is that of all streams, so it is not committed.
    """

    plugin: ClassVar[type[Source]]
    triggers = frozenset()

    @property
    def _own(self) -> Any:
        """The methods of the plugin's class."""
        return super()

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Plan from the position of this stream."""
        splits: Iterable[Split] = self._own.plan(SharedLedger([ledger]))
        return splits

    def read(self, split: Split) -> Iterator[Batch]:
        """Yield the batches of this stream, and those of no stream."""
        streams = (None, *self.streams())
        for batch in self._own.read(split):
            if isinstance(batch, Batch):
                check_stream(batch, streams, f"source {self.name}")
            if getattr(batch, "stream", None) in (None, self.stream):
                yield batch

    def next_state(self, done: Sequence[FinishedSplit]) -> None:
        """Keep the present state."""

    def next_hints(self, **_: Any) -> Mapping[str, Any]:
        """Return no hints."""
        return {}

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Describe what a run of this stream alone would read."""
        sentences: Sequence[str] = self._own.describe_hints(SharedLedger([ledger]))
        return sentences

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.plugin,), self.__getstate__()


class SharedStream(StreamSource):
    """Source of one stream that takes its batches from a reading of all streams."""

    reading: ClassVar[SharedReading]

    def next_hints(self, **_: Any) -> Mapping[str, Any]:
        """Return the position of the reading, if the next sample can begin there."""
        position = self.reading.last_position
        if position is None or not supports(self, "use_last_position"):
            return {}
        return {POSITION: position}

    @property
    def parallelism(self) -> int:
        """One split: the part of the stream in the reading."""
        return 1

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return one split."""
        self.reading.join(str(self.stream), ledger)
        return [Split(self.name, {})]

    def read(self, split: Split) -> Iterator[Batch]:
        """Yield the batches of this stream."""
        return self.reading.batches(str(self.stream))

    def plan_stats(self) -> PlanStats:
        """Return the statistics of the reading's plan."""
        return self.reading.plan_stats(str(self.stream))

    def next_state(  # type: ignore[override]  # the other one has none
        self, done: Sequence[FinishedSplit]
    ) -> Mapping[str, Any] | None:
        """Return the position at which the reading has ended, for this stream."""
        return self.reading.next_state(str(self.stream))

    def __reduce__(self) -> tuple[Any, ...]:
        raise PluginError(
            f"source {self.name}: it reads its streams together, in one process, and"
            " the engine works elsewhere; use engine local"
        )


def _restored(plugin: type[Source]) -> Source:
    """Return an object of `stream_source` without its state, to be unpickled."""
    made = stream_source(plugin, None)
    return made.__new__(made)
