"""Columns of a batch in the types of a dataframely schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import dataframely as dy
import polars as pl

from reporting_framework.builtin.calendar_bounds import within_calendar
from reporting_framework.builtin.decimal_floats import rounded
from reporting_framework.builtin.frame_faults import Fault
from reporting_framework.builtin.frame_types import typed
from reporting_framework.builtin.reasons import OUT_OF_RANGE
from reporting_framework.errors import SettingsError

WRONG_TYPE = "dtype"
"""Error type of a value of another type: dataframely's name of the rule."""


class ColumnTypes(NamedTuple):
    """Types of the columns of a table.

    Attributes:
        schema: The dataframely schema.
        types: Types by column, in order.
        cast: Whether columns of other types are converted.
    """

    schema: type[dy.Schema]
    types: Mapping[str, pl.DataType]
    cast: bool

    def of(self, given: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
        """Return the columns, and the rules that a conversion may have broken.

        A value that cannot be converted, and each value of a column that may not be,
        is null. A column that is not there is null.

        Args:
            given: Rows of the source.
        """
        columns: list[pl.Series] = []
        faults: list[Fault] = []
        for name, dtype in self.types.items():
            if name not in given.columns:
                nulls = pl.repeat(None, given.height, dtype=dtype, eager=True)
                columns.append(nulls.alias(name))
                continue
            converted = self._converted(given[name], dtype)
            column = within_calendar(converted)
            if given.schema[name] != dtype:
                lost = converted.is_null() != given[name].is_null()
                faults.append(Fault(pl.lit(lost), WRONG_TYPE, name))
            if column is not converted:
                lost = column.is_null() & converted.is_not_null()
                faults.append(Fault(pl.lit(lost), OUT_OF_RANGE, name))
            columns.append(column)
        return pl.DataFrame(columns), faults

    def _converted(self, column: pl.Series, dtype: pl.DataType) -> pl.Series:
        if column.dtype == dtype:
            return column
        if self.cast or self.schema.columns()[column.name].validate_dtype(column.dtype):
            try:
                return _cast(column, dtype)
            except pl.exceptions.PolarsError:  # no value of one type is of the other
                pass
        return pl.repeat(None, len(column), dtype=dtype, eager=True).alias(column.name)


def declared_types(
    schema: type[dy.Schema], given: Mapping[str, pl.DataType] | None, cast: bool
) -> dict[str, pl.DataType]:
    """Return the types of a schema's columns.

    A column that may have several types, such as `dataframely.Integer`, keeps the type
    that it has in the source.

    Args:
        schema: The dataframely schema.
        given: Types of the source's columns, `None` if they are not known.
        cast: Whether columns of other types are converted.

    Raises:
        SettingsError: The source does not have a column, or has it in another type that
            is not to be converted.
    """
    if given is None:
        return {name: column.dtype for name, column in schema.columns().items()}
    types: dict[str, pl.DataType] = {}
    for name, column in schema.columns().items():
        subject = f"validator dataframely: column {name} of schema {schema.__name__}"
        if name not in given:
            raise SettingsError(
                f"{subject} is not one of the source; there are {', '.join(given)}",
                path=("schema",),
            )
        if column.validate_dtype(given[name]):
            types[name] = given[name]
            continue
        if not cast:
            raise SettingsError(
                f"{subject} is {column.dtype}, and {given[name]} in the source; set"
                " cast = true, or change one of them",
                path=("schema",),
            )
        types[name] = column.dtype
    return types


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return the column in another type; values that cannot be converted become null.

    Texts become days and times as with the validator ``frame``, since polars, and so
    dataframely, converts none.

    Raises:
        polars.exceptions.PolarsError: No value of one type can be of the other.
    """
    if column.dtype.is_float() and isinstance(dtype, pl.Decimal):
        return pl.select(rounded(pl.lit(column), dtype)).to_series()
    if not isinstance(column.dtype, pl.String):
        return column.cast(dtype, strict=False)
    if isinstance(dtype, pl.Date):
        return typed(column, dtype)
    if isinstance(dtype, pl.Datetime):
        moments = typed(column, pl.Datetime("us", "UTC"))
        if dtype.time_zone is None:
            moments = moments.dt.replace_time_zone(None)
        return moments.cast(dtype, strict=False)
    return column.cast(dtype, strict=False)
