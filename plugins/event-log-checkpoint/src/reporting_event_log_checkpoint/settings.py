"""Settings of the report ``event-log-checkpoint``.

Each is an option of the command line too.
"""

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

from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import Location, parse_location

Pattern = Annotated[str, StringConstraints(max_length=256)]
"""A glob pattern; translating one takes the square of its length, and a trigger may
hold any.
"""

CENTURY = 36_525
"""The longest time, in days; with no end, the beginning of the calendar would be
passed.
"""

_BUCKET = re.compile(r"[^/:\s]+")

_HALVES: dict[str, tuple[str, ...]] = {
    "source": ("source_bucket", "prefix"),
    "checkpoint": ("checkpoint_bucket", "checkpoint_key"),
}


class EventLogSettings(Settings):
    """Where events come from, where the checkpoint is, and how they are read.

    `source` and `checkpoint` are URIs; `source_bucket` with `prefix`, and
    `checkpoint_bucket` with `checkpoint_key`, can stand in their place.
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
            "The parquet file: s3://bucket/key.parquet or a path; {study} in it makes"
            " one a study"
        ),
    )
    source_bucket: str | None = Field(
        None, description="Bucket of the event files, in the place of --source"
    )
    prefix: str | None = Field(None, description="Folder within --source-bucket")
    checkpoint_bucket: str | None = Field(
        None, description="Bucket of the checkpoint, in the place of --checkpoint"
    )
    checkpoint_key: str | None = Field(
        None, description="Key within --checkpoint-bucket"
    )
    validator: Literal["visit-event", "visit-event-v2"] = Field(
        "visit-event", description="What an event must be"
    )
    extra: Literal["ignore", "reject", "keep"] = Field(
        "ignore",
        description=(
            "Unknown fields: leave out and count, reject the record, or keep as JSON"
        ),
    )
    exclude_projects: list[Pattern] = Field(
        [], description="Glob pattern of project labels to leave out, such as sandbox-*"
    )
    quarantine: str | None = Field(
        None, description="File for what is not kept, unless beside the checkpoint"
    )
    lookback_days: float = Field(
        35,
        ge=0,
        le=CENTURY,
        description="How far before the newest event to look for late ones",
    )
    full_scan_every_days: float = Field(
        7,
        ge=0,
        le=CENTURY,
        description="Days after which a run is a full scan again",
    )
    full_scan: bool = Field(False, description="Full scan: list all names this time")
    max_in_flight: int = Field(
        64, ge=1, le=1024, description="Requests under way at once"
    )
    max_record_bytes: int = Field(
        1024 * 1024, ge=1, description="Largest event; a larger one is rejected"
    )
    compression: Literal["zstd", "snappy"] = Field(
        "zstd", description="Compression of the checkpoint"
    )
    keep_runs: int = Field(
        500,
        ge=0,
        le=10_000,
        description="Runs whose records are kept beside the checkpoint; 0: no history",
    )

    @field_validator("source_bucket", "checkpoint_bucket")
    @classmethod
    def _is_bucket(cls, value: str | None) -> str | None:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError("a bucket is its name alone, without s3:// and slashes")
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
        """Make URIs of buckets and keys; a URI that neither form gives is missing."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        missing = []
        for whole, (bucket, key) in _HALVES.items():
            if any(
                not isinstance(values.get(name), str | None)
                for name in (whole, bucket, key)
            ):
                values.setdefault(whole, "")  # the fields' own checks say what is wrong
            elif (
                not values.get(whole)
                and values.get(bucket)
                and (values.get(key) or whole == "source")
            ):
                name = (
                    values[bucket] if _BUCKET.fullmatch(values[bucket]) else "refused"
                )  # by its own validator
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
        ):  # a misspelt name tells more, and is told anyway
            raise ValidationError.from_exception_data(cls.__name__, missing)
        return values

    @model_validator(mode="after")
    def _separate_locations(self) -> EventLogSettings:
        """Nothing may be written where events are listed."""
        for field in ("checkpoint", "quarantine"):
            uri = getattr(self, field)
            if uri and _resolved(_located(self.source)).holds(
                _resolved(_folder(_located(uri)))
            ):
                raise PydanticCustomError(
                    "checkpoint_in_source",
                    "the {field} lies in the source's own folder; give it a folder that"
                    " is not below the source",
                    {"field": field},
                )
        return self


def _located(uri: str) -> Location:
    try:
        return parse_location(uri)
    except LocationError as error:
        raise ValueError(str(error)) from error


def _folder(file: Location) -> Location:
    """The folder of a file, up to the first placeholder."""
    return file._replace(key=file.key.partition("{")[0].rpartition("/")[0])


def _resolved(place: Location) -> Location:
    """Return the place with symbolic links followed.

    Two names of one folder are the same folder.
    """
    return (
        place._replace(key=os.path.realpath(place.uri).strip("/"))
        if place.scheme == "file"
        else place
    )
