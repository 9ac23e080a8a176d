"""Settings of the sink ``delta-table``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from reporting_framework.plugin_api.settings import Settings

MEBIBYTE = 1024 * 1024
_BUCKET_ALONE = re.compile(r"[a-z0-9]+://[^/]*/?")


def checked_folder(value: str) -> str:
    """Return the URI of a table's folder.

    Raises:
        ValueError: No folder is named.
    """
    if _BUCKET_ALONE.fullmatch(value) or not value.strip("/."):
        raise ValueError("a folder must be named: the table is all that is in it")
    return value


class DeltaTableSinkSettings(Settings):
    """Settings of the sink ``delta-table``."""

    uri: str = Field(
        description="The folder of the table: a path, or s3://bucket/folder"
    )
    partition_by: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description=(
            "Columns of which each combination of values has files of its own; fixed"
            " when the table is made"
        ),
    )
    timestamp: str | None = Field(
        None,
        description=(
            "Column (Datetime with a time zone) whose newest value limits what a source"
            " lists"
        ),
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
    target_file_bytes: int = Field(
        64 * MEBIBYTE,
        ge=1024,
        le=4096 * MEBIBYTE,
        description="Size in bytes that files of one commit or compaction aim at",
    )
    compression: Literal["zstd", "snappy"] = Field(
        "zstd", description="Compression of the parquet pages"
    )
    z_order_by: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description=(
            "Columns by which `reporting compact` sorts rows (Z-order); unless set,"
            " small files are merged in the order of the source keys"
        ),
    )
    keep_versions_hours: int = Field(
        168,
        ge=1,
        le=24 * 3650,
        description=(
            "How many hours earlier versions can be read; `reporting compact` removes"
            " files that were replaced before. Longer than the longest run"
        ),
    )
    table_properties: Mapping[str, str] = Field(
        {},
        description=("Properties of a new table, such as delta.logRetentionDuration"),
    )

    @field_validator("uri")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        return checked_folder(value)
