"""Removal of a report's artifacts, in several steps under a marker; see `reset`."""

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
"""Attempts of a reset while concurrent runs keep writing."""

_log = logging.getLogger(__name__)


class Metadata(Protocol):
    """The methods of a metadata store that a reset uses."""

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
    """The artifacts that a reset removes.

    Attributes:
        outputs: Outputs of each sink that can be reset.
        metadata: Artifacts of the metadata store.
    """

    outputs: Sequence[Sequence[StoredArtifact]]
    metadata: Sequence[StoredArtifact] = ()

    @property
    def all(self) -> list[StoredArtifact]:
        """All artifacts, outputs first."""
        outputs = [artifact for artifacts in self.outputs for artifact in artifacts]
        return [*outputs, *self.metadata]


def resettable(sinks: Sequence[Sink]) -> list[Sink]:
    """Return the sinks that can be reset."""
    return [sink for sink in sinks if supports(sink, "remove")]


def choose(
    store: Metadata | None, sinks: Sequence[Sink], kinds: Sequence[str]
) -> Chosen:
    """Return the existing artifacts of these kinds.

    The metadata store is looked at first: a run replaces its quarantine entries after
    its commit, so a reset notices such a run.
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
    """Copy all chosen artifacts, compare, and return each with its copy's URI."""
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
    """Remove the chosen artifacts, under a marker written first and removed last.

    Args:
        store: The metadata store.
        marker: Its marker.
        sinks: The report's sinks.
        chosen: Artifacts to remove, in the versions looked at.
        backup: Name of the existing backup.

    Raises:
        CommitConflict: An artifact has changed since, and nothing was removed; or
            another reset is under way.
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
) -> bool:
    """Finish an unfinished reset; return whether there was one.

    Args:
        store: The metadata store.
        marker: Its marker.
        sinks: The report's sinks, open.
        by_hand: Whether a person asked for it and so confirms that the process that
            began the reset is dead. Otherwise a run, a replay or a discard is about to
            write.

    Raises:
        CommitConflict: The process that began the reset may be alive: a bucket has no
            lock that would show it.
    """
    if not marker.exists():
        return False
    if marker.remote and not by_hand:
        raise marker.unfinished()
    with marker.lock():
        if (reset := marker.read()) is not None:
            _finish(store, marker, sinks, reset)
            _log.warning(
                "%s: the reset that began at %s was finished", marker.uri, reset.at
            )
    return True


def _compare(chosen: Chosen, now: Chosen) -> None:
    """Compare the chosen artifacts with the current ones.

    Raises:
        CommitConflict: An artifact was removed or changed.
    """
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
    """Remove all existing artifacts of the reset's kinds.

    Each is removed only in a version that was copied.

    A run that was under way when the reset began may have written more. Its output is
    copied too, and everything is looked at again: its rows in outputs that the reset
    has not seen must not remain without its rows in the other outputs.
    """
    rows_stay = "output" not in reset.kinds
    for _ in range(MAX_ATTEMPTS):
        chosen = chosen or choose(store, sinks, reset.kinds)
        try:
            reset = _back_up_rest(store, marker, sinks, reset, chosen)
            # Outputs last: after a partial removal, the rest is only read again.
            store.remove(chosen.metadata, by=reset.backup, rows_stay=rows_stay)
            pairs = [*zip(resettable(sinks), chosen.outputs, strict=True)]
            for sink, artifacts in reversed(pairs):
                if artifacts:
                    sink.remove(artifacts)
        except CommitConflict as error:
            _log.warning(
                "a concurrent run has written during the reset; its output is removed"
                " too: %s",
                error,
            )
            chosen = None
        else:
            marker.remove()
            return
    raise CommitConflict(
        f"{marker.uri}: runs have written {MAX_ATTEMPTS} times in a row; stop them and"
        " reset again"
    )


def _back_up_rest(
    store: Metadata,
    marker: ResetMarker,
    sinks: Sequence[Sink],
    reset: Reset,
    chosen: Chosen,
) -> Reset:
    """Copy the artifacts that have no copy yet, and return the updated reset.

    The marker names the copies before anything is removed.
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
            _log.warning("written by a concurrent run, and copied to %s", copy)
        copied = frozenset(
            (artifact.uri, artifact.version or "") for artifact in rest.all
        )
        reset = reset._replace(saved=reset.saved | copied)
        marker.write(reset)
    return reset


def stamp() -> str:
    """Return the name for a backup made now."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
