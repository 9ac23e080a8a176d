"""The sink: one NDJSON file, each line a row. Replace it with yours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import polars as pl
from pydantic import Field, field_validator
from reporting_framework import (
    ROWS_ONLY,
    SOURCE_KEY,
    CommitConflict,
    CommitContext,
    CommitResult,
    CorruptCheckpoint,
    ObjectMissing,
    Permission,
    Sink,
    Split,
    StagedPart,
    object_of,
)
from reporting_framework.plugin_api.result import Output
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import open_store, parse_location
from typing_extensions import override

ATTEMPTS = 10
"""How often a commit is tried while other runs win the race."""


class NdjsonTableSettings(Settings):
    """Settings of the sink."""

    uri: str = Field(description="The file: s3://bucket/key.ndjson or a path")

    @field_validator("uri")
    @classmethod
    def _is_ndjson(cls, value: str) -> str:
        if not value.endswith(".ndjson"):
            raise ValueError("the name must end in .ndjson")
        return value


class NdjsonTable(Sink):
    """One NDJSON file, sorted by source key, that is its own ledger.

    Each commit reads and rewrites all of it, so it is for tables of some megabytes. It has no quarantine: what a file's
    records were rejected for is told by each run that reads the file.
    """

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[NdjsonTableSettings]] = NdjsonTableSettings

    def __init__(self, settings: NdjsonTableSettings) -> None:
        self.settings = settings
        place = parse_location(settings.uri)
        self.store, self.key = open_store(place.parent), place.name

    @classmethod
    @override
    def aws_permissions(cls, settings: NdjsonTableSettings) -> Sequence[Permission]:
        """Who may not list is told "denied" of a file that is not there yet."""
        folder = parse_location(settings.uri).parent
        if folder.scheme != "s3":
            return []
        bucket, below = f"arn:aws:s3:::{folder.root}", f"{folder.key}/*" if folder.key else "*"
        return [
            Permission(("s3:GetObject", "s3:PutObject"), f"{bucket}/{below}"),
            Permission(("s3:ListBucket",), bucket, {"StringLikeIfExists": {"s3:prefix": [below]}}),
        ]

    @override
    def ledger(self) -> TableLedger:
        return TableLedger(self._read()[0])

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """The rows stay in memory, as text, until they are written."""
        lines = frame.write_ndjson().removesuffix("\n").split("\n")
        return StagedPart(frame.height, list(zip(frame[SOURCE_KEY].to_list(), lines, strict=True)))

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """What another run has added meanwhile is kept, nothing is overwritten."""
        staged: dict[str, str] = {}
        for source_key, line in (pair for staged_part in staged_parts for pair in staged_part.data):
            staged.setdefault(source_key, line)  # a record that was read twice is taken once, as it came first
        for _ in range(ATTEMPTS):
            rows, version, size = self._read()
            new = {source_key: line for source_key, line in staged.items() if source_key not in rows}
            if new:
                rows |= new
                data = "".join(f"{rows[source_key]}\n" for source_key in sorted(rows)).encode()
                try:
                    version, size = self.store.put(self.key, data, if_version=version), len(data)
                except CommitConflict:
                    continue
            uri = self.store.location.join(self.key).uri
            outputs = [Output(uri=uri, rows=len(rows), new_rows=len(new), bytes=size, version=version)] if rows else []
            return CommitResult(outputs, duplicates=sum(staged_part.rows for staged_part in staged_parts) - len(new))
        raise CommitConflict(f"{self.settings.uri}: other runs kept writing it; run again")

    def _read(self) -> tuple[dict[str, str], str | None, int]:
        """The lines by source key, the version of the file, and its size; none, None and 0 where there is none yet."""
        try:
            stored = self.store.get(self.key)
        except ObjectMissing:
            return {}, None, 0
        try:
            lines = stored.data.decode().removesuffix("\n").split("\n")
            return {json.loads(line)[SOURCE_KEY]: line for line in lines}, stored.version, len(stored.data)
        except (ValueError, KeyError, TypeError):
            raise CorruptCheckpoint(f"{self.settings.uri} is not a table of this sink; move it away") from None


class TableLedger:
    """See `Ledger`: the source keys in the table."""

    newest: datetime | None = None

    def __init__(self, lines: Mapping[str, str]) -> None:
        self.rows = len(lines)
        self._objects = {object_of(source_key) for source_key in lines}

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.filter_new`."""
        return [name for name in objects if name not in self._objects]
