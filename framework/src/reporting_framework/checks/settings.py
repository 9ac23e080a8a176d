"""Settings of the checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from reporting_framework.builtin.bounds import Bound, no_value_between
from reporting_framework.plugin_api.durations import checked_age, duration_of
from reporting_framework.plugin_api.settings import Settings

Over = Literal["run", "table"]
"""Rows that a check judges: those of the run, or the table as it will be."""


def _as_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Columns = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(_as_several),
    Field(min_length=1),
]
"""Names of columns; a single name needs no list."""


class CheckSettings(Settings):
    """Settings that all checks have."""

    name: str = Field(
        "", max_length=200, description="Name in results; by default check and columns"
    )
    severity: Literal["warn", "fail"] = Field(
        "fail", description="Whether a failed check stops the run (`fail`) or warns"
    )
    over: Over = Field(
        "run",
        description="Rows to judge: the rows of the `run`, or the `table` as it will be"
        " after the commit",
    )


class NotNullSettings(CheckSettings):
    """Settings of the check ``not_null``."""

    columns: Columns = Field(description="Columns without a null")


class RangeSettings(CheckSettings):
    """Settings of the check ``range``."""

    column: str = Field(description="Column of numbers, dates or times")
    min: Bound | None = Field(
        None, description="Least value: a number, or a date or time as in ISO 8601"
    )
    max: Bound | None = Field(None, description="Greatest value, as min")

    @model_validator(mode="after")
    def _bounded(self) -> RangeSettings:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is None or self.max is None:
            return self
        if no_value_between(self.min, self.max):
            raise ValueError("min is greater than max")
        return self


class AcceptedValuesSettings(CheckSettings):
    """Settings of the check ``accepted_values``."""

    column: str = Field(description="Column with few values")
    values: tuple[bool | int | float | str, ...] = Field(
        min_length=1, description="The only values there may be, apart from null"
    )


class UniqueSettings(CheckSettings):
    """Settings of the check ``unique``."""

    columns: Columns = Field(description="Columns that together identify a row")
    over: Over = Field(
        "table", description="Rows to judge: the `table`, or the rows of the `run` only"
    )


class ForeignKeySettings(CheckSettings):
    """Settings of the check ``foreign_key``."""

    columns: Columns = Field(description="Columns whose values must exist elsewhere")
    report: str = Field(min_length=1, description="Report whose table has the values")
    to: Columns | None = Field(
        None, description="Columns of that table; by default of the same names"
    )

    @model_validator(mode="after")
    def _pairs(self) -> ForeignKeySettings:
        if self.to is not None and len(self.to) != len(self.columns):
            raise ValueError("columns and to must name as many columns each")
        return self


class RowCountSettings(CheckSettings):
    """Settings of the check ``row_count``."""

    min: int | None = Field(None, ge=0, description="Least number of rows")
    max: int | None = Field(None, ge=0, description="Greatest number of rows")
    over: Over = Field(
        "table", description="Rows to count: the `table`, or the rows of the `run`"
    )

    @model_validator(mode="after")
    def _bounded(self) -> RowCountSettings:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if None not in (self.min, self.max) and self.min > self.max:  # type: ignore[operator]
            raise ValueError("min is greater than max")
        return self


class RowCountChangeSettings(CheckSettings):
    """Settings of the check ``row_count_change``."""

    max: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="Greatest change, as a share of the earlier number: 0.5 is half",
    )
    direction: Literal["any", "drop", "growth"] = Field(
        "any", description="Changes that count: any, only a `drop`, or only `growth`"
    )
    runs: int = Field(
        1, ge=1, le=100, description="Number of earlier runs; their median counts"
    )
    over: Over = Field(
        "table", description="Rows to count: the `table`, or the rows of the `run`"
    )


class FreshnessSettings(CheckSettings):
    """Settings of the check ``freshness``."""

    column: str = Field(description="Column of dates or times")
    max_age: str = Field(
        description="Greatest age of the newest value: a number and s, m, h, d or w,"
        " such as 36h or 3d"
    )
    over: Over = Field(
        "table", description="Rows to judge: the `table`, or the rows of the `run`"
    )

    @field_validator("max_age")
    @classmethod
    def _is_age(cls, value: str) -> str:
        return checked_age(value)

    @property
    def limit(self) -> timedelta:
        """Greatest age."""
        limit = duration_of(self.max_age)
        assert limit is not None  # noqa: S101 - validated
        return limit
