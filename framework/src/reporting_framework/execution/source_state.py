"""The source state of a run: where the source starts, and what is committed.

Each sink keeps the state together with its rows. A sink whose commit failed is behind
the others, and the source starts from its state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.plugin_api.sink import Sink

State = Mapping[str, Any]


class SourceState(NamedTuple):
    """States that the sinks of a report have, as they were committed.

    A committed state holds a number that grows with each commit (``sequence``), the
    name of the source and what the source said (``state``).

    Attributes:
        source: Name of the source.
        committed: State of each sink, `None` if it has none.
        kept: Whether each sink keeps a state.
    """

    source: str
    committed: Sequence[State | None]
    kept: Sequence[bool]

    @classmethod
    def of(cls, source: str, sinks: Sequence[Sink]) -> SourceState:
        """Return the states of opened sinks.

        Raises:
            ReportingError: A state cannot be read.
        """
        kept = [supports(sink, "load_state") for sink in sinks]
        return cls(source, [sink.load_state() for sink in sinks], kept)

    @property
    def start(self) -> State | None:
        """State of the sink that is furthest behind, `None` if one has none.

        That of another source says nothing, and counts as none.
        """
        known = [
            state
            for state, keeps in zip(self.committed, self.kept, strict=True)
            if keeps
        ]
        if not known or not all(
            state is not None and state["source"] == self.source for state in known
        ):
            return None
        behind = min((state for state in known if state), key=_sequence)
        start: State = behind["state"]
        return start

    def following(self, state: State | None) -> list[State | None]:
        """Return what to commit to each sink, `None` if it stays as it is.

        Args:
            state: What the source says, `None` if its state has not changed.
        """
        number = max((_sequence(known) for known in self.committed if known), default=0)
        content = self.start if state is None else state
        if content is None:
            return [None] * len(self.kept)
        new = {"sequence": number + 1, "source": self.source, "state": dict(content)}
        return [
            new if keeps and not _same(known, new) else None
            for known, keeps in zip(self.committed, self.kept, strict=True)
        ]


def _sequence(state: State) -> int:
    return int(state["sequence"])


def _same(known: State | None, new: State) -> bool:
    return known is not None and all(
        known[name] == new[name] for name in ("source", "state")
    )
