"""Metadata store of a report: everything that it keeps except its rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.metadata import removal
from reporting_framework.metadata.hints import HintsFile
from reporting_framework.metadata.places import MetadataPlaces
from reporting_framework.metadata.quarantine import ParquetQuarantine
from reporting_framework.metadata.reset import UNFINISHED, ResetMarker
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.storage import open_store, parse_location
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
    from reporting_framework.metadata.notes import ObserverNotes
    from reporting_framework.plugin_api.base import Permission
    from reporting_framework.plugin_api.metadata import MetadataLocation
    from reporting_framework.plugin_api.sink import Sink

RUNS_FOLDER = "_runs"
"""Folder of the run history, skipped by Athena and Hive as well."""

NOTES_FOLDER = "_observers"
"""Folder of the notes of observers, skipped by Athena and Hive as well."""

_log = logging.getLogger(__name__)

Versions = Callable[[], Iterable[tuple[str, str | None]]]


class MetadataStore:
    """Quarantine, hints, history, artifacts and reset marker of a report.

    Args:
        location: Location of the store.
        output_versions: Function that returns the version of each output of the report.

    Attributes:
        quarantine: The rejected and unfinished records.
    """

    def __init__(self, location: MetadataLocation, output_versions: Versions) -> None:
        self._location = location
        self._folder = parse_location(location.folder)
        self._output_versions = output_versions
        places = MetadataPlaces.of(location)
        self._state = open_store(places.quarantine.parent)
        self._keys = {"quarantine": places.quarantine.name, "hints": places.hints.name}
        self.quarantine = ParquetQuarantine(self._state, self._keys["quarantine"])
        self._hints = HintsFile(self._state, self._keys["hints"], self._versions)
        self._marker = ResetMarker(places.marker)

    @cached_property
    def history(self) -> RunHistory | None:
        """The run history, or `None` if none is kept."""
        from reporting_framework.metadata.history import (
            RunHistory,
        )  # imported late: only commands that use the history need it

        if not self._location.keep_runs:
            return None
        folder = self._folder.join(f"{RUNS_FOLDER}/{self._location.name}")
        return RunHistory(folder, self._location.keep_runs)

    def load(self) -> None:
        """Read quarantine and hints, so that later calls return at once."""
        self._hints.load()
        self.quarantine.load()

    def close(self) -> None:
        """Remove temporary files."""
        history = self.__dict__.get("history")  # only if it was created
        if history is not None:
            history.clear()

    # -- hints -------------------------------------------------------------------------

    @property
    def hints(self) -> Mapping[str, Any]:
        """Hints of the source from the end of the last run."""
        return self._hints.hints

    def stored_hints(self) -> Mapping[str, Any]:
        """Return the hints as they are stored, which may be outdated."""
        return self._hints.load()[1]

    def save_hints(self, hints: Mapping[str, Any]) -> None:
        """Save the source's hints for the next run.

        Hints only save work: losing them never loses a record. If another run has
        written the quarantine meanwhile, the stored hints are emptied.
        """
        self._hints.save({} if self.quarantine.overtaken else hints)

    def discard(self, entries: pl.DataFrame) -> int:
        """Discard entries of the quarantine; see `ParquetQuarantine.discard`.

        The hints stay valid.
        """
        hints = self.hints
        discarded = self.quarantine.discard(entries)
        if hints:
            self.save_hints(hints)  # for the quarantine's new version
        return discarded

    def _versions(self) -> Sequence[Any]:
        return [self.quarantine.version, *self._output_versions()]

    # -- artifacts ---------------------------------------------------------------------

    def put_artifact(
        self, kind: str, name: str, data: bytes, *, content_type: str
    ) -> str:
        """Put a small file, such as a page, into the store and return its URI.

        The file is written in one atomic step; an existing one is replaced.

        Args:
            kind: Kind of the file, such as ``reports``: a word that may name a folder.
            name: Its name within its kind, such as ``2024-01.html``.
            data: The bytes.
            content_type: Their media type.

        Raises:
            AccessDenied: The storage refused the write.
            StorageUnavailable: Writing failed after retries.
        """
        store, key = open_store(self._folder), f"_{kind}/{self._location.name}/{name}"
        store.replace(key, data, content_type=content_type, metadata={})
        return store.location.join(key).uri

    def notes(self, observer: str) -> ObserverNotes:
        """Return the notes that an observer keeps about the report."""
        from reporting_framework.metadata.notes import (
            ObserverNotes,
        )  # imported late: only observers that keep notes need it

        key = f"{NOTES_FOLDER}/{self._location.name}/{observer}.json"
        return ObserverNotes(self._folder.join(key))

    # -- state and reset ---------------------------------------------------------------

    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """Return the existing quarantine and hints, then locks and leftovers.

        Leftovers are files of killed processes beside the quarantine.
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

    def back_up(self, artifacts: Sequence[StoredArtifact], name: str) -> Sequence[str]:
        """Copy these artifacts, compare the copies, and return their URIs.

        Raises:
            CommitConflict: An artifact has changed since it was looked at.
        """
        places = [self._place_of(artifact) for artifact in artifacts]
        check_unchanged(places)
        return back_up(places, open_store(self._folder), name)

    def remove(
        self, stored_artifacts: Sequence[StoredArtifact], *, by: str, rows_stay: bool
    ) -> None:
        """Remove these artifacts, hints first, each in the version looked at.

        Args:
            stored_artifacts: Artifacts as returned by `stored_artifacts`.
            by: Name of the reset.
            rows_stay: Whether the outputs stay; see `ParquetQuarantine.reset`.

        Raises:
            CommitConflict: An artifact has changed since.
        """
        for store, key, artifact in map(self._place_of, reversed(stored_artifacts)):
            if artifact.kind == "quarantine":
                self.quarantine.reset(
                    if_version=artifact.version or "", by=by, rows_stay=rows_stay
                )
            elif store.head(key) is not None:  # else an earlier attempt removed it
                store.delete(key, if_version=artifact.version or "")

    def reset(
        self,
        sinks: Sequence[Sink],
        chosen: removal.Chosen,
        backup: str,
    ) -> None:
        """Remove the chosen artifacts in several steps; see `removal.remove`."""
        removal.remove(self, self._marker, sinks, chosen, backup)

    def unfinished_reset(self) -> str | None:
        """Describe the unfinished reset; return `None` if there is none."""
        reset = self._marker.read()
        return (
            reset
            and f"{self._marker.uri}: a reset began at {reset.at} and has not ended"
        )

    def finish_reset(self, sinks: Sequence[Sink], *, by_hand: bool) -> None:
        """Finish an unfinished reset, if there is one; see `removal.finish`."""
        if removal.finish(self, self._marker, sinks, by_hand=by_hand):
            self._hints.forget()

    def refuse_reset(self) -> None:
        """Raise if there is an unfinished reset: nothing may be committed then.

        Raises:
            CommitConflict: There is an unfinished reset.
        """
        self._marker.refuse()

    def warn_of_reset(self) -> None:
        """Warn of an unfinished reset: a read may return only a part of the table."""
        if self._marker.exists():
            _log.warning(
                "%s: %s; a read may return only a part of the table",
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


def permissions_of(location: MetadataLocation) -> list[Permission]:
    """Return the AWS permissions that a report needs for its metadata store."""
    folders = [parse_location(location.folder)]
    if location.quarantine is not None:
        folders.append(parse_location(location.quarantine).parent)
    merged = [folders[0].join(RUNS_FOLDER)] if location.keep_runs else []
    return [
        *(permission for folder in folders for permission in writing(folder)),
        *(permission for folder in merged for permission in deleting(folder)),
    ]
