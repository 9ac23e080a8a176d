"""Settings of the validator ``frame``."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

import polars as pl
from pydantic import Field, field_validator, model_validator

from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.settings import Settings

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
}

_DECIMAL = re.compile(r"decimal\(([1-9][0-9]?), ?([0-9]+)\)")
MAX_PRECISION = 38

Bound = int | float | str


class ColumnRule(Settings):
    """Rule for one column."""

    type: str = Field(
        description=(
            "Type of its values: string, int32, int64, float64, boolean, date,"
            " datetime, or a decimal such as decimal(18,2)"
        )
    )
    nullable: bool = Field(True, description="Whether it may be null")
    minimum: Bound | None = Field(
        None, description="Least value: a number, or a date or time as in ISO 8601"
    )
    maximum: Bound | None = Field(None, description="Greatest value, as minimum")
    pattern: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="Regular expression that a text must match as a whole"
    )
    values: tuple[str | int, ...] = Field(
        (), description="The only values there may be"
    )
    description: str = Field("", description="What it holds, for reporting schema")

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in TYPES:
            return value
        match = _DECIMAL.fullmatch(value)
        if match is None or not int(match[2]) <= int(match[1]) <= MAX_PRECISION:
            raise ValueError(
                f"must be one of {', '.join(TYPES)}, or decimal(PRECISION,SCALE) with"
                f" at most {MAX_PRECISION} digits"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> ColumnRule:
        for name in ("minimum", "maximum"):
            value = getattr(self, name)
            if value is not None:
                if self.type in ("string", "boolean"):
                    raise ValueError(f"{name} is for numbers, dates and times")
                self.bound(value)
        if self.pattern is not None:
            if self.type != "string":
                raise ValueError("pattern is for type string")
            try:
                pl.Series([""]).str.contains(self.whole_pattern)
            except pl.exceptions.ComputeError:
                raise ValueError("pattern is not a regular expression") from None
        if self.values:
            try:
                _ = self.allowed
            except (pl.exceptions.PolarsError, TypeError):
                raise ValueError(f"values must be of type {self.type}") from None
        return self

    @property
    def dtype(self) -> pl.DataType:
        """Type of the column in polars."""
        if match := _DECIMAL.fullmatch(self.type):
            return pl.Decimal(int(match[1]), int(match[2]))
        return TYPES[self.type]

    @property
    def whole_pattern(self) -> str:
        """Pattern that must match the whole text."""
        return f"^(?:{self.pattern})$"

    @property
    def allowed(self) -> pl.Series:
        """Allowed values, in the type of the column."""
        return pl.Series(list(self.values)).cast(self.dtype, strict=True)

    def bound(self, value: Bound) -> Any:
        """Return a bound as a value to compare with the column.

        Raises:
            ValueError: The bound is not of the column's type.
        """
        if self.type == "date":
            return date.fromisoformat(str(value))
        if self.type == "datetime":
            moment = datetime.fromisoformat(str(value))
            if moment.tzinfo is None:
                raise ValueError("a time needs an offset, such as 2024-01-01T00:00Z")
            return moment
        if isinstance(value, str):
            raise ValueError(f"a bound of type {self.type} is a number")
        return value


class FrameSettings(Settings):
    """Settings of the validator ``frame``."""

    columns: dict[str, ColumnRule] = Field(
        {},
        description=(
            "Rules by column, in the order of the table. Unless set, all columns of the"
            " source, in its types"
        ),
    )
    key: tuple[str, ...] = Field(
        (),
        description=(
            "Columns that identify a row: never null, and each combination once in a"
            " batch"
        ),
    )

    @field_validator("columns")
    @classmethod
    def _free_names(cls, value: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        if SOURCE_KEY in value:
            raise ValueError(f"{SOURCE_KEY} is a column that is added; rename it")
        return value

    @model_validator(mode="after")
    def _key_is_there(self) -> FrameSettings:
        unknown = [name for name in self.key if name not in self.columns]
        if unknown and self.columns:
            raise ValueError(
                f"key: there is no column {', '.join(unknown)}; there are"
                f" {', '.join(self.columns)}"
            )
        return self
