"""Validator ``frame``: rules for the columns of frames.

It works on columns; only rejected rows become Python objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import polars as pl

from reporting_framework.builtin.calendar_bounds import within_calendar
from reporting_framework.builtin.frame_settings import ColumnRule, FrameSettings
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Batch,
    Rejection,
    Validated,
)
from reporting_framework.plugin_api.table_cursor import moments_of
from reporting_framework.plugin_api.validator import ColumnFacts, InputFormat, Validator

MISSING = "missing"
WRONG_TYPE = "wrong_type"
DUPLICATE_KEY = "duplicate_key"


class Fault(NamedTuple):
    """Rows that break one rule.

    Attributes:
        rows: Boolean column, true for each row that breaks the rule.
        error_type: Error type of these rows' rejections.
        field: The column, or `None` for the key as a whole.
    """

    rows: pl.Series
    error_type: str
    field: str | None


class FrameValidator(Validator):
    """Validator of rows against the types and values in the settings.

    The rejection of a row names the first rule that it breaks, in the order of columns.
    """

    name = "frame"
    Settings = FrameSettings
    input_format: ClassVar[InputFormat] = "frames"

    def __init__(self, settings: FrameSettings) -> None:
        self._rules = settings.columns
        self._key = settings.key
        self._types = {name: rule.dtype for name, rule in settings.columns.items()}

    @property
    def schema(self) -> pl.Schema:  # type: ignore[override]  # never set
        """Columns of the settings, or of the source if the settings name none.

        Raises:
            SettingsError: There are no columns.
        """
        if not self._types:
            raise SettingsError(
                "validator frame: columns: there are none, and the source does not say"
                " which it has; give at least one",
                path=("columns",),
            )
        return pl.Schema({**self._types, SOURCE_KEY: pl.String()})

    def bind(self, schema: pl.Schema) -> None:
        """Use the columns of the source, if the settings name none."""
        wanted = [*self._rules, *self._key]
        if unknown := [name for name in wanted if name not in schema]:
            raise SettingsError(
                f"validator frame: column {unknown[0]} is not one of the source; there"
                f" are {', '.join(schema)}"
            )
        self._types = self._types or dict(schema)

    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return description, nullability and values of each column."""
        return {
            name: ColumnFacts(
                rule.description,
                self._is_nullable(name),
                [value for value in rule.values if isinstance(value, str)],
            )
            for name, rule in self._rules.items()
        }

    def validate(self, batch: Batch) -> Validated:
        """Return the rows that keep all rules, and a rejection for each other row."""
        given = batch.frame if batch.frame is not None else pl.DataFrame()
        columns = {name: self._column(given, name) for name in self._types}
        source_keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        frame = pl.DataFrame([*columns.values(), source_keys])
        faults = [fault for fault in self._faults(given, columns) if fault.rows.any()]
        rejections: list[Rejection] = []
        if faults:
            first = _first_fault(faults)
            rejections = [
                Rejection(
                    batch.source_keys[row],
                    batch.versions[row],
                    faults[number].error_type,
                    faults[number].field,
                )
                for row, number in enumerate(first)
                if number is not None
            ]
            frame = frame.filter(first.is_null())
        return Validated(frame, rejections, self._ignored(given))

    def _column(self, given: pl.DataFrame, name: str) -> pl.Series:
        """Return a column in its declared type; values of other types become null."""
        dtype = self._types[name]
        if name not in given.columns:
            return pl.Series(name, [None] * given.height, dtype=dtype)
        if not _is_castable(given.schema[name], dtype):
            return pl.Series(name, [None] * given.height, dtype=dtype)
        return within_calendar(_cast(given[name], dtype))

    def _faults(
        self, given: pl.DataFrame, columns: Mapping[str, pl.Series]
    ) -> Iterator[Fault]:
        for name, column in columns.items():
            if name in given.columns:
                yield Fault(
                    column.is_null() & given[name].is_not_null(), WRONG_TYPE, name
                )
            if not self._is_nullable(name):
                yield Fault(column.is_null(), MISSING, name)
            rule = self._rules.get(name)
            for rows, error_type in _broken(column, rule) if rule else ():
                yield Fault(rows.fill_null(False), error_type, name)
        if self._key:
            key = pl.DataFrame([columns[name] for name in self._key])
            yield Fault(
                ~key.select(pl.struct(pl.all()).is_first_distinct()).to_series(),
                DUPLICATE_KEY,
                None,
            )

    def _is_nullable(self, name: str) -> bool:
        rule = self._rules.get(name)
        return (rule is None or rule.nullable) and name not in self._key

    def _ignored(self, given: pl.DataFrame) -> dict[str, int]:
        return {
            name: given.height
            for name in given.columns
            if name not in self._types and name.isidentifier() and given.height
        }


def _broken(column: pl.Series, rule: ColumnRule) -> Iterator[tuple[pl.Series, str]]:
    """Yield the rows that break a rule of values, with the type of the error."""
    if rule.minimum is not None:
        below = column < rule.bound(rule.minimum)
        if column.dtype.is_float():  # NaN is neither above nor below
            below |= column.is_nan()
        yield below, "greater_than_equal"
    if rule.maximum is not None:
        yield column > rule.bound(rule.maximum), "less_than_equal"
    if rule.pattern is not None:
        yield ~column.str.contains(rule.whole_pattern), "string_pattern_mismatch"
    if rule.values:
        yield ~column.is_in(rule.allowed.implode()), "literal_error"


def _first_fault(faults: Sequence[Fault]) -> pl.Series:
    """Return the position of the first fault of each row, null if there is none."""
    return (
        pl.DataFrame({str(number): fault.rows for number, fault in enumerate(faults)})
        .select(
            pl.coalesce(
                pl.when(pl.col(str(number))).then(pl.lit(number, pl.Int32))
                for number in range(len(faults))
            )
        )
        .to_series()
    )


def _is_castable(actual: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether values of one type may be values of the other."""
    if actual == wanted or isinstance(actual, pl.Null):
        return True
    if wanted.is_numeric():
        return actual.is_numeric()
    if isinstance(wanted, pl.Datetime):
        return (
            isinstance(actual, pl.Datetime) and actual.time_zone is not None
        ) or isinstance(actual, pl.String)
    if isinstance(wanted, pl.Date):
        return isinstance(actual, pl.String)
    return isinstance(wanted, pl.String) and isinstance(
        actual, pl.Categorical | pl.Enum
    )


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return the column in another type; values that would change become null."""
    if column.dtype == dtype:
        return column
    if isinstance(column.dtype, pl.String) and isinstance(dtype, pl.Datetime):
        return moments_of(column).dt.replace_time_zone("UTC").alias(column.name)
    if isinstance(column.dtype, pl.String) and isinstance(dtype, pl.Date):
        return column.str.to_date("%Y-%m-%d", strict=False)
    cast = column.cast(dtype, strict=False)
    if not dtype.is_numeric():
        return cast
    kept = cast.cast(column.dtype, strict=False).eq_missing(column)
    return pl.select(pl.when(kept).then(cast)).to_series().alias(column.name)
