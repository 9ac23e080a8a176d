"""Settings of the sink ``ndjson-archive``."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from reporting_framework.plugin_api.settings import Settings

_DIRECTIVE = re.compile(r"%[YmdHMj]")
_SAFE = re.compile(r"[A-Za-z0-9_.=-]+")


class NdjsonArchiveSettings(Settings):
    """Settings of the sink ``ndjson-archive``."""

    uri: str = Field(
        description=(
            "Folder to write to: s3://bucket/prefix, gs://, az://, file:///path, a"
            " plain path or memory://name"
        )
    )
    timestamp: str = Field(
        "timestamp",
        description="Column (Datetime with a time zone) that a row is partitioned by",
    )
    partition: str = Field(
        "year=%Y/month=%m/day=%d/hour=%H",
        description=(
            "Folder of a row: %Y, %m, %d, %H, %M and %j (day of the year) are replaced"
            " by the parts of its timestamp in UTC"
        ),
    )
    json_columns: tuple[str, ...] = Field(
        (),
        description=(
            "Columns with JSON text that are written as JSON values, not as strings"
        ),
    )
    max_rows: int = Field(1000, ge=1, description="Most rows in a file")
    max_bytes: int = Field(
        5_000_000,
        ge=1,
        description=(
            "Most bytes in a file before compression; a larger row gets a file of its"
            " own"
        ),
    )
    compression_level: int = Field(
        1,
        ge=0,
        le=9,
        description="gzip's level; higher levels are slower and save little",
    )

    @field_validator("partition")
    @classmethod
    def _is_path(cls, value: str) -> str:
        for segment in value.split("/"):
            if not _SAFE.fullmatch(_DIRECTIVE.sub("0", segment)) or segment in (
                ".",
                "..",
            ):
                raise ValueError(
                    "a segment may contain only letters, digits, _ . = - and %Y %m %d"
                    " %H %M"
                    " %j, such as year=%Y/month=%m"
                )
        return value
