"""Source state of a run: the state to start from, and the state to commit.

Each sink keeps the state together with its rows. A sink whose commit failed is behind
the others, and the source starts from the state of this sink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import redacted
from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.plugin_api.source import Source

State = Mapping[str, Any]


def identity_of(source: Source) -> str:
    """Return the identity of a source: name, stream, and places that it reads.

    The state of another database must not be used, even if its tables have the same
    names. If a source fails to return its places, its name alone is the identity.
    """
    places: Sequence[str] = ()
    with suppress(ReportingError):
        places = source.source_uris()
    names = [source.name] if source.stream is None else [source.name, source.stream]
    if source.stream is not None and source.reads_streams_together:
        names.append("of all streams")  # a state of another form
    return " ".join([*names, *sorted(map(redacted, places))])


class SourceState(NamedTuple):
    """States that were committed to the sinks of a report.

    A committed state holds a number that grows with each commit (``sequence``), the
    identity of the source, the write mode of the sink, and the state that the source
    returned (``state``).

    Attributes:
        source: Identity of the source, see `identity_of`.
        committed: State of each sink, `None` if it has none.
        kept: Whether each sink keeps a state.
        modes: Write mode of each sink.
    """

    source: str
    committed: Sequence[State | None]
    kept: Sequence[bool]
    modes: Sequence[WriteMode]

    @classmethod
    def of(
        cls, source: str, sinks: Sequence[Sink], modes: Sequence[WriteMode]
    ) -> SourceState:
        """Return the states of opened sinks.

        Raises:
            ReportingError: A state cannot be read.
        """
        kept = [supports(sink, "load_state") for sink in sinks]
        return cls(source, [sink.load_state() for sink in sinks], kept, modes)

    @property
    def start(self) -> State | None:
        """State of the sink that is furthest behind, `None` if a sink has none.

        A state of another source or another write mode is ignored, as it does not
        describe the present table. So are two different states with the same number:
        of two concurrent runs, each has reached another sink first.
        """
        states = []
        for known, keeps, mode in zip(
            self.committed, self.kept, self.modes, strict=True
        ):
            if not keeps:
                continue
            of_mode = known is not None and mode != "replace"
            if not of_mode or not self._is_ours(known, mode):
                return None
            states.append(known)
        if not states:
            return None
        number = min(int(known["sequence"]) for known in states if known)
        behind = [known for known in states if known and known["sequence"] == number]
        start: State = behind[0]["state"]
        return start if all(known["state"] == start for known in behind) else None

    def _is_ours(self, known: State | None, mode: WriteMode) -> bool:
        return known is not None and (known["source"], known.get("mode")) == (
            self.source,
            mode,
        )

    def following(self, state: State | None) -> list[State | None]:
        """Return the state to commit to each sink, `None` to keep the present state.

        A table that is replaced loses the rows that an older state describes.

        Args:
            state: State that the source returned, `None` if it has not changed.
        """
        number = max(
            (int(known["sequence"]) for known in self.committed if known), default=0
        )
        content = self.start if state is None else state
        following: list[State | None] = []
        for known, keeps, mode in zip(
            self.committed, self.kept, self.modes, strict=True
        ):
            stays = content is None and (known is None or mode != "replace")
            new = {
                "sequence": number + 1,
                "source": "" if content is None else self.source,
                "mode": mode,
                "state": dict(content or {}),
            }
            same = known is not None and all(
                known.get(name) == new[name] for name in ("source", "mode", "state")
            )
            following.append(None if stays or same or not keeps else new)
        return following
