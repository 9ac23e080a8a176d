"""Columns of the table: the properties that a document declares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
from typing_extensions import override

from reporting_framework import ColumnFacts
from reporting_framework.builtin.calendar_bounds import within_calendar
from reporting_framework.builtin.columns import INT32, MOMENT, Column, json_text
from reporting_framework.builtin.flat_schema import MOMENT as USUAL_MOMENT
from reporting_framework.builtin.flat_schema import utc_moments
from reporting_framework.plugin_api.table_cursor import moments_of
from reporting_json_schema.documents import Documents, Node
from reporting_json_schema.schema_facts import (
    all_of,
    alternatives_of,
    any_of,
    bounds_of,
    choices_of,
    description_of,
    format_of,
    properties_of,
    required_of,
    types_of,
)


class DeclaredColumn(NamedTuple):
    """Column of a property.

    Attributes:
        column: Type and conversion of the values.
        facts: Description, nullability and choices.
        mixed: Whether a valid value may be of another type, because only an alternative
            declares the property.
    """

    column: Column
    facts: ColumnFacts
    mixed: bool = False


class IntegerColumn(Column):
    """Column of integers, some of which may be written as 1.0."""

    @override
    def series(self, name: str, values: Sequence[Any]) -> pl.Series:
        try:
            return super().series(name, values)
        except TypeError:
            whole = [
                int(value) if isinstance(value, float) else value for value in values
            ]
            return super().series(name, whole)


class NumberColumn(Column):
    """Column of numbers, some of which may be written as integers."""

    @override
    def series(self, name: str, values: Sequence[Any]) -> pl.Series:
        numbers = [
            float(value) if isinstance(value, int) else value for value in values
        ]
        return super().series(name, numbers)


class TextColumn(Column):
    """Column of values that are texts in records."""

    @override
    def series(self, name: str, values: Sequence[Any]) -> pl.Series:
        return self.converted(pl.Series(name, values, dtype=pl.String, strict=True))

    @abstractmethod
    def converted(self, texts: pl.Series) -> pl.Series:
        """Convert texts to the type of the column.

        Raises:
            ValueError: The column cannot hold one of them.
        """


class DayColumn(TextColumn):
    """Column of days, from texts such as 2026-11-30."""

    @override
    def converted(self, texts: pl.Series) -> pl.Series:
        return _all_converted(texts, texts.str.to_date("%Y-%m-%d", strict=False))


class MomentColumn(TextColumn):
    """Column of times in UTC, from texts as in RFC 3339.

    Digits after microseconds are dropped.
    """

    @override
    def converted(self, texts: pl.Series) -> pl.Series:
        if texts.str.contains(USUAL_MOMENT).all():
            return _all_converted(texts, utc_moments(texts))
        moments = moments_of(texts.str.to_uppercase()).alias(texts.name)
        return _all_converted(texts, moments.dt.replace_time_zone("UTC"))


def declared_columns(
    root: Node, documents: Documents, *, formats: bool
) -> Mapping[str, DeclaredColumn]:
    """Return the columns of the properties that a schema declares, in their order.

    Args:
        root: Schema of the records.
        documents: The documents.
        formats: Whether texts of a format have a column of its type.
    """
    required = required_of(root, documents)
    columns = {
        name: _column(all_of(schemas), documents, name in required, formats)
        for name, schemas in properties_of(root, documents).items()
    }
    for name, schemas in alternatives_of(root, documents).items():
        one = any_of(schemas)
        column = _column(one, documents, name in required, formats)
        columns[name] = column._replace(mixed=True)
    return columns


def _column(
    node: Node, documents: Documents, required: bool, formats: bool
) -> DeclaredColumn:
    types = types_of(node, documents)
    choices = choices_of(node, documents) or []
    texts = [value for value in choices if isinstance(value, str)]
    known = len(texts) == len([value for value in choices if value is not None])
    facts = ColumnFacts(
        description_of(node, documents),
        not required or "null" in types,
        texts if known else [],
    )
    return DeclaredColumn(_column_of(types - {"null"}, node, documents, formats), facts)


def _column_of(
    types: frozenset[str], node: Node, documents: Documents, formats: bool
) -> Column:
    """Return the column for values of these types; mixed and nested ones are JSON."""
    if types <= {"string"}:
        form = format_of(node, documents) if formats else None
        if form == "date":
            return DayColumn(pl.Date())
        return MomentColumn(MOMENT) if form == "date-time" else Column(pl.String())
    if types == {"boolean"}:
        return Column(pl.Boolean())
    if types == {"integer"}:
        return IntegerColumn(pl.Int32() if _is_small(node, documents) else pl.Int64())
    if types <= {"integer", "number"}:
        return NumberColumn(pl.Float64())
    return Column(pl.String(), json_text)


def _is_small(node: Node, documents: Documents) -> bool:
    """Return whether bounds limit integers to 32 bits."""
    low, high = bounds_of(node, documents)
    if low is None or high is None:
        return False
    return INT32[0] <= low <= high <= INT32[1]


def _all_converted(before: pl.Series, after: pl.Series) -> pl.Series:
    """Return converted values.

    Raises:
        ValueError: A value could not be converted, or is outside of the calendar.
    """
    after = within_calendar(after)
    if after.null_count() > before.null_count():
        raise ValueError("a value could not be converted")
    return after
