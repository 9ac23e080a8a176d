"""Copy of a Delta table, as a table of its own."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

import polars as pl
from deltalake.transaction import AddAction

from reporting_delta.column_types import delta_schema
from reporting_delta.log import DeltaLog, Write
from reporting_delta.place import DeltaPlace
from reporting_delta.snapshot import DeltaFile, Snapshot
from reporting_framework.errors import CommitConflict, StorageUnavailable
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import Location, backup

MAX_WORKERS = 16
"""Number of files that are copied at once: each is a round trip."""


def copy_table(log: DeltaLog, snapshot: Snapshot, name: str) -> str:
    """Copy the files of a version, compare them, and return the URI of the copy.

    Args:
        log: Log of the table.
        snapshot: Version that is copied, with statistics of its files.
        name: Name of the backup.

    Raises:
        CommitConflict: There is a backup of this name.
        StorageUnavailable: A copy differs.
    """
    place = log.place
    folder = place.home.join(f"{backup.BACKUP_FOLDER}/{name}/{place.name}")
    copy = DeltaLog(DeltaPlace(Location(folder.scheme, folder.root, folder.key)))
    if copy.open() is not None:
        raise CommitConflict(
            f"{folder.uri}: a backup of this name exists; choose another name; nothing"
            " was changed"
        )
    store, to = place.store, f"{backup.BACKUP_FOLDER}/{name}"

    def copied(key: str) -> None:
        store.copy(key, f"{to}/{key}")
        if store.digest(key).sha256 != store.digest(f"{to}/{key}").sha256:
            raise StorageUnavailable(
                f"{folder.uri}: a file changed while it was copied; run again"
            )

    files = [file for file in snapshot.manifest.files if isinstance(file, DeltaFile)]
    with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-copy") as pool:
        list(pool.map(copied, [place.key(file.key) for file in files]))
    now = int(time.time() * 1000)
    added = [
        AddAction(file.key, file.bytes, file.values, now, True, _statistics(file))
        for file in files
    ]
    write = Write(uuid.uuid4().hex, added)
    copy.create(
        delta_schema(snapshot.schema), snapshot.manifest.partition_by, {}, write
    )
    return folder.uri


def _statistics(file: DeltaFile) -> str:
    """Return the statistics that every table of the framework needs."""
    return (
        pl.DataFrame(
            {
                "numRecords": [file.rows],
                "minValues": [{"source_key": file.first}],
                "maxValues": [{"source_key": file.last}],
                "nullCount": [
                    {"source_key": 0, "_deleted_at": file.rows - file.deleted}
                ],
            }
        )
        .write_ndjson()
        .strip()
    )


def moment(milliseconds: int | None) -> datetime | None:
    """Return the moment of a number of ms since the epoch (aware, UTC)."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
