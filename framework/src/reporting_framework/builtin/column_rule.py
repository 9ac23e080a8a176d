"""Rules for one column of a frame: a setting, and its rules as expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Annotated

import polars as pl
from pydantic import Field, field_validator, model_validator

from reporting_framework.builtin.bounds import Bound, no_value_between
from reporting_framework.builtin.frame_types import (
    TYPES,
    bound_of,
    dtype_of,
    has_bounds,
)
from reporting_framework.plugin_api.settings import Settings

MISSING = "missing"

_OTHER_TYPES = (pl.Datetime("us"), pl.Decimal(38, 9))
"""Types of columns beside those of `TYPES` that bounds may be for."""

_BROKEN: dict[str, tuple[Callable[[pl.Expr, pl.Expr], pl.Expr], str]] = {
    "ge": (pl.Expr.lt, "greater_than_equal"),
    "gt": (pl.Expr.le, "greater_than"),
    "le": (pl.Expr.gt, "less_than_equal"),
    "lt": (pl.Expr.ge, "less_than"),
}
"""Comparison that breaks each bound, and the type of the error."""


class ColumnRule(Settings):
    """Rules for one column."""

    type: str | None = Field(
        None,
        description=(
            "Type of its values: string, int32, int64, float64, boolean, date,"
            " datetime, or a decimal such as decimal(18,2). In `rules`, by default the"
            " type that it has in the source"
        ),
    )
    not_null: bool = Field(False, description="Reject a row in which it is null")
    ge: Bound | None = Field(
        None,
        description=(
            "Least value: a number, or a date or time as in ISO 8601. NaN is never"
            " within bounds"
        ),
    )
    gt: Bound | None = Field(None, description="All values are greater; as ge")
    le: Bound | None = Field(None, description="Greatest value; as ge")
    lt: Bound | None = Field(None, description="All values are less; as ge")
    pattern: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="Regular expression that a text must match as a whole"
    )
    min_length: int | None = Field(
        None, ge=0, description="Least number of characters of a text"
    )
    max_length: int | None = Field(
        None, ge=0, description="Greatest number of characters of a text"
    )
    values: Annotated[tuple[str | int, ...], Field(min_length=1)] | None = Field(
        None, description="The accepted values"
    )
    description: str = Field("", description="What it holds, for reporting schema")

    @field_validator("type")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None:
            dtype_of(value)
        return value

    @model_validator(mode="after")
    def _fits_its_type(self) -> ColumnRule:
        self._check_bounds()
        if self.type is not None:
            self.check(dtype_of(self.type))
            return self
        if {self.pattern, self.min_length, self.max_length} != {None}:
            self.check(pl.String())
        elif not any(map(self._fits, (*TYPES.values(), *_OTHER_TYPES))):
            given = [name for name in _BROKEN if getattr(self, name) is not None]
            given += ["values"] if self.values else []
            raise ValueError(
                f"no type of column has such values ({', '.join(given)}); give numbers,"
                " texts, or dates or times as in ISO 8601, all of one type"
            )
        return self

    def _check_bounds(self) -> None:
        """Raise `ValueError` if no value is within the bounds."""
        dtype = self.dtype or pl.Null()
        for low, high in product(("ge", "gt"), ("le", "lt")):
            least, most = getattr(self, low), getattr(self, high)
            if least is None or most is None:
                continue
            whole = isinstance(dtype, pl.Date) or (
                dtype.is_integer() and isinstance(least, int) and isinstance(most, int)
            )
            exclusive = (low == "gt") + (high == "lt")
            if no_value_between(least, most, exclusive=exclusive, whole=whole):
                raise ValueError(
                    f"no value is within {low} and {high}; give bounds with values"
                    " between them"
                )
        if None not in (self.min_length, self.max_length) and (
            self.min_length > self.max_length  # type: ignore[operator]
        ):
            raise ValueError("min_length is greater than max_length")

    def _fits(self, dtype: pl.DataType) -> bool:
        try:
            self.check(dtype)
        except ValueError:
            return False
        return True

    @property
    def dtype(self) -> pl.DataType | None:
        """Type of the column in polars; `None`: the type that the source has."""
        return None if self.type is None else dtype_of(self.type)

    def check(self, dtype: pl.DataType) -> None:
        """Check that the rules are for columns of a type.

        Raises:
            ValueError: One of them is not, or the others refuse all accepted values.
        """
        accepted = _accepted(self.values or (), dtype)
        try:
            broken = accepted.to_frame().select(
                broken.alias(str(number))
                for number, (broken, _) in enumerate(self.broken(pl.nth(0), dtype))
            )
        except pl.exceptions.ComputeError:
            raise ValueError("pattern is not a regular expression") from None
        if self.values and broken.select(pl.any_horizontal(pl.all())).to_series().all():
            raise ValueError("each of values breaks another rule; change one of them")

    def broken(
        self, column: pl.Expr, dtype: pl.DataType
    ) -> Iterator[tuple[pl.Expr, str]]:
        """Yield what is true for values that break a rule, with the type of the error.

        It may be null for a null.

        Args:
            column: The column.
            dtype: Type of the column.

        Raises:
            ValueError: A rule is not for columns of that type.
        """
        if self.not_null:
            yield column.is_null(), MISSING
        yield from self._outside(column, dtype)
        yield from self._wrong_text(column, dtype)
        if self.values:
            yield (
                ~column.is_in(_accepted(self.values, dtype).implode()),
                "literal_error",
            )

    def _outside(
        self, column: pl.Expr, dtype: pl.DataType
    ) -> Iterator[tuple[pl.Expr, str]]:
        for name, (breaks, error_type) in _BROKEN.items():
            bound: Bound | None = getattr(self, name)
            if bound is None:
                continue
            if not has_bounds(dtype):
                raise ValueError(f"{name} is for numbers, dates and times")
            outside = breaks(column, bound_of(bound, dtype))
            if dtype.is_float():  # NaN is neither above nor below
                outside |= column.is_nan()
            yield outside, error_type

    def _wrong_text(
        self, column: pl.Expr, dtype: pl.DataType
    ) -> Iterator[tuple[pl.Expr, str]]:
        for name in ("pattern", "min_length", "max_length"):
            if getattr(self, name) is not None and not isinstance(dtype, pl.String):
                raise ValueError(f"{name} is for type string")
        if self.min_length is not None:
            yield column.str.len_chars() < self.min_length, "string_too_short"
        if self.max_length is not None:
            yield column.str.len_chars() > self.max_length, "string_too_long"
        if self.pattern is not None:
            yield (
                ~column.str.contains(f"^(?:{self.pattern})$"),
                "string_pattern_mismatch",
            )


def _accepted(values: tuple[str | int, ...], dtype: pl.DataType) -> pl.Series:
    """Return the accepted values in the type of the column.

    Raises:
        ValueError: One of them is not of that type.
    """
    try:
        return pl.Series(list(values)).cast(dtype, strict=True)
    except (pl.exceptions.PolarsError, TypeError):
        raise ValueError(f"values must be of type {dtype}") from None
