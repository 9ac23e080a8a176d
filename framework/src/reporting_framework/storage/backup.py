"""Backup of a report's stored artifacts, made before a reset."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import StoredArtifact
from reporting_framework.storage.location import Location
from reporting_framework.storage.store import Store
from reporting_framework.storage.versions import same_version

BACKUP_FOLDER = "_backup"
"""Folder of the backups, beside the copied files. Because of the underscore, Athena and
Hive do not read it.
"""


class Place(NamedTuple):
    """A stored artifact, with its store and its key there."""

    store: Store
    key: str
    artifact: StoredArtifact


def leftovers(folders: Iterable[Location]) -> Iterator[StoredArtifact]:
    """Yield the held locks and the leftovers of killed processes in these folders.

    A bucket has neither.
    """
    for folder in folders:
        for path in (
            sorted(Path(folder.uri).glob(".*")) if folder.scheme == "file" else ()
        ):
            held = path.suffix == ".lock" and _is_locked(path)
            if held or path.suffix == ".tmp":
                status = path.stat()
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredArtifact(
                    "lock" if held else "leftover",
                    str(path),
                    bytes=status.st_size,
                    modified=written,
                )


def _is_locked(lock: Path) -> bool:
    """Return whether a process holds this lock; the file itself is never removed."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def back_up(places: Sequence[Place], folder: Store, name: str) -> list[str]:
    """Copy each of these artifacts and compare the copies; see `Sink.back_up`.

    Args:
        places: The artifacts to copy.
        folder: The metadata store's folder. Artifacts below it are copied into its
            backup folder, other artifacts into a backup folder beside themselves.
        name: Name of the backup.

    Returns:
        The URIs of the copies.

    Raises:
        CommitConflict: A run has written an artifact meanwhile, or a backup of this
            name exists.
    """
    copies = []
    for store, key, artifact in places:
        inside = folder.location.holds(store.location)
        home = folder if inside else store
        path = store.location.join(key).key[len(home.location.key) :].lstrip("/")
        to = f"{BACKUP_FOLDER}/{name}/{path}"
        before = home.digest(path)
        if not same_version(before.version, artifact.version):
            raise changed(artifact)
        if home.head(to) is not None:
            raise CommitConflict(
                f"{home.location.join(to).uri}: a backup of this name exists; choose"
                " another name; nothing was changed"
            )
        home.copy(path, to)
        if home.digest(to).sha256 != before.sha256:
            raise changed(artifact)
        copies.append(home.location.join(to).uri)
    return copies


def check_unchanged(places: Iterable[Place]) -> None:
    """Check that each of these artifacts still has the version that was looked at.

    Raises:
        CommitConflict: An artifact was removed or has another version.
    """
    for store, key, artifact in places:
        entry = store.head(key)
        if entry is None:
            raise gone(artifact)
        if not same_version(entry.version, artifact.version):
            raise changed(artifact)


def gone(artifact: StoredArtifact) -> CommitConflict:
    """Return the error for an artifact that was removed meanwhile."""
    return CommitConflict(
        f"{artifact.uri}: it no longer exists; try again; nothing was changed"
    )


def changed(artifact: StoredArtifact) -> CommitConflict:
    """Return the error for an artifact that a run has written meanwhile."""
    return CommitConflict(
        f"{artifact.uri}: a run has written it meanwhile; try again; it was left as it"
        " is"
    )
