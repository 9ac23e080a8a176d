"""The removal of what a report keeps, in several steps under a marker; see `reset`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reporting_framework.errors import CommitConflict
from reporting_framework.metadata.reset import Reset
from reporting_framework.plugin_api.base import supports
from reporting_framework.storage import same_version
from reporting_framework.storage.backup import changed, gone

if TYPE_CHECKING:
    from reporting_framework.metadata.reset import ResetMarker
    from reporting_framework.plugin_api.records import StoredArtifact
    from reporting_framework.plugin_api.sink import Sink

MAX_ATTEMPTS = 20
"""How often a reset begins again because runs that were under way have written."""

_log = logging.getLogger(__name__)


class Metadata(Protocol):
    """The part of a metadata store that a reset removes."""

    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """See `MetadataStore.stored_artifacts`."""
        ...

    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        """See `MetadataStore.back_up`."""
        ...

    def remove(
        self, stored_artifacts: Sequence[StoredArtifact], *, by: str, rows_stay: bool
    ) -> None:
        """See `MetadataStore.remove`."""
        ...


class Chosen(NamedTuple):
    """What a reset removes.

    Attributes:
        outputs: Outputs of each sink that can be reset.
        metadata: What the metadata store keeps.
    """

    outputs: Sequence[Sequence[StoredArtifact]]
    metadata: Sequence[StoredArtifact] = ()

    @property
    def all(self) -> list[StoredArtifact]:
        """All of it, outputs first."""
        outputs = [artifact for artifacts in self.outputs for artifact in artifacts]
        return [*outputs, *self.metadata]


def resettable(sinks: Sequence[Sink]) -> list[Sink]:
    """Return the sinks that can be reset."""
    return [sink for sink in sinks if supports(sink, "remove")]


def choose(
    store: Metadata | None, sinks: Sequence[Sink], kinds: Sequence[str]
) -> Chosen:
    """Return what there is of these kinds, as it is now.

    The metadata store is looked at first. A run that replaces entries of the quarantine
    later has committed later too, so that a reset notices.
    """
    metadata = store.stored_artifacts() if store is not None else ()
    outputs = [sink.stored_artifacts() for sink in resettable(sinks)]
    return Chosen(
        [
            [artifact for artifact in artifacts if artifact.kind in kinds]
            for artifacts in outputs
        ],
        [artifact for artifact in metadata if artifact.kind in kinds],
    )


def back_up(
    store: Metadata | None, sinks: Sequence[Sink], chosen: Chosen, name: str
) -> list[tuple[StoredArtifact, str]]:
    """Copy everything, and compare; each with the place of its copy."""
    copies: list[tuple[StoredArtifact, str]] = []
    for sink, artifacts in zip(resettable(sinks), chosen.outputs, strict=True):
        if artifacts:
            copies += zip(artifacts, sink.back_up(artifacts, name), strict=True)
    if store is not None and chosen.metadata:
        uris = store.back_up(chosen.metadata, name)
        copies += zip(chosen.metadata, uris, strict=True)
    return copies


def remove(
    store: Metadata,
    marker: ResetMarker,
    sinks: Sequence[Sink],
    chosen: Chosen,
    backup: str,
) -> None:
    """Remove what was chosen; a marker comes first and goes last.

    Args:
        store: The metadata store.
        marker: Its marker.
        sinks: Those of the report.
        chosen: What is removed, as it was looked at.
        backup: Name of the backup that was made.

    Raises:
        CommitConflict: A part of it has changed since; nothing was removed. Or another
            reset is under way.
    """
    with marker.lock():
        if marker.read() is not None:
            marker.refuse()
        saved = frozenset(
            (artifact.uri, artifact.version or "") for artifact in chosen.all
        )
        kinds = tuple(dict.fromkeys(artifact.kind for artifact in chosen.all))
        reset = Reset.begin(kinds, backup, saved)
        marker.write(reset)
        try:
            _compare(chosen, choose(store, sinks, kinds))
        except CommitConflict:  # nothing was removed yet
            marker.remove()
            raise
        _finish(store, marker, sinks, reset, chosen)


def finish(
    store: Metadata, marker: ResetMarker, sinks: Sequence[Sink], *, by_hand: bool
) -> None:
    """Finish a reset that has begun and not ended, if there is one.

    Args:
        store: The metadata store.
        marker: Its marker.
        sinks: Those of the report, open.
        by_hand: Whether a person has asked for it, and so says that the process that
            began it is dead. Otherwise a run, a replay or a discard is about to write.

    Raises:
        CommitConflict: It is not certain that the process that began it is dead: in a
            bucket no lock tells.
    """
    if not marker.exists():
        return
    if marker.remote and not by_hand:
        marker.refuse()
    with marker.lock():
        if (reset := marker.read()) is not None:
            _finish(store, marker, sinks, reset)
            _log.warning(
                "%s: the reset that began at %s was finished", marker.uri, reset.at
            )


def _compare(chosen: Chosen, now: Chosen) -> None:
    """Compare what was chosen with what is there now."""
    versions = {artifact.uri: artifact.version for artifact in now.all}
    for artifact in chosen.all:
        if artifact.uri not in versions:
            raise gone(artifact)
        if not same_version(versions[artifact.uri], artifact.version):
            raise changed(artifact)


def _finish(
    store: Metadata,
    marker: ResetMarker,
    sinks: Sequence[Sink],
    reset: Reset,
    chosen: Chosen | None = None,
) -> None:
    """Remove everything of these kinds that is there.

    Each is removed only in a version of which there is a copy.

    A run that was under way when the reset began may have written more. What it wrote
    is copied too, and everything is looked at again: its rows in outputs that the reset
    has not seen must not stay without those in the others.
    """
    rows_stay = "output" not in reset.kinds
    for _ in range(MAX_ATTEMPTS):
        chosen = chosen or choose(store, sinks, reset.kinds)
        try:
            reset = _back_up_rest(store, marker, sinks, reset, chosen)
            # Outputs last: what is left of a half removal is only read once more.
            store.remove(chosen.metadata, by=reset.backup, rows_stay=rows_stay)
            pairs = [*zip(resettable(sinks), chosen.outputs, strict=True)]
            for sink, artifacts in reversed(pairs):
                if artifacts:
                    sink.remove(artifacts)
        except CommitConflict as error:
            _log.warning(
                "a run that was under way has written, and what it wrote is removed"
                " too: %s",
                error,
            )
            chosen = None
        else:
            marker.remove()
            return
    raise CommitConflict(
        f"{marker.uri}: runs have written {MAX_ATTEMPTS} times in a row; stop them, and"
        " reset again"
    )


def _back_up_rest(
    store: Metadata,
    marker: ResetMarker,
    sinks: Sequence[Sink],
    reset: Reset,
    chosen: Chosen,
) -> Reset:
    """Copy that of which there is no copy yet.

    The marker says so before any of it is removed.
    """

    def new(artifacts: Sequence[StoredArtifact]) -> list[StoredArtifact]:
        return [
            artifact
            for artifact in artifacts
            if (artifact.uri, artifact.version) not in reset.saved
        ]

    rest = Chosen(
        [new(artifacts) for artifacts in chosen.outputs], new(chosen.metadata)
    )
    if rest.all:
        for _, copy in back_up(store, sinks, rest, stamp()):
            _log.warning("written by a run that was under way, and copied to %s", copy)
        copied = frozenset(
            (artifact.uri, artifact.version or "") for artifact in rest.all
        )
        reset = reset._replace(saved=reset.saved | copied)
        marker.write(reset)
    return reset


def stamp() -> str:
    """Return the name of a backup that is made now."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
