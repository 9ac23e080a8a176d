"""Settings of the report ``event-log-checkpoint``, which are options too."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from reporting_framework import CheckSetting
from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import Location, parse_location

Pattern = Annotated[str, StringConstraints(max_length=256)]
"""A glob pattern. Its length is limited, as translating it takes time quadratic in the
length, and a trigger may hold any pattern.
"""

CENTURY = 36_525
"""Longest duration in days; longer ones would lead to dates before the calendar's first
day.
"""

_BUCKET = re.compile(r"[^/:\s]+")

_HALVES: dict[str, tuple[str, ...]] = {
    "source": ("source_bucket", "prefix"),
    "checkpoint": ("checkpoint_bucket", "checkpoint_key"),
}


class EventLogSettings(Settings):
    """Settings: location of events and checkpoint, and way of reading.

    `source` and `checkpoint` are URIs. `source_bucket` with `prefix`, and
    `checkpoint_bucket` with `checkpoint_key`, can be set instead.
    """

    environment: ClassVar[dict[str, str]] = {
        "source_bucket": "SOURCE_BUCKET",
        "prefix": "PREFIX",
        "checkpoint_bucket": "CHECKPOINT_BUCKET",
        "checkpoint_key": "CHECKPOINT_KEY",
    }
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = _HALVES

    source: str = Field(
        "", description="Folder of the event files: s3://bucket/prefix/ or a path"
    )
    checkpoint: str = Field(
        "",
        description=(
            "Parquet file of the checkpoint: s3://bucket/key.parquet or a path; with"
            " {study} in it, one file per study; with {month}, one per month"
        ),
    )
    source_bucket: str | None = Field(
        None, description="Bucket of the event files, instead of --source"
    )
    prefix: str | None = Field(None, description="Folder in --source-bucket")
    checkpoint_bucket: str | None = Field(
        None, description="Bucket of the checkpoint, instead of --checkpoint"
    )
    checkpoint_key: str | None = Field(None, description="Key in --checkpoint-bucket")
    validator: Literal["visit-event", "visit-event-v2"] = Field(
        "visit-event", description="Validator of the events"
    )
    extra: Literal["ignore", "reject", "keep"] = Field(
        "ignore",
        description=(
            "Unknown fields: ignore (and count) them, reject the record, or keep them"
            " as JSON"
        ),
    )
    exclude_projects: list[Pattern] = Field(
        [], description="Glob pattern of project labels to leave out, such as sandbox-*"
    )
    quarantine: str | None = Field(
        None, description="Quarantine file; default: next to the checkpoint"
    )
    lookback_days: float = Field(
        35,
        ge=0,
        le=CENTURY,
        description="Days before the newest event in which late events are looked for",
    )
    full_scan_every_days: float = Field(
        7,
        ge=0,
        le=CENTURY,
        description="Days after which the next run is a full scan",
    )
    full_scan: bool = Field(False, description="Full scan: list all names in this run")
    max_in_flight: int = Field(
        64, ge=1, le=1024, description="Most concurrent requests"
    )
    max_record_bytes: int = Field(
        1024 * 1024,
        ge=1,
        description="Largest event in bytes; larger ones are rejected",
    )
    compression: Literal["zstd", "snappy"] = Field(
        "zstd", description="Compression of the checkpoint"
    )
    keep_runs: int = Field(
        500,
        ge=0,
        le=10_000,
        description="Runs in the history next to the checkpoint; 0: no history",
    )

    checks: tuple[CheckSetting, ...] = Field(
        (), description="Checks of the rows of a run and of the table"
    )

    @field_validator("source_bucket", "checkpoint_bucket")
    @classmethod
    def _is_bucket(cls, value: str | None) -> str | None:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError("not a bucket's name; leave out s3:// and slashes")
        return value

    @field_validator("source")
    @classmethod
    def _is_location(cls, value: str) -> str:
        if value:
            _located(value)
        return value

    @field_validator("checkpoint", "quarantine", "checkpoint_key")
    @classmethod
    def _is_parquet(cls, value: str | None, info: ValidationInfo) -> str | None:
        key = (
            value
            if not value or info.field_name == "checkpoint_key"
            else _located(value).key
        )
        if value and not (value.endswith(".parquet") and key):
            raise ValueError("the name must end in .parquet")
        return value

    @model_validator(mode="before")
    @classmethod
    def _joined(cls, values: Any) -> Any:
        """Build URIs from buckets and keys; without either, report what is missing."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        missing = []
        for whole, (bucket, key) in _HALVES.items():
            if any(
                not isinstance(values.get(name), str | None)
                for name in (whole, bucket, key)
            ):
                values.setdefault(
                    whole, ""
                )  # the checks of the fields report the error
            elif (
                not values.get(whole)
                and values.get(bucket)
                and (values.get(key) or whole == "source")
            ):
                name = (
                    values[bucket] if _BUCKET.fullmatch(values[bucket]) else "refused"
                )  # the bucket's own validator refuses it
                values[whole] = f"s3://{name}/{values.get(key) or ''}"
            elif not values.get(whole):
                path = (
                    bucket if values.get(key) else key if values.get(bucket) else None
                )
                name = whole if path is None else path
                missing.append(
                    InitErrorDetails(type="missing", loc=(name,), input=None)
                )
        if (
            missing and values.keys() <= cls.model_fields.keys()
        ):  # for a misspelt name another error is raised, which is more helpful
            raise ValidationError.from_exception_data(cls.__name__, missing)
        return values

    @model_validator(mode="after")
    def _separate_locations(self) -> EventLogSettings:
        """Refuse outputs in the folder whose events are listed."""
        for field in ("checkpoint", "quarantine"):
            uri = getattr(self, field)
            if uri and _resolved(_located(self.source)).holds(
                _resolved(_folder(_located(uri)))
            ):
                raise PydanticCustomError(
                    "checkpoint_in_source",
                    "the {field} is in the source's folder; use a folder that is not"
                    " below the"
                    " source",
                    {"field": field},
                )
        return self


def _located(uri: str) -> Location:
    try:
        return parse_location(uri)
    except LocationError as error:
        raise ValueError(str(error)) from error


def _folder(file: Location) -> Location:
    """Return the folder of a file, up to the first placeholder."""
    return file._replace(key=file.key.partition("{")[0].rpartition("/")[0])


def _resolved(place: Location) -> Location:
    """Return the place with symbolic links resolved.

    Two names of one folder become equal.
    """
    return (
        place._replace(key=os.path.realpath(place.uri).strip("/"))
        if place.scheme == "file"
        else place
    )
