"""The source: CSV files with a header line, one record for each line that follows. Replace it with yours."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field
from reporting_framework import (
    AccessDenied,
    Batch,
    ObjectMissing,
    Permission,
    PlanStats,
    ReadFailure,
    Rejection,
    RunLedger,
    Source,
    Split,
    StorageUnavailable,
    line_source_key,
    single_source_key,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import TooLargeError, list_keys, open_store, parse_location
from typing_extensions import override

BATCH = 10_000
"""Records in a batch, at the most."""


class CsvFilesSettings(Settings):
    """Settings of the source."""

    uri: str = Field(description="Folder of the files: s3://bucket/prefix/ or a path")
    max_object_bytes: int = Field(64 * 1024 * 1024, ge=1, description="Largest file; a larger one is rejected")


class CsvFiles(Source):
    """CSV files below a folder, one split for each. A file is new when its key is not in the ledger."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[CsvFilesSettings]] = CsvFilesSettings

    def __init__(self, settings: CsvFilesSettings) -> None:
        self.settings = settings
        self.store = open_store(settings.uri)
        self._ignored: list[str] = []
        self._waiting: list[str] = []

    @classmethod
    @override
    def aws_permissions(cls, settings: CsvFilesSettings) -> Sequence[Permission]:
        folder = parse_location(settings.uri)
        if folder.scheme != "s3":
            return []
        bucket, below = f"arn:aws:s3:::{folder.root}", f"{folder.key}/*" if folder.key else "*"
        return [
            Permission(("s3:GetObject",), f"{bucket}/{below}"),
            Permission(("s3:ListBucket",), bucket, {"StringLike": {"s3:prefix": [below]}}),
        ]

    @property
    @override
    def parallelism(self) -> int:
        """Several requests under way hide each other's round trips; a folder is faster one by one."""
        return 8 if self.store.remote else 1

    @override
    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        keys = list(list_keys(self.store))
        self._ignored = [key for key in keys if not key.endswith(".csv")]
        self._waiting = ledger.filter_new([key for key in keys if key.endswith(".csv")], self._version)
        while self._waiting:
            key = self._waiting.pop(0)
            yield Split(key, {"key": key})

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        key = split.data["key"]
        try:
            stored = self.store.get(key, limit=self.settings.max_object_bytes)
        except TooLargeError as error:
            yield Batch(rejected=[Rejection(single_source_key(key), error.version, "too_large")])
            return
        except (AccessDenied, ObjectMissing, StorageUnavailable) as error:
            yield Batch(unread=[ReadFailure(key, REASONS[type(error)])])
            return
        try:
            rows = list(csv.DictReader(io.StringIO(stored.data.decode("utf-8-sig"), newline=""), strict=True))
        except (csv.Error, UnicodeDecodeError):
            yield Batch(rejected=[Rejection(single_source_key(key), stored.version, "undecodable")])
            return
        for start in range(0, len(rows), BATCH):
            yield _batch(key, stored.version, start, rows[start : start + BATCH])

    @override
    def plan_stats(self) -> PlanStats:
        return PlanStats(len(self._ignored), self._ignored[:5], len(self._waiting), exhausted=not self._waiting)

    def _version(self, key: str) -> str | None:
        entry = self.store.head(key)
        return entry.version if entry else None


REASONS = {AccessDenied: "denied", ObjectMissing: "missing", StorageUnavailable: "unavailable"}
"""Why a file could not be read, in the words of a `RunResult`."""


def _batch(key: str, version: str, start: int, rows: Sequence[Mapping[str | None, Any]]) -> Batch:
    """Records of a file from the one after `start`; an empty cell is a field that is not there."""
    source_keys, payloads, rejected = [], [], []
    for number, row in enumerate(rows, start + 1):
        source_key = line_source_key(key, number)
        if None in row:  # more cells than the header has names
            rejected.append(Rejection(source_key, version, "too_many_cells"))
        else:
            source_keys.append(source_key)
            payloads.append(json.dumps({name: value for name, value in row.items() if value}).encode())
    return Batch(source_keys, [version] * len(source_keys), payloads, rejected=rejected)
