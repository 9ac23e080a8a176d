"""The real source and sink on folders and buckets, and what is to be seen there; stand-ins for the other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.execution.pipeline import metadata_of
from reporting_framework.metadata.quarantine import ParquetQuarantine
from reporting_framework.metadata.store import MetadataStore
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.plugin_api.sink import Sink
from reporting_framework.storage import Location, open_store
from reporting_framework.testing.fakes import (
    SCHEMA,
    START,
    EventValidator,
    GivenRecords,
    Notes,
    WithoutStudy,
    batch,
    event,
    execute,
    lifecycle,
    pipeline,
)
from reporting_object_store.json_source.source import ObjectStoreJson
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from reporting_object_store.settings import (
    ObjectStoreJsonSettings,
    ParquetCheckpointSettings,
)

__all__ = [
    "NAMES",
    "SCHEMA",
    "START",
    "EventValidator",
    "GivenRecords",
    "Notes",
    "SinkWith",
    "WithoutStudy",
    "batch",
    "checkpoint",
    "event",
    "execute",
    "lifecycle",
    "metadata",
    "name_of",
    "pipeline",
    "quarantine_at",
    "rows_of",
    "snapshot",
    "source",
    "source_keys_of",
    "take",
    "unprivileged",
]

NAMES = r"^(?P<range>(?:.*/)?log-[^/]+?-)(?P<timestamp>[0-9]{8}(?:-[0-9]{6})?)(?=[-.])"
"""How the names that `name_of` makes sort."""


def name_of(number: int, *, action: str = "submit", at: datetime | None = None) -> str:
    """The name of an object as `NAMES` has it."""
    moment = at or START + timedelta(minutes=number)
    return f"log-{action}-{moment:%Y%m%d-%H%M%S}-{number}.json"


def source(uri: object, **settings: Any) -> ObjectStoreJson:
    """The real source, of the names that `name_of` makes unless `include` says otherwise."""
    chosen: dict[str, Any] = {"include": "log-*.json", "name_pattern": NAMES} | settings
    return ObjectStoreJson(ObjectStoreJsonSettings(uri=str(uri), **chosen))


def checkpoint(uri: object, **settings: Any) -> ParquetCheckpoint:
    """The real sink."""
    return ParquetCheckpoint(ParquetCheckpointSettings(uri=str(uri), **settings))


def metadata(*sinks: Sink) -> MetadataStore:
    """The metadata store of a report with these sinks."""
    store = metadata_of("test", None, sinks)
    assert store is not None
    return store


def quarantine_at(place: Location) -> ParquetQuarantine:
    """The quarantine in this file."""
    return ParquetQuarantine(open_store(place.parent), place.name)


def take(uri: object, place: object, **settings: Any) -> RunResult:
    """Run the real source and sink once; `settings` are the source's."""
    return execute(pipeline(source(uri, **settings), checkpoint(place)))


def rows_of(path: Path | bytes) -> list[tuple[Any, ...]]:
    """Rows of a checkpoint, in its order."""
    return pl.read_parquet(path).rows()


def source_keys_of(path: Path | bytes) -> list[str]:
    """Source keys of a checkpoint's rows, in its order."""
    return pl.read_parquet(path)[SOURCE_KEY].to_list()


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, hidden ones too, with its bytes and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
    }


class SinkWith:
    """A sink that does as another does, but for the methods that a test replaces."""

    name: ClassVar[str] = "test-sink-with"
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, sink: Sink, **replaced: Callable[..., Any]) -> None:
        self._sink, self._replaced = sink, replaced

    def __getattr__(self, name: str) -> Any:
        """The replacement, or the other sink's own."""
        return self._replaced.get(name) or getattr(self._sink, name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without the rights of root, for whom there are no permissions; for others this changes nothing."""
    import os

    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)
