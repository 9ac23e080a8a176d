"""Conversion of decoded values to columns; a value that does not fit becomes null."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from reporting_framework.plugin_api.table_cursor import moments_of
from reporting_singer.json_types import ColumnType, Kind

_MOMENT = "%Y-%m-%dT%H:%M:%S%.f%#z"
_DAY = r"^(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?$"


def converted(
    name: str, values: Sequence[Any], of: ColumnType
) -> tuple[pl.Series, pl.Series | None]:
    """Return values as a column, and which of them did not fit; `None`: all fit.

    Args:
        name: Name of the column.
        values: Values as `record_decoder.RecordDecoder` decodes them.
        of: Type of the column.

    Raises:
        ValueError: A raw value is no text; see `check_text`.
    """
    if of.kind not in _CONVERTERS:
        return pl.Series(name, values, of.dtype, strict=True), None
    before, column = _CONVERTERS[of.kind](values, of.dtype)
    lost = column.is_null() & before.is_not_null()
    return column.alias(name), lost if lost.any() else None


def check_text(raw: msgspec.Raw) -> None:
    """Check that a raw value is JSON text, which decoders do not check of raw values.

    Raises:
        ValueError: It is not UTF-8, or a text with a wrong escape.
    """
    if str(raw, "utf-8").startswith('"'):
        msgspec.json.decode(raw, type=str)


def moments(texts: pl.Series) -> pl.Series:
    """Return ISO 8601 texts as times (us, UTC); without a zone they are UTC already.

    Digits after microseconds are dropped.
    """
    times = texts.str.to_datetime(
        _MOMENT, time_unit="us", time_zone="UTC", strict=False
    )
    if times.null_count() == texts.null_count():
        return times
    return moments_of(texts).dt.replace_time_zone("UTC")


def _moments(values: Sequence[Any], dtype: pl.DataType) -> tuple[pl.Series, pl.Series]:
    texts = pl.Series(values, dtype=pl.String)
    return texts, moments(texts)


def _days(values: Sequence[Any], dtype: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Return days; a time at midnight is a day, as some taps write days so."""
    texts = pl.Series(values, dtype=pl.String)
    return texts, texts.str.extract(_DAY).str.to_date("%Y-%m-%d", strict=False)


def _decimals(values: Sequence[Any], dtype: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Return decimal numbers; one with more decimals than the column does not fit."""
    texts, _ = _numerals(values, dtype)
    numbers = texts.cast(dtype, strict=False)
    scale = dtype.scale  # type: ignore[attr-defined]
    longer = texts.str.contains(rf"\.\d{{{scale}}}\d*[1-9]|[eE]-").fill_null(False)
    if longer.any():
        numbers = pl.select(pl.when(~longer).then(numbers)).to_series()
    return texts, numbers


def _numerals(values: Sequence[Any], dtype: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Return numbers as they were written, whether as numbers or as texts."""
    texts = _raw_texts(values).str.strip_chars('"')
    return texts, texts


def _json(values: Sequence[Any], dtype: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Return the JSON text of each value; a text is itself."""
    texts = _raw_texts(values)
    quoted = texts.str.starts_with('"').fill_null(False)
    if quoted.any():
        kept = texts.to_list()
        for row in quoted.arg_true():
            kept[row] = msgspec.json.decode(kept[row], type=str)
        texts = pl.Series(kept, dtype=pl.String)
    return texts, texts


def _raw_texts(values: Sequence[msgspec.Raw]) -> pl.Series:
    """Return raw JSON as texts; its null is null."""
    texts = pl.Series([str(value, "utf-8") for value in values], dtype=pl.String)
    return texts.set(texts == "null", None)


Converter = Callable[[Sequence[Any], pl.DataType], tuple[pl.Series, pl.Series]]

_CONVERTERS: Mapping[Kind, Converter] = {
    "moment": _moments,
    "day": _days,
    "decimal": _decimals,
    "digits": _numerals,
    "json": _json,
}
