"""Care of a checkpoint by hand.

It covers what the checkpoint keeps, copies of that, and checks of its surroundings.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from reporting_framework.errors import CommitConflict, CorruptCheckpoint
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.storage import Location, same_version
from reporting_object_store.health_checks import unknown_without_writing, written
from reporting_object_store.parquet_sink.backup import (
    Place,
    back_up,
    check_unchanged,
    leftovers,
)
from reporting_object_store.parquet_sink.checkpoint_store import CheckpointFiles
from reporting_object_store.parquet_sink.reset import Reset

MAX_WORKERS = 16
"""Files that are looked at at once: each is a round trip."""

MAX_ATTEMPTS = 20
"""How often a reset begins again because runs that were under way have written."""

_log = logging.getLogger(__name__)


class CheckpointMaintenance(CheckpointFiles):
    """The part of the sink ``parquet-checkpoint`` for care by hand.

    It is for `reporting state` and `reporting doctor`.
    """

    def belongings(self) -> Sequence[StoredArtifact]:
        """See `Sink.belongings`."""
        return [
            *(place.belonging for place in self._artifacts()),
            *leftovers(dict.fromkeys(self._folders())),
        ]

    def _artifacts(self) -> list[Place]:
        """Outputs, quarantine and bookmark, as far as they are there.

        The quarantine is looked at first. A run that settles it later has committed
        later too, so that a reset notices.
        """
        state = [*itertools.starmap(Place, self._quarantine.belongings())]
        with ThreadPoolExecutor(
            MAX_WORKERS, thread_name_prefix="reporting-look"
        ) as pool:
            outputs = [
                place
                for place in pool.map(self._artifact, self._keys())
                if place is not None
            ]
        return [*outputs, *state]

    def _artifact(self, key: str) -> Place | None:
        """One output as it is; without its rows when it is not what it should be."""
        entry = self.store.head(key)
        if entry is None:
            return None
        artifact = StoredArtifact(
            "output",
            self.store.location.join(key).uri,
            None,
            entry.size,
            entry.version,
            None,
            self.store.modified(key),
        )
        with suppress(CorruptCheckpoint):
            file = self._file_of(key)
            if same_version(file.version, entry.version):
                artifact = artifact._replace(rows=file.rows, newest=file.newest)
        return Place(self.store, key, artifact)

    def _folders(self) -> Iterator[Location]:
        """Yield the folders in which runs write.

        They are those of the files that are there, and the quarantine's.
        """
        yield self.layout.folder.join(self.layout.template).parent
        yield from (self.layout.folder.join(key).parent for key in self._keys())
        yield self._place.parent

    def back_up(self, belongings: Sequence[StoredArtifact], name: str) -> Sequence[str]:
        """See `Sink.back_up`."""
        copies = back_up(self._places(belongings), self.store, name)
        self._backup = name
        return copies

    def remove(self, belongings: Sequence[StoredArtifact]) -> None:
        """See `Sink.remove`.

        Several steps: a marker comes first and goes last, see `reset`.
        """
        with self._marker.lock():
            if self._marker.read() is not None:
                self._marker.refuse()
            places = self._places(belongings)
            saved = frozenset(
                (artifact.uri, artifact.version or "") for artifact in belongings
            )
            reset = Reset.begin(
                tuple(dict.fromkeys(artifact.kind for artifact in belongings)),
                self._backup or _stamp(),
                saved,
            )
            self._marker.write(reset)
            try:
                check_unchanged(places)
            except CommitConflict:  # nothing was removed yet
                self._marker.remove()
                raise
            self._finish(reset, places)

    def unfinished_reset(self) -> str | None:
        """See `Sink.unfinished_reset`."""
        marker = self._marker.read()
        return (
            marker
            and f"{self._marker.uri}: a reset began at {marker.at} and has not ended"
        )

    def finish_reset(self, *, by_hand: bool) -> None:
        """See `Sink.finish_reset`.

        In a bucket no lock tells whether the process that began it is alive.
        """
        if not self._marker.exists():
            return
        if self._marker.remote and not by_hand:
            self._marker.refuse()
        with self._marker.lock():
            if (reset := self._marker.read()) is not None:
                self._finish(reset)
                _log.warning(
                    "%s: the reset that began at %s was finished",
                    self._marker.uri,
                    reset.at,
                )

    def _finish(self, reset: Reset, places: Sequence[Place] = ()) -> None:
        """Remove everything of these kinds that is there.

        Each is removed only in a version of which there is a copy.

        A run that was under way when the reset began may have written more. What it
        wrote is copied too, and all files are looked at again: its rows in files that
        the reset has not seen must not stay without those in the others.

        Args:
            reset: What the marker says.
            places: What there is, if that is known.
        """
        for _ in range(MAX_ATTEMPTS):
            places = places or [
                artifact
                for artifact in self._artifacts()
                if artifact.belonging.kind in reset.kinds
            ]
            try:
                reset = self._back_up_rest(reset, places)
                # Outputs last: what is left of a half removal is only read once more.
                for place in places[::-1]:
                    self._remove(place, reset)
            except CommitConflict as error:
                _log.warning(
                    "a run that was under way has written, and what it wrote is removed"
                    " too: %s",
                    error,
                )
                places = ()
            else:
                self._marker.remove()
                return
        raise CommitConflict(
            f"{self._marker.uri}: runs have written {MAX_ATTEMPTS} times in a row; stop"
            " them, and reset again"
        )

    def _back_up_rest(self, reset: Reset, places: Sequence[Place]) -> Reset:
        """Copy those of which there is no copy yet.

        The marker says so before any of them is removed.
        """
        new = [
            artifact
            for artifact in places
            if (artifact.belonging.uri, artifact.belonging.version) not in reset.saved
        ]
        if new:
            for copy in back_up(new, self.store, _stamp()):
                _log.warning(
                    "written by a run that was under way, and copied to %s", copy
                )
            copied = frozenset(
                (artifact.belonging.uri, artifact.belonging.version or "")
                for artifact in new
            )
            reset = reset._replace(saved=reset.saved | copied)
            self._marker.write(reset)
        return reset

    def _remove(self, place: Place, reset: Reset) -> None:
        store, key, belonging = place
        if belonging.kind == "quarantine":
            rows_stay = "output" not in reset.kinds
            self._quarantine.reset(
                if_version=belonging.version or "", by=reset.backup, rows_stay=rows_stay
            )
        elif store.head(key) is not None:  # else another try has removed it
            store.delete(key, if_version=belonging.version or "")

    def _places(self, belongings: Sequence[StoredArtifact]) -> list[Place]:
        """These belongings as they were looked at, each with its store and key."""
        kept = {place.belonging.uri: place for place in self._artifacts()}
        if gone := [
            artifact.uri for artifact in belongings if artifact.uri not in kept
        ]:
            raise CommitConflict(
                f"{gone[0]}: it is not there any more; nothing was changed: try again"
            )
        return [
            kept[artifact.uri]._replace(belonging=artifact) for artifact in belongings
        ]

    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """See `Plugin.health_checks`."""
        return {
            "checkpoint": self._check_files,
            "quarantine": self._check_quarantine,
            "conditional writes": partial(written, self.store)
            if write
            else unknown_without_writing,
        }

    def _check_files(self) -> CheckResult:
        files = [self._file_of(key) for key in self._keys()]
        for file in files:
            file.check()
        rows, places = (
            sum(file.rows for file in files),
            [file.uri for file in files if file.version is not None],
        )
        more = f" and {len(places) - 1:,} more" if places[1:] else ""
        if unfinished := self.unfinished_reset():
            return CheckResult(
                "warn", unfinished, "finish it: reporting state REPORT reset"
            )
        if again := [
            (file.uri, twice)
            for file in files
            if (twice := file.rows - file.distinct())
        ]:
            return CheckResult(
                "fail",
                f"{again[0][0]}: {sum(twice for _, twice in again):,} of {rows:,} rows"
                " have a key that another row has",
                "keep a copy, then reset the checkpoint: the next run reads everything",
            )
        return CheckResult(
            "ok", f"{places[0]}{more}: {rows:,} rows" if places else "there is none yet"
        )

    def _check_quarantine(self) -> CheckResult:
        return CheckResult(
            "ok",
            f"{self._quarantine.uri}: {self._quarantine.entries().height:,} records",
        )


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
