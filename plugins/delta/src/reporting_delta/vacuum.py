"""Removal of files that no version has that may still be read."""

from __future__ import annotations

import time
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from reporting_datasets.parquet_sink.manifest import Manifest, Retired
from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_delta.log import STATE, DeltaLog
from reporting_delta.place import OWN, DeltaPlace
from reporting_framework.errors import LocationError
from reporting_framework.storage import open_store


def vacuum(place: DeltaPlace, handle: DeltaTable, hours: int) -> None:
    """Remove files that were replaced, or left by killed processes, before some hours.

    Args:
        place: Places of the table.
        handle: Handle of the present version.
        hours: How many hours earlier versions can be read.
    """

    def removable(*, dry_run: bool) -> list[str]:
        return handle.vacuum(
            retention_hours=hours,
            dry_run=dry_run,
            enforce_retention_duration=False,
            full=True,
        )

    if removable(dry_run=True):
        removable(dry_run=False)
    _remove_states(place, handle.transaction_version(STATE), hours)


def remove_abandoned(log: DeltaLog, seconds: float) -> None:
    """Remove what processes have staged that were killed some time ago.

    Files of a version that may still be read stay: a process may have been killed after
    its commit, and its files may have been replaced since.

    Args:
        log: Log of the table.
        seconds: Age from which on a note is that of a killed process.
    """
    notes = ManifestStore(log.place)
    if not (dead := notes.abandoned(seconds)):
        return
    handle = log.open()
    if handle is None:
        return
    with log.reading():
        paths = pl.DataFrame(handle.get_add_actions(flatten=True))["path"].to_list()
        replaced = handle.vacuum(
            retention_hours=0, dry_run=True, enforce_retention_duration=False
        )
    keys = {*map(unquote, paths), *replaced}  # only those of `add` are encoded
    kept = Manifest(retired=tuple(Retired(key, 0) for key in keys))
    for intent in dead:
        notes.remove_intended(intent, kept)


def _remove_states(place: DeltaPlace, present: int | None, hours: int) -> None:
    """Remove source states that were replaced before some hours."""
    folder = place.folder.join(f"{OWN}/state")
    store, kept = open_store(folder), place.state(present or 0).rpartition("/")[2]
    oldest = time.time() - hours * 3600
    try:
        keys = [entry.key for page in store.list() for entry in page]
    except LocationError:
        return  # there is no folder yet
    for key in keys:
        changed = store.modified(key)
        if key != kept and changed is not None and changed.timestamp() < oldest:
            store.delete(key, if_version=None)
