"""Settings of all table sources."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field, ValidatorFunctionWrapHandler, field_validator

from reporting_framework.plugin_api.durations import read_duration
from reporting_framework.plugin_api.settings import Settings


class TableSettings(Settings):
    """Base of the settings of a `TableSource`."""

    full_scan: bool = Field(False, description="Full scan of the table this time")
    full_scan_every_days: float | None = Field(
        None,
        ge=0,
        le=100_000,
        description=(
            "Full scan when the last one is older; it finds rows that were deleted or"
            " committed too late. Unless set, only if asked for"
        ),
    )
    lookback: int | timedelta | None = Field(
        None,
        description=(
            "How far behind the last cursor rows may still be committed: seconds or a"
            " duration such as 2h, 3d or PT2H, of an integer cursor a number. Unless"
            " set, one hour, and 0 for an integer"
        ),
    )
    page_rows: int = Field(
        50_000, ge=1, le=1_000_000, description="Rows fetched at once"
    )
    split_rows: int = Field(
        100_000, ge=1, description="Rows of a split, about; a run stops between splits"
    )
    parallelism: int = Field(
        4, ge=1, le=64, description="How many splits are read at once"
    )

    @field_validator("lookback", mode="wrap")
    @classmethod
    def _is_duration(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        return read_duration(value, read, "a number for an integer cursor, seconds")

    @field_validator("lookback")
    @classmethod
    def _not_ahead(cls, value: int | timedelta | None) -> int | timedelta | None:
        zero = timedelta(0) if isinstance(value, timedelta) else 0
        if value is not None and value < zero:  # type: ignore[operator]
            raise ValueError("must not be below zero")
        return value
