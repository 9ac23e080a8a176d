"""Settings of the report ``event-processor``.

Each is an option of the command line too.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from reporting_aws.names import TABLE_NAME, queue_url
from reporting_framework import LocationError
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import parse_location

DEAD_LETTERS = "_dead-letters"
"""Folder of the archive for payloads that are too long for the dead-letter queue."""

BUCKET = "event-archive"
"""Bucket of the archive, unless another is set."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class EventProcessorSettings(Settings):
    """Settings of the report ``event-processor``.

    They say where events come from, where they are counted and archived, and what is
    looked up for them.

    `archive` is a URI; unless it is set, the archive is the whole of `s3_bucket`.
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
        description="Table of the counters, with partition_key and sort_key (strings)",
    )
    s3_bucket: str = Field(
        BUCKET, description="Bucket of the archive, unless --archive is set"
    )
    archive: str = Field(
        "",
        description=(
            "Folder of the archive: s3://bucket/prefix/ or a path; empty: all of"
            " --s3-bucket"
        ),
    )
    dead_letter_queue: str | None = Field(
        None,
        description=(
            "URL of the queue for records that can never succeed; without it they come"
            " again"
        ),
    )
    dead_letter_overflow: str | None = Field(
        None,
        description=(
            "Folder for payloads too long for that queue, unless _dead-letters in the"
            " archive"
        ),
    )
    assignments_table: str | None = Field(
        None,
        pattern=TABLE_NAME,
        description="Table of assignments, by user_id and experiment_id",
    )
    experiments_table: str | None = Field(
        None, pattern=TABLE_NAME, description="Table of experiments, by experiment_id"
    )
    source: Literal["kinesis", "sqs"] = Field(
        "kinesis", description="What hands the events over"
    )
    extra: Literal["ignore", "reject", "keep"] = Field(
        "keep",
        description=(
            "Unknown fields: leave out and count, reject the record, or keep as JSON"
        ),
    )
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once",
        description=(
            "Count each event once whatever happens, or faster, and more than once when"
            " it comes again"
        ),
    )
    marker_days: int = Field(
        8,
        ge=1,
        le=3650,
        description=(
            "How long it is known what was counted; longer than the stream keeps it"
        ),
    )
    cache_seconds: float = Field(
        300, ge=0, le=86_400, description="How long what was looked up is remembered"
    )

    @field_validator("dead_letter_queue")
    @classmethod
    def _is_queue(cls, value: str | None) -> str | None:
        return queue_url(value)

    @field_validator("s3_bucket")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value):
            raise ValueError("a bucket is its name alone, without s3:// and slashes")
        return value

    @field_validator("archive")
    @classmethod
    def _is_archive(cls, value: str, info: ValidationInfo) -> str:
        """Return the URI, or that of the bucket, which is validated before."""
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
