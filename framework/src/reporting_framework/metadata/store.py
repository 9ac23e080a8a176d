"""The metadata store of a report: all that it keeps other than its rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.metadata import removal
from reporting_framework.metadata.hints import HintsFile
from reporting_framework.metadata.quarantine import ParquetQuarantine
from reporting_framework.metadata.reset import UNFINISHED, ResetMarker
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.storage import Location, open_store, parse_location
from reporting_framework.storage.backup import (
    Place,
    back_up,
    check_unchanged,
    leftovers,
)
from reporting_framework.storage.permissions import deleting, writing

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.metadata.history import RunHistory
    from reporting_framework.plugin_api.base import Permission
    from reporting_framework.plugin_api.metadata import MetadataLocation
    from reporting_framework.plugin_api.sink import Sink

QUARANTINE_FOLDER = "_quarantine"
"""The underscore keeps Athena and Hive from reading what is in it."""

RUNS_FOLDER = "_runs"
"""The same for the history of runs."""

_log = logging.getLogger(__name__)

Versions = Callable[[], Iterable[tuple[str, str | None]]]


class MetadataStore:
    """Quarantine, hints, history and artifacts of a report, and the marker of a reset.

    Args:
        location: Where it is.
        output_versions: Returns the version of each output of the report.

    Attributes:
        quarantine: What was read and not accepted.
    """

    def __init__(self, location: MetadataLocation, output_versions: Versions) -> None:
        self._location = location
        self._folder = parse_location(location.folder)
        self._output_versions = output_versions
        place = quarantine_place(location)
        self._state = open_store(place.parent)
        self.quarantine = ParquetQuarantine(self._state, place.name)
        hints = f"{place.name.removesuffix('.parquet')}.json"
        self._keys = {"quarantine": place.name, "hints": hints}
        self._hints = HintsFile(self._state, hints, self._versions)
        self._marker = ResetMarker(
            self._folder.join(f"{QUARANTINE_FOLDER}/{location.name}.reset")
        )

    @cached_property
    def history(self) -> RunHistory | None:
        """The history of runs, or `None` if none is kept."""
        from reporting_framework.metadata.history import (
            RunHistory,
        )  # only what reads or writes it needs it

        if not self._location.keep_runs:
            return None
        folder = self._folder.join(f"{RUNS_FOLDER}/{self._location.name}")
        return RunHistory(folder, self._location.keep_runs)

    def load(self) -> None:
        """Read quarantine and hints, so that later calls need not wait for them."""
        self._hints.load()
        self.quarantine.load()

    def close(self) -> None:
        """Remove what is temporary."""
        history = self.__dict__.get("history")  # if it was asked for
        if history is not None:
            history.clear()

    # -- hints -------------------------------------------------------------------------

    @property
    def hints(self) -> Mapping[str, Any]:
        """What the source left behind at the end of the last run."""
        return self._hints.hints

    def save_hints(self, hints: Mapping[str, Any]) -> None:
        """Keep the source's hints for the next run.

        They only save work: losing them never loses a record. They are dropped if
        another run has written the quarantine meanwhile.
        """
        self._hints.save({} if self.quarantine.overtaken else hints)

    def discard(self, entries: pl.DataFrame) -> int:
        """Discard entries of the quarantine; see `ParquetQuarantine.discard`.

        The hints stay valid.
        """
        hints = self.hints
        discarded = self.quarantine.discard(entries)
        if hints:
            self.save_hints(hints)  # which named the version that this has replaced
        return discarded

    def _versions(self) -> Sequence[Any]:
        return [self.quarantine.version, *self._output_versions()]

    # -- artifacts ---------------------------------------------------------------------

    def put_artifact(
        self, kind: str, name: str, data: bytes, *, content_type: str
    ) -> str:
        """Put a small file into the store, such as a page, and return its URI.

        It is one atomic step, whatever was there.

        Args:
            kind: What kind of file it is, such as ``reports``: a word that may name a
                folder.
            name: Its name among those of its kind, such as ``2024-01.html``.
            data: The bytes.
            content_type: Their media type.

        Raises:
            AccessDenied: Writing was refused.
            StorageUnavailable: Writing failed after retries.
        """
        store, key = open_store(self._folder), f"_{kind}/{self._location.name}/{name}"
        store.replace(key, data, content_type=content_type, metadata={})
        return store.location.join(key).uri

    # -- state and reset ---------------------------------------------------------------

    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """Return the quarantine and the hints, as far as they are there.

        Locks, and what killed processes left beside them, follow.
        """
        return [
            *(place.artifact for place in self._places()),
            *leftovers([self._state.location]),
        ]

    def _places(self) -> Iterator[Place]:
        for kind, key in self._keys.items():
            if (entry := self._state.head(key)) is None:
                continue
            rows = None
            with suppress(CorruptCheckpoint):
                if kind == "quarantine":
                    rows = self.quarantine.entries().height
            artifact = StoredArtifact(
                "quarantine" if kind == "quarantine" else "hints",
                self._state.location.join(key).uri,
                rows=rows,
                bytes=entry.size,
                version=entry.version,
                modified=self._state.modified(key),
            )
            yield Place(self._state, key, artifact)

    def _place_of(self, artifact: StoredArtifact) -> Place:
        return Place(self._state, self._keys[artifact.kind], artifact)

    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        """Copy these artifacts, compare, and return where each copy is.

        Raises:
            CommitConflict: One has changed since it was looked at.
        """
        places = [self._place_of(artifact) for artifact in stored_artifacts]
        check_unchanged(places)
        return back_up(places, open_store(self._folder), name)

    def remove(
        self, stored_artifacts: Sequence[StoredArtifact], *, by: str, rows_stay: bool
    ) -> None:
        """Remove these artifacts, hints first, each in the version looked at.

        Args:
            stored_artifacts: As `stored_artifacts` gave them.
            by: Name of the reset.
            rows_stay: Whether the outputs stay; see `ParquetQuarantine.reset`.

        Raises:
            CommitConflict: One has changed since.
        """
        for store, key, artifact in map(self._place_of, reversed(stored_artifacts)):
            if artifact.kind == "quarantine":
                self.quarantine.reset(
                    if_version=artifact.version or "", by=by, rows_stay=rows_stay
                )
            elif store.head(key) is not None:  # else another try has removed it
                store.delete(key, if_version=artifact.version or "")

    def reset(
        self,
        sinks: Sequence[Sink],
        chosen: removal.Chosen,
        backup: str,
    ) -> None:
        """Remove what was chosen, in several steps; see `removal.remove`."""
        removal.remove(self, self._marker, sinks, chosen, backup)

    def unfinished_reset(self) -> str | None:
        """Describe a reset that has begun and not ended, `None` if there is none."""
        reset = self._marker.read()
        return (
            reset
            and f"{self._marker.uri}: a reset began at {reset.at} and has not ended"
        )

    def finish_reset(self, sinks: Sequence[Sink], *, by_hand: bool) -> None:
        """Finish a reset that has begun and not ended; see `removal.finish`."""
        removal.finish(self, self._marker, sinks, by_hand=by_hand)

    def refuse_reset(self) -> None:
        """Raise if a reset has begun and not ended: nothing may be committed.

        Raises:
            CommitConflict: It has.
        """
        self._marker.refuse()

    def warn_of_reset(self) -> None:
        """Log that a reset has not ended: what is read may be a part of the table."""
        if self._marker.exists():
            _log.warning(
                "%s: %s; what is read now may be a part of the table",
                self._marker.uri,
                UNFINISHED,
            )

    # -- health ------------------------------------------------------------------------

    def health_checks(self) -> Mapping[str, Callable[[], CheckResult]]:
        """Return the checks of the store, for ``reporting doctor REPORT``."""
        return {"quarantine": self._check}

    def _check(self) -> CheckResult:
        if unfinished := self.unfinished_reset():
            return CheckResult(
                "warn", unfinished, "finish it: reporting state REPORT reset"
            )
        return CheckResult(
            "ok",
            f"{self.quarantine.uri}: {self.quarantine.entries().height:,} records",
        )


def quarantine_place(location: MetadataLocation) -> Location:
    """Return where the quarantine is."""
    if location.quarantine is not None:
        return parse_location(location.quarantine)
    folder = parse_location(location.folder)
    return folder.join(f"{QUARANTINE_FOLDER}/{location.name}.parquet")


def permissions_of(location: MetadataLocation) -> list[Permission]:
    """Return what a report must be allowed to do in AWS to keep its metadata there."""
    folders = [parse_location(location.folder)]
    if location.quarantine is not None:
        folders.append(parse_location(location.quarantine).parent)
    merged = [folders[0].join(RUNS_FOLDER)] if location.keep_runs else []
    return [
        *(permission for folder in folders for permission in writing(folder)),
        *(permission for folder in merged for permission in deleting(folder)),
    ]
