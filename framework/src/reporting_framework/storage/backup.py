"""Copies of what a report keeps, made before a reset."""

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
"""Beside what is copied; the underscore keeps Athena and Hive from reading what is in
it.
"""


class Place(NamedTuple):
    """A artifact, and the store and key that it is kept under."""

    store: Store
    key: str
    artifact: StoredArtifact


def leftovers(folders: Iterable[Location]) -> Iterator[StoredArtifact]:
    """Locks in these folders that a run holds, and what killed processes left there.

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
    """Whether a process holds this lock; the file itself stays for good."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def back_up(places: Sequence[Place], folder: Store, name: str) -> list[str]:
    """Copy each of these, and compare; see `Sink.back_up`.

    Args:
        places: What to copy.
        folder: The folder of what is kept. What is below it is copied there,
            anything else beside itself.
        name: Name of the backup.
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
                f"{home.location.join(to).uri}: there is a backup of this name; nothing"
                " was changed"
            )
        home.copy(path, to)
        if home.digest(to).sha256 != before.sha256:
            raise changed(artifact)
        copies.append(home.location.join(to).uri)
    return copies


def check_unchanged(places: Iterable[Place]) -> None:
    """Look at each of these once more.

    Raises:
        CommitConflict: One is not there any more, or in another version than the one
            that was looked at.
    """
    for store, key, artifact in places:
        entry = store.head(key)
        if entry is None:
            raise gone(artifact)
        if not same_version(entry.version, artifact.version):
            raise changed(artifact)


def gone(artifact: StoredArtifact) -> CommitConflict:
    """Return the error for something that was removed meanwhile."""
    return CommitConflict(
        f"{artifact.uri}: it is not there any more; nothing was changed: try again"
    )


def changed(artifact: StoredArtifact) -> CommitConflict:
    """Return the error for something that a run has written meanwhile."""
    return CommitConflict(
        f"{artifact.uri}: a run has written it meanwhile; it was left as it is: try"
        " again"
    )
