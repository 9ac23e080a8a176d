"""Settings of the source and the sink."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from reporting_framework.plugin_api.settings import Settings
from reporting_object_store.json_source.decode import MAX_RECORDS

MEBIBYTE = 1024 * 1024
LONGEST_DAYS = 100_000
MAX_RUNS = 10_000
_BUCKET_ALONE = re.compile(r"[a-z0-9]+://[^/]*")


class ObjectStoreJsonSettings(Settings):
    """Settings of the source ``object-store-json``."""

    uri: str = Field(
        description=(
            "Folder to read: s3://bucket/prefix, gs://, az://, file:///path, a plain"
            " path or memory://name"
        )
    )
    include: str = Field(
        "*",
        max_length=1024,
        description=(
            "Glob pattern that the last part of a name must match; other objects are"
            " ignored and counted"
        ),
    )
    name_pattern: str | None = Field(
        None,
        description=(
            "Regular expression that tells how names sort: group `range` is what stays"
            " the same while group `timestamp` (digits, the date first) grows; lets new"
            " objects be found without listing old ones"
        ),
    )
    lookback_days: float = Field(
        35,
        ge=0,
        le=LONGEST_DAYS,
        description="How far before the newest timestamp to look for late objects",
    )
    full_scan_every_days: float = Field(
        7,
        ge=0,
        le=LONGEST_DAYS,
        description="Days after which a run is a full scan again",
    )
    full_scan: bool = Field(False, description="Full scan: list all names this time")
    max_in_flight: int = Field(
        64, ge=1, le=1024, description="Requests under way at once"
    )
    max_record_bytes: int = Field(
        MEBIBYTE, ge=1, description="Largest record; a larger one is rejected"
    )
    max_object_bytes: int = Field(
        64 * MEBIBYTE, ge=1, description="Largest object, also after decompression"
    )
    max_object_records: int = Field(
        MAX_RECORDS,
        ge=1,
        description="Most records in an object; one with more is rejected",
    )

    @field_validator("include")
    @classmethod
    def _can_match(cls, value: str) -> str:
        if not value or "/" in value:
            raise ValueError(
                "it matches the last part of a name, which is not empty and has no"
                " slash: remove the folders, objects in all of them are read"
            )
        return value

    @field_validator("name_pattern")
    @classmethod
    def _has_groups(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if not {"range", "timestamp"} <= groups.keys():
            raise ValueError("the groups `range` and `timestamp` must be named in it")
        return value


class ParquetCheckpointSettings(Settings):
    """Settings of the sink ``parquet-checkpoint``."""

    uri: str = Field(
        description=(
            "The file: s3://bucket/key.parquet, gs://, az://, a path or memory://;"
            " `{column}` in the key makes one file per value, `{year}`, `{month}` or"
            " `{day}` one per period of the timestamp"
        )
    )
    timestamp: str | None = Field(
        None,
        description=(
            "Column (Datetime) by which rows are sorted, before their source key."
            " Unless set, `timestamp`; with `upsert` or `replace`, the version of a row"
            " if there is no such column"
        ),
    )
    compression: Literal["zstd", "snappy"] = Field(
        "zstd", description="Compression of the parquet pages"
    )
    mode: Literal["append", "upsert", "replace"] | None = Field(
        None,
        description=(
            "What a run does to the table: append, upsert or replace; unless set, the"
            " report's"
        ),
    )
    deletes: Literal["soft", "hard"] = Field(
        "soft",
        description=(
            "What an upsert does with a deleted row: `soft` sets its `_deleted_at`,"
            " `hard` removes it"
        ),
    )
    quarantine: str | None = Field(
        None,
        description=(
            "File for what is not kept; unless set, `_quarantine/` beside the"
            " checkpoint"
        ),
    )

    keep_runs: int = Field(
        500,
        ge=0,
        le=MAX_RUNS,
        description=(
            "Runs whose records are kept in `_runs/` beside the checkpoint; 0: no"
            " history"
        ),
    )

    @field_validator("quarantine")
    @classmethod
    def _single_file(cls, value: str | None) -> str | None:
        if value is not None and ("{" in value or "}" in value):
            raise ValueError(
                "there is one quarantine for all files: no {column} in its name"
            )
        return value

    @field_validator("uri", "quarantine")
    @classmethod
    def _is_parquet(cls, value: str | None) -> str | None:
        if value is not None and (
            not value.endswith(".parquet") or _BUCKET_ALONE.fullmatch(value)
        ):
            raise ValueError("the name must end in .parquet")
        return value
