"""Checks of single rows: ``not_null``, ``range`` and ``accepted_values``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework.checks.base import (
    Aggregate,
    Check,
    RunFacts,
    Verdict,
    failing_rows,
)
from reporting_framework.checks.rows import Rows
from reporting_framework.checks.settings import (
    AcceptedValuesSettings,
    NotNullSettings,
    RangeSettings,
)

_DIGITS = 38
"""Largest number of digits of a number that is compared exactly."""


class _RowRule(Check):
    """Check that counts the rows that break a rule."""

    failing: ClassVar[str]

    @abstractmethod
    def broken(self) -> pl.Expr:
        """Return whether each row breaks the rule."""

    @override
    def aggregates(self, facts: RunFacts) -> Sequence[Aggregate]:
        return [Aggregate(self.broken().fill_null(value=False).sum())]

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        return failing_rows(self.failing, int(values[0] or 0), rows.height)


class NotNull(_RowRule):
    """Check that columns have no null."""

    kind, Settings, failing = "not_null", NotNullSettings, "rows with a null"

    @override
    def broken(self) -> pl.Expr:
        return pl.any_horizontal(pl.col(self.columns).is_null())


class Range(_RowRule):
    """Check that the values of a column are within bounds; null passes, NaN fails."""

    kind, Settings = "range", RangeSettings
    failing = "rows out of range"

    @override
    def bind(self, schema: pl.Schema) -> None:
        dtype = schema[self.settings.column]
        self._is_float = dtype.is_float()
        self._bounds = {
            name: self._bound(name, getattr(self.settings, name), dtype)
            for name in ("min", "max")
            if getattr(self.settings, name) is not None
        }

    def _bound(self, name: str, value: Any, dtype: pl.DataType) -> Any:
        """Return a bound as a value to compare with the column."""
        try:
            if isinstance(dtype, pl.Date):
                return date.fromisoformat(str(value))
            if isinstance(dtype, pl.Datetime):
                moment = datetime.fromisoformat(str(value))
                if (moment.tzinfo is None) != (dtype.time_zone is None):
                    given = "no offset" if dtype.time_zone is None else "an offset"
                    raise self.refuse(f"{name}: a time of this column has {given}")
                return self._moment(name, moment, dtype)
        except ValueError:
            raise self.refuse(
                f"{name}: column {self.settings.column} is {dtype}; give it as in ISO"
                " 8601"
            ) from None
        if isinstance(value, str) or not dtype.is_numeric():
            raise self.refuse(
                f"{name}: column {self.settings.column} is {dtype}; bounds are for"
                " numbers, dates and times, each in its form"
            )
        bound = Decimal(str(value))
        digits = max(0, -int(bound.as_tuple().exponent)) + max(0, bound.adjusted() + 1)
        exact = isinstance(value, int) or isinstance(dtype, pl.Decimal)
        if exact and digits > _DIGITS:
            raise self.refuse(
                f"{name}: it has too many digits; give a number with at most"
                f" {_DIGITS} before and behind the point"
            )
        return bound if isinstance(dtype, pl.Decimal) else value

    def _moment(self, name: str, moment: datetime, dtype: pl.Datetime) -> pl.Expr:
        """Return a time in the type of the column, which may have fewer years."""
        if dtype.time_zone is None:
            bound = pl.lit(moment, dtype)
        else:
            utc = pl.lit(moment.astimezone(UTC), pl.Datetime("us", "UTC"))
            bound = utc.cast(dtype)
        try:
            pl.select(bound)
        except pl.exceptions.InvalidOperationError:
            raise self.refuse(
                f"{name}: column {self.settings.column} is {dtype}; give a time that"
                " it can have, or leave the bound out"
            ) from None
        return bound

    @override
    def broken(self) -> pl.Expr:
        column = pl.col(self.settings.column)
        parts = []
        if "min" in self._bounds:
            parts.append(column < self._bounds["min"])
        if "max" in self._bounds:
            parts.append(column > self._bounds["max"])
        if self._is_float:  # NaN is neither above nor below
            parts.append(column.is_nan())
        return pl.any_horizontal(parts)


class AcceptedValues(_RowRule):
    """Check that a column has no other values than these; null passes."""

    kind, Settings = "accepted_values", AcceptedValuesSettings
    failing = "rows with another value"

    @override
    def bind(self, schema: pl.Schema) -> None:
        column, dtype = self.settings.column, schema[self.settings.column]
        values = list(self.settings.values)
        text = isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
        fits = all(
            isinstance(value, bool) == isinstance(dtype, pl.Boolean)
            and isinstance(value, str) == (text or isinstance(dtype, pl.Date))
            for value in values
        )
        try:
            if isinstance(dtype, pl.Decimal):
                values = [str(value) for value in values]
            series = pl.Series(values, strict=False)  # also of integers and floats
            allowed = _exact(series, dtype) if fits else None
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            allowed = None
        if allowed is None:
            raise self.refuse(
                f"values: column {column} is {dtype}; give values of this type"
            )
        self._allowed = allowed

    @override
    def broken(self) -> pl.Expr:
        return ~pl.col(self.settings.column).is_in(self._allowed.implode())


def _exact(values: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """Return values in another type; `None` if one of them would change."""
    if isinstance(dtype, pl.Date):
        return values.str.to_date("%Y-%m-%d", strict=True)
    cast = values.cast(dtype, strict=True)
    if values.dtype.is_numeric() and not (cast == values).all():
        return None
    return cast
