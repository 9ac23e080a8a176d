"""Cursor of a table: its positions, the row versions, and the look-back.

A position is an integer, or a moment (aware, UTC) if the cursor is a time, a date or an
ISO 8601 text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.plugin_api.table_query import TableInfo

Position = int | datetime

ONE_HOUR = timedelta(hours=1)
"""Default look-back of a cursor that is a time."""

_MOMENT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_MIDDLE = pl.lit(2**63, pl.Int128)
_DIGITS = 20
_TEXT = (
    r"^(?<day>\d{4}-\d{2}-\d{2})"
    r"(?:(?<separator>[T ])(?<minute>\d{2}:\d{2})(?<second>:\d{2})?"
    r"(?<fraction>\.\d{1,6})?\d*(?:Z|(?<sign>[+-])(?<hours>\d{2}):?(?<minutes>\d{2}))?)?$"
)


class TextForm(NamedTuple):
    """Format properties of a cursor's texts that affect the order of texts.

    Attributes:
        separator: Separator of day and time: the least one if there are several; empty
            if a text has no time.
        offset: Least offset from UTC, in minutes.
    """

    separator: str
    offset: int

    def joined(self, other: Sequence[Any] | None) -> TextForm:
        """Return the form that covers the texts of both forms."""
        if other is None:
            return self
        return TextForm(min(self.separator, other[0]), min(self.offset, other[1]))


class Cursor(NamedTuple):
    """Cursor column of a table.

    Attributes:
        column: Name of the column.
        dtype: Type of the column.
    """

    column: str
    dtype: pl.DataType

    @property
    def is_integer(self) -> bool:
        """True for an integer cursor, False for a time."""
        return self.dtype.is_integer()

    @property
    def label(self) -> str:
        """Column and kind of versions; versions of two labels cannot be compared."""
        return f"{self.column}: {'integers' if self.is_integer else 'times'}"

    def position(self, value: Any) -> Position | None:
        """Return the position of a value, `None` if it is not one."""
        if self.is_integer or value is None:
            return value  # type: ignore[no-any-return]
        moment: datetime | None = moments_of(
            pl.Series([value], dtype=self.dtype)
        ).item()
        return moment and moment.replace(tzinfo=UTC)

    def from_json(self, position: Any) -> Position:
        """Convert a position back from `to_json`."""
        return int(position) if self.is_integer else datetime.fromisoformat(position)

    def look_back(self, setting: timedelta | int | None) -> timedelta | int:
        """Return the look-back, by the setting or the default."""
        if setting is None:
            return 0 if self.is_integer else ONE_HOUR
        if isinstance(setting, timedelta):
            return int(setting.total_seconds()) if self.is_integer else setting
        return setting if self.is_integer else timedelta(seconds=setting)

    def before(self, position: Position, back: timedelta | int) -> Position:
        """Return the position that is `back` before `position`."""
        try:
            return position - back  # type: ignore[operator]  # both of one kind
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)

    def value(self, position: Position, form: TextForm | None = None) -> Any:
        """Return the value of the column at a position, for comparisons.

        For a text column, it is the common beginning of the texts of that minute.
        """
        if not isinstance(position, datetime):
            return position
        if isinstance(self.dtype, pl.String):
            separator, offset = form or TextForm("T", 0)
            text = (position + timedelta(minutes=offset)).isoformat("T", "minutes")
            return text[:10] + (separator + text[11:16] if separator else "")
        if isinstance(self.dtype, pl.Date):
            return position.date()
        return position if self.dtype.time_zone else position.replace(tzinfo=None)  # type: ignore[attr-defined]

    def versions(self, column: pl.Series) -> pl.Series:
        """Return versions: texts in the order of the values; null for no value.

        The version of an integer is a number of twenty digits, offset so that negative
        values sort first. The version of a time is in UTC, with microseconds.
        """
        frame = column.alias("value").to_frame()
        if self.is_integer:
            number = pl.col("value").cast(pl.Int128) + _MIDDLE
            texts = number.cast(pl.String).str.zfill(_DIGITS)
            return frame.select(texts).to_series()
        return moments_of(column).dt.strftime(_MOMENT)

    def read(self, column: pl.Series) -> tuple[pl.Series, TextForm | None]:
        """Return versions, and the form of texts; `None` if there are no texts."""
        if not isinstance(self.dtype, pl.String):
            return self.versions(column), None
        parts = _parts(column)
        least = parts.filter(pl.col("day").is_not_null()).select(
            pl.col("separator").fill_null("").min(), _offset().min()
        )
        separator, offset = least.row(0)
        form = None if separator is None else TextForm(separator, offset)
        return _moments(parts).dt.strftime(_MOMENT), form


def cursor_of(info: TableInfo) -> Cursor | None:
    """Return the cursor of a table, `None` if it has none."""
    return (
        None if info.cursor is None else Cursor(info.cursor, info.schema[info.cursor])
    )


def is_before(position: Position | None, other: Position) -> bool:
    """Return whether a position is `None`, or before another position of its kind."""
    return position is None or position < other  # type: ignore[operator]


def to_json(position: Position | None) -> Any:
    """Return a position as a JSON value."""
    return position.isoformat() if isinstance(position, datetime) else position


def moments_of(column: pl.Series) -> pl.Series:
    """Return times, dates or ISO 8601 texts as times in UTC, without a zone.

    A time without a zone is taken as UTC. A text that is not a time becomes null.
    """
    if isinstance(column.dtype, pl.String):
        return _moments(_parts(column))
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def _moments(parts: pl.DataFrame) -> pl.Series:
    """Return the times that are made of parts of texts."""
    time = "T" + pl.col("minute") + pl.col("second").fill_null(":00")
    text = (
        pl.col("day") + time.fill_null("T00:00:00") + pl.col("fraction").fill_null(".0")
    )
    moment = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    moved = (moment - pl.duration(minutes=_offset())).cast(pl.Datetime("us"))
    within = moved.dt.year().is_between(MINYEAR, MAXYEAR)  # as Python's times are
    return parts.select(pl.when(within).then(moved)).to_series()


def _parts(column: pl.Series) -> pl.DataFrame:
    return (
        column.alias("value")
        .to_frame()
        .select(pl.col("value").str.extract_groups(_TEXT))
        .unnest("value")
    )


def _offset() -> pl.Expr:
    """Return the offset from UTC in minutes."""
    minutes = pl.col("hours").cast(pl.Int32) * 60 + pl.col("minutes").cast(pl.Int32)
    return pl.when(pl.col("sign") == "-").then(-minutes).otherwise(minutes).fill_null(0)
