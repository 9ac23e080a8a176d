"""Storage of a manifest, of the intents of commits, and the removal of files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reporting_datasets.parquet_sink.manifest import Manifest
from reporting_datasets.parquet_sink.place import Place
from reporting_framework.errors import (
    CorruptCheckpoint,
    LocationError,
    ObjectMissing,
)
from reporting_framework.storage import Store, list_keys, naming, open_store

MAYBE_ALIVE_SECONDS = 900
"""Age in seconds of an intent in a bucket, from which on its process counts as dead.
Only what it has written is removed then, and its commit has failed in any case; in a
folder, the lock shows whether the process is alive.
"""


class Intent(NamedTuple):
    """Note of a commit about the files that it is about to write.

    Attributes:
        commit: Id of the commit, with which the names of its files begin.
        partitions: Folders of the files in the dataset.
        at: Time of the note, in seconds since the epoch.
    """

    commit: str
    partitions: tuple[str, ...]
    at: float

    @property
    def key(self) -> str:
        """Key of the note, from which its age is known without reading it."""
        return f"{int(self.at * 1000):015}-{self.commit}.json"


class ManifestStore:
    """Store of the manifest of a dataset.

    A commit writes an intent first, then its data files, then the manifest, in one
    conditional write. The files of an intent that are in no manifest belong to a commit
    that was killed, or that has lost the race: its manifest cannot be written any more
    once another version of it exists.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    @property
    def store(self) -> Store:
        """Store of the dataset's parent folder."""
        return self.place.store

    @property
    def uri(self) -> str:
        """URI of the manifest."""
        return self.store.location.join(self.place.manifest).uri

    def read(self) -> Manifest:
        """Return the present manifest; an empty one if there certainly is none.

        Raises:
            CorruptCheckpoint: It cannot be read.
        """
        try:
            stored = self.store.get(self.place.manifest)
        except ObjectMissing:
            return Manifest()
        return Manifest.decode(self.uri, stored.data, stored.version)

    def version(self) -> str | None:
        """Return the version of the present manifest, `None` if there is none."""
        entry = self.store.head(self.place.manifest)
        return entry.version if entry else None

    def publish(self, manifest: Manifest, expected: str | None) -> str:
        """Write a manifest, within the lock, and return its version.

        Raises:
            CommitConflict: The present version is not the expected one.
        """
        key = self.place.manifest
        with self.store.temp_path(key) as scratch:
            with naming(scratch):
                scratch.write_bytes(manifest.encode())
            return self.store.put(key, scratch, if_version=expected)

    # -- intents -----------------------------------------------------------------------

    def intend(self, commit: str, partitions: Sequence[str]) -> Intent:
        """Note which files a commit is about to write."""
        intent = Intent(commit, tuple(sorted(set(partitions))), time.time())
        self._pending.replace(
            intent.key,
            json.dumps(intent._asdict()).encode(),
            content_type="application/json",
            metadata={},
        )
        return intent

    def settle(self, intent: Intent) -> None:
        """Remove the note of a commit that has ended."""
        self._pending.delete(intent.key, if_version=None)

    def forget(self, commit: str) -> None:
        """Remove the note of a commit, whatever its time."""
        for key in self._pending_keys():
            if _id_in(key) == commit:
                self._pending.delete(key, if_version=None)

    def abandoned(self, seconds: float | None = None) -> list[Intent]:
        """Return the intents of processes that are dead; call it within the lock.

        In a folder, all others are: this process has the lock. In a bucket, only an
        old one is.

        Args:
            seconds: Age from which on an intent is old, also in a folder without a
                lock; `None`: the usual one.
        """
        intents = []
        by_age = self.store.remote or seconds is not None
        dead = time.time() - (MAYBE_ALIVE_SECONDS if seconds is None else seconds)
        for key in self._pending_keys():
            if by_age and _written_at(key) > dead:
                continue
            try:
                content = json.loads(self._pending.get(key).data)
                intent = Intent(
                    str(content["commit"]),
                    tuple(map(str, content["partitions"])),
                    float(content["at"]),
                )
            except (ObjectMissing, ValueError, TypeError, KeyError):
                continue  # another process has removed it, or it is not an intent
            intents.append(intent)
        return intents

    def refuse_others(self) -> None:
        """Refuse to begin a dataset in a folder with files of another program.

        Raises:
            CorruptCheckpoint: There is a file, and no commit has begun to write it.
        """
        try:
            keys = [
                key
                for key in list_keys(open_store(self.place.folder))
                if not key.rpartition("/")[2].startswith((".", "_"))
            ]
        except LocationError:
            return  # there is no folder yet
        begun = {_id_in(key) for key in self._pending_keys()}
        others = [key for key in keys if _commit_of(key) not in begun]
        if others:
            raise CorruptCheckpoint(
                f"{self.place.folder.uri}: it has {len(others):,} files, and there is"
                f" no manifest {self.uri}; restore it, or move the files away; nothing"
                " was changed"
            )

    def _pending_keys(self) -> list[str]:
        try:
            keys = list(list_keys(self._pending))
        except LocationError:
            return []  # there is no folder yet
        return [
            key for key in keys if key.endswith(".json") and not key.startswith(".")
        ]

    @property
    def _pending(self) -> Store:
        return open_store(self.place.pending)

    # -- removal -----------------------------------------------------------------------

    def remove_intended(self, intent: Intent, manifest: Manifest) -> None:
        """Remove the files of a dead commit that no manifest has, and its note."""
        kept = {file.key for file in manifest.files}
        kept |= {old.key for old in manifest.retired}
        for partition in intent.partitions:
            for key in self.written(intent.commit, partition):
                if key not in kept:
                    self.remove(key)
        self.settle(intent)

    def written(self, commit: str, partition: str) -> Iterator[str]:
        """Yield the keys of the files of a commit in a partition."""
        prefix = f"{partition}/" if partition else ""
        folder = self.place.folder.join(partition) if partition else self.place.folder
        try:
            for page in open_store(folder).list(
                after=f"{commit}-", before=f"{commit}."
            ):
                yield from (
                    f"{prefix}{entry.key}"
                    for entry in page
                    if entry.key.startswith(f"{commit}-") and "/" not in entry.key
                )
        except LocationError:
            return  # the folder was never made

    def remove_retired(self, manifest: Manifest, keep: float) -> None:
        """Remove the files that were replaced more than `keep` seconds ago."""
        now = time.time()
        for old in manifest.retired:
            if old.at + keep <= now:
                self.remove(old.key)

    def remove(self, key: str) -> None:
        """Remove a data file, if it exists."""
        self.store.delete(self.place.key(key), if_version=None)


def _written_at(note: str) -> float:
    """Return the time of a note in seconds since the epoch, from its key."""
    milliseconds = note.partition("-")[0]
    return int(milliseconds) / 1000 if milliseconds.isdigit() else 0.0


def _id_in(note: str) -> str:
    """Return the id of a commit from the key of its note."""
    return note.partition("-")[2].removesuffix(".json")


def _commit_of(key: str) -> str:
    """Return the id of the commit that has written a data file."""
    return key.rpartition("/")[2].partition("-")[0]
