"""Settings of the report ``event-processor``; each is a command-line option too."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from reporting_aws.names import TABLE_NAME, queue_url
from reporting_framework import LocationError
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import parse_location

DEAD_LETTERS = "_dead-letters"
"""Folder in the archive for payloads that are too long for the dead-letter queue."""

BUCKET = "event-archive"
"""Default bucket of the archive."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class EventProcessorSettings(Settings):
    """Settings of the report ``event-processor``.

    They name the source of the events, the tables and archive that are written, and the
    tables for enrichment.

    `archive` is a URI; by default, the archive is the whole of `s3_bucket`.
    """

    environment: ClassVar[dict[str, str]] = {
        "s3_bucket": "S3_BUCKET",
        "dynamodb_table": "DYNAMODB_TABLE",
        "dead_letter_queue": "DLQ_URL",
    }
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {"archive": ("s3_bucket",)}

    dynamodb_table: str = Field(
        "event-aggregations",
        pattern=TABLE_NAME,
        description=(
            "Table of the counters, with keys partition_key and sort_key (strings)"
        ),
    )
    s3_bucket: str = Field(
        BUCKET, description="Bucket of the archive; --archive overrides it"
    )
    archive: str = Field(
        "",
        description=(
            "Folder of the archive: s3://bucket/prefix/ or a path; empty: the whole of"
            " --s3-bucket"
        ),
    )
    dead_letter_queue: str | None = Field(
        None,
        description=(
            "URL of the dead-letter queue for records that can never succeed; without"
            " it"
            " they are delivered again"
        ),
    )
    dead_letter_overflow: str | None = Field(
        None,
        description=(
            "Folder for payloads too long for that queue; default: _dead-letters in the"
            " archive"
        ),
    )
    assignments_table: str | None = Field(
        None,
        pattern=TABLE_NAME,
        description="Table of assignments, with keys user_id and experiment_id",
    )
    experiments_table: str | None = Field(
        None,
        pattern=TABLE_NAME,
        description="Table of experiments, with key experiment_id",
    )
    source: Literal["kinesis", "sqs"] = Field(
        "kinesis", description="Service that delivers the events"
    )
    extra: Literal["ignore", "reject", "keep"] = Field(
        "keep",
        description=(
            "Unknown fields: ignore (and count) them, reject the record, or keep them"
            " as JSON"
        ),
    )
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once",
        description=(
            "exactly-once counts each event once; at-least-once is faster and counts"
            " redelivered events again"
        ),
    )
    marker_days: int = Field(
        8,
        ge=1,
        le=3650,
        description=(
            "Days that a counted event is remembered; must be longer than the stream"
            " keeps"
            " records"
        ),
    )
    cache_seconds: float = Field(
        300, ge=0, le=86_400, description="Seconds that a lookup's result is cached"
    )

    @field_validator("dead_letter_queue")
    @classmethod
    def _is_queue(cls, value: str | None) -> str | None:
        return queue_url(value)

    @field_validator("s3_bucket")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value):
            raise ValueError("not a bucket's name; leave out s3:// and slashes")
        return value

    @field_validator("archive")
    @classmethod
    def _is_archive(cls, value: str, info: ValidationInfo) -> str:
        """Return the URI, or the URI of the bucket, which was validated before."""
        return value or f"s3://{info.data.get('s3_bucket', BUCKET)}/"

    @field_validator("archive", "dead_letter_overflow")
    @classmethod
    def _is_location(cls, value: str | None) -> str | None:
        if value:
            try:
                parse_location(value)
            except LocationError as error:
                raise ValueError(str(error)) from error
        return value

    @property
    def overflow(self) -> str:
        """Folder for payloads that are too long for the dead-letter queue."""
        return (
            self.dead_letter_overflow or f"{self.archive.rstrip('/')}/{DEAD_LETTERS}/"
        )
