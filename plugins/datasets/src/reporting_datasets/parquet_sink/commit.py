"""Commit to a dataset: data files, then the manifest, in one conditional write."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_datasets.parquet_sink.manifest_store import Intent, ManifestStore
from reporting_datasets.parquet_sink.writing import Written
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_framework.storage import commit_attempts, same_version

_log = logging.getLogger(__name__)


class Change(NamedTuple):
    """Change of a dataset, before its files are written.

    Attributes:
        removed: Files of the present manifest that go.
        partitions: Folders of new files.
        write: Function that writes new files: it yields each with its folder and its
            number of the schema; `None`: there are none.
        manifest: The present manifest, with the schemas of new files.
        state: Source state after the change.
        counts: Counts of changed rows.
        duplicates: Staged rows, other than deletes, that are not applied.
    """

    removed: Sequence[DataFile]
    partitions: Sequence[str]
    write: Callable[[], Iterator[tuple[str, int, Written]]] | None
    manifest: Manifest
    state: Mapping[str, Any] | None
    counts: UpsertCounts = UpsertCounts()
    duplicates: int = 0

    @property
    def empty(self) -> bool:
        """True if nothing changes."""
        same = self.state == self.manifest.state
        return self.write is None and not self.removed and same


class Done(NamedTuple):
    """Result of a commit.

    Attributes:
        manifest: The manifest after it.
        change: The change that was made.
        overtaken: Whether another run has committed since the dataset was opened.
        spans: Times of writing.
    """

    manifest: Manifest
    change: Change
    overtaken: bool
    spans: Sequence[tuple[float, float]]


@dataclass(slots=True)
class DatasetCommit:
    """One commit.

    Attributes:
        manifests: Store of the manifest.
        opened: Manifest that the run has opened.
        plan: Function that plans the change of a manifest. Its second argument is
            whether another run has committed since the dataset was opened.
        keep: Seconds for which replaced files stay.
    """

    manifests: ManifestStore
    opened: Manifest
    plan: Callable[[Manifest, bool], Change]
    keep: float
    _spans: list[tuple[float, float]] = field(default_factory=list)

    def run(self) -> Done:
        """Plan and write, again and again while other runs win the race.

        Raises:
            CommitConflict: Other runs won all races, or the dataset was removed.
        """
        manifests, present = self.manifests, self.opened
        for attempt in commit_attempts(manifests.uri):
            with manifests.store.lock(manifests.place.manifest):
                if attempt or not manifests.store.remote:
                    present = manifests.read()
                if self.opened.exists and not present.exists:
                    raise CommitConflict(
                        f"{manifests.uri}: it was removed while this run was under way,"
                        " and nothing was written; run again"
                    )
                try:
                    return self._attempt(present)
                except CommitConflict:
                    pass  # the next attempt reads the other run's manifest
                except (CorruptCheckpoint, StorageUnavailable):
                    # A file that was read may have been replaced by another run.
                    if same_version(manifests.version(), present.version):
                        raise
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _attempt(self, present: Manifest) -> Done:
        overtaken = not same_version(present.version, self.opened.version)
        change = self.plan(present, overtaken)
        dead = self.manifests.abandoned()
        if change.empty and not (dead and present.version is not None):
            self._check_same(present)
            self._tidy(present, [])
            return Done(present, change, overtaken, self._spans)
        if present.version is None:
            self.manifests.refuse_others()
        manifest = self._committed(present, change)
        self._tidy(manifest, dead)
        return Done(manifest, change, overtaken, self._spans)

    def _check_same(self, present: Manifest) -> None:
        """Check that what was planned from is still the present version.

        Raises:
            CommitConflict: Another run has committed.
        """
        if not same_version(self.manifests.version(), present.version):
            raise CommitConflict(f"{self.manifests.uri}: another run has written it")

    def _committed(self, present: Manifest, change: Change) -> Manifest:
        """Write the files of a change and the manifest."""
        commit = uuid.uuid4().hex
        intent, added = self._files_of(commit, present, change)
        manifest = change.manifest.following(
            commit,
            removed=change.removed,
            added=added,
            state=change.state,
            at=time.time(),
            keep=self.keep,
        )
        try:
            self.manifests.remove_retired(present, self.keep)
            version = self.manifests.publish(manifest, present.version)
        except (CommitConflict, StorageUnavailable) as error:
            # The answer to a write that was done may be lost.
            found = self.manifests.read()
            if commit not in found.recent:
                lost = isinstance(error, CommitConflict)
                if lost and intent is not None:
                    self.manifests.remove_intended(intent, found)
                raise
            manifest, version = found, found.version or ""
        if intent is not None:
            with suppress(ReportingError):  # the next run removes it
                self.manifests.settle(intent)
        return replace(manifest, version=version)

    def _files_of(
        self, commit: str, present: Manifest, change: Change
    ) -> tuple[Intent | None, list[DataFile]]:
        """Write the files of a change; remove them again if that fails."""
        if change.write is None:
            return None, []
        intent = self.manifests.intend(commit, change.partitions)
        try:
            return intent, self._written(commit, change.write())
        except Exception:
            with suppress(ReportingError):  # a later run removes the rest
                self.manifests.remove_intended(intent, present)
            raise

    def _written(
        self, commit: str, files: Iterable[tuple[str, int, Written]]
    ) -> list[DataFile]:
        """Put files into their places."""
        began = time.time()
        added = []
        for number, (folder, columns, written) in enumerate(files):
            name = f"{commit}-{number}.parquet"
            key = f"{folder}/{name}" if folder else name
            size = written.path.stat().st_size
            self.manifests.store.put(
                self.manifests.place.key(key), written.path, if_version=None
            )
            added.append(
                DataFile(
                    key,
                    written.rows,
                    written.deleted,
                    size,
                    written.first,
                    written.last,
                    written.newest,
                    columns,
                )
            )
        self._spans.append((began, time.time()))
        return added

    def _tidy(self, manifest: Manifest, dead: Sequence[Intent]) -> None:
        """Remove files that no reader needs; a later run completes it.

        The commit is done, so an error of the storage is logged.
        """
        try:
            self.manifests.remove_retired(manifest, self.keep)
            for intent in dead:
                self.manifests.remove_intended(intent, manifest)
        except ReportingError as error:
            _log.warning(
                "%s: replaced files were not removed; the next run removes them: %s",
                self.manifests.uri,
                error,
            )
