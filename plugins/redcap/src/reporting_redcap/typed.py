"""Typed frames: texts of an export as the data dictionary types them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import polars as pl

from reporting_redcap.columns import Column, Kind

FORMATS: dict[Kind, str] = {
    "date": "%Y-%m-%d",
    "datetime": "%Y-%m-%d %H:%M",
    "datetime_seconds": "%Y-%m-%d %H:%M:%S",
    "time": "%H:%M",
    "time_seconds": "%H:%M:%S",
}


class Typed(NamedTuple):
    """Typed rows.

    Attributes:
        frame: The rows, all of them.
        faulty: Name of the first column of each row whose value is not of its type;
            null if there is none.
    """

    frame: pl.DataFrame
    faulty: pl.Series


@dataclass(frozen=True)
class Typing:
    """Way from texts to types.

    Attributes:
        columns: Columns of the frames.
        missing_codes: Missing data codes that become null.
        keep: Whether values stay as they are, so that missing data codes are kept.
        values: Values of choices: ``codes``, ``labels`` or ``both``.
        key: Columns that are never null; without a value, they are empty, or 0.
    """

    columns: Sequence[Column]
    missing_codes: Sequence[str] = ()
    keep: bool = False
    values: str = "codes"
    key: Sequence[str] = ()

    @property
    def schema(self) -> pl.Schema:
        """Columns of the frames."""
        schema = pl.Schema()
        for column in self.columns:
            as_text = self._as_text(column) or (
                column.labels and self.values == "labels"
            )
            schema[column.name] = pl.String() if as_text else column.dtype
            if column.labels and self.values == "both":
                schema[label_name(column)] = pl.String()
        return schema

    def typed(self, texts: pl.DataFrame) -> Typed:
        """Return rows with the types of the dictionary.

        Args:
            texts: Columns of texts, with all of `columns`.
        """
        texts = texts.select(self._texts)
        values = texts.select(self._values)
        faulty = _faulty(texts, values)
        frame = values
        if self.values != "codes":
            frame = pl.DataFrame(
                each
                for column in self.columns
                for each in self._labelled(column, values[column.name], texts)
            )
        return Typed(frame.with_columns(self._filled()), faulty)

    @cached_property
    def _texts(self) -> list[pl.Expr]:
        """Texts without missing data codes."""
        codes = pl.Series(self.missing_codes, dtype=pl.String())
        columns = [pl.col(column.name) for column in self.columns]
        if self.keep or not self.missing_codes:
            return columns
        ids = self.key[:1]
        return [
            text
            if column.name in ids
            else pl.when(~text.is_in(codes)).then(text).alias(column.name)
            for column, text in zip(self.columns, columns, strict=True)
        ]

    @cached_property
    def _values(self) -> list[pl.Expr]:
        """Values of the texts."""
        return [self._value(column).alias(column.name) for column in self.columns]

    def _as_text(self, column: Column) -> bool:
        return self.keep and column.name not in self.key

    def _value(self, column: Column) -> pl.Expr:
        text = pl.col(column.name)
        kind = column.kind
        if kind == "text" or self._as_text(column):
            return text
        if kind == "boolean":
            known = text.is_in(["0", "1"])
            return pl.when(known).then(text == "1")
        if kind == "integer":
            return text.cast(pl.Int64(), strict=False)
        if kind == "number":
            number = text.cast(pl.Float64(), strict=False)
            return pl.when(number.is_finite()).then(number)
        form = FORMATS[kind]
        if kind == "date":
            return text.str.to_date(form, strict=False)
        if kind in ("time", "time_seconds"):
            return text.str.to_time(form, strict=False)
        return text.str.to_datetime(form, time_unit="us", strict=False)

    def _labelled(
        self, column: Column, value: pl.Series, texts: pl.DataFrame
    ) -> list[pl.Series]:
        if not column.labels:
            return [value]
        labels = texts[column.name].replace(
            list(column.labels), list(column.labels.values())
        )
        if self.values == "labels":
            return [labels]
        return [value, labels.alias(label_name(column))]

    def _filled(self) -> list[pl.Expr]:
        kinds = {column.name: column.kind for column in self.columns}
        return [
            pl.col(name).fill_null(pl.lit(0 if kinds[name] == "integer" else ""))
            for name in self.key
        ]


def label_name(column: Column) -> str:
    """Return the name of the column of labels that is beside one of codes."""
    return f"{column.name}__label"


def _faulty(texts: pl.DataFrame, values: pl.DataFrame) -> pl.Series:
    """Return the first column of each row that has a text and no value."""
    faulty = pl.Series([None], dtype=pl.String()).new_from_index(0, texts.height)
    nulls = zip(texts.columns, texts.null_count().row(0), strict=True)
    lost = [
        name
        for (name, before), after in zip(nulls, values.null_count().row(0), strict=True)
        if before != after
    ]
    for name in reversed(lost):
        fault = values[name].is_null() & texts[name].is_not_null()
        faulty = faulty.zip_with(~fault, pl.Series([name]))
    return faulty
