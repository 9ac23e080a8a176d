"""The form of a file that was made under another schema.

It says what is read in which way, what is kept, and what cannot be.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.query.schemas import readable_as

DAY = "%Y-%m-%d"
"""How a day is written as a text."""

_LAST = (SOURCE_KEY, VERSION, DELETED_AT)
"""Columns that follow all others."""

MAX_MESSAGE = 600
"""Longest account of what changes, in characters: names of columns are another
program's.
"""


class SchemaMapping(NamedTuple):
    """The columns that a file has, and those that its rows have among today's.

    Attributes:
        stored: The columns of the file.
        schema: Today's columns, those that only the file has behind them, and the
            source key last, before the columns of ``upsert``: what is written.
        wanted: Today's columns.
    """

    stored: pl.Schema
    schema: pl.Schema
    wanted: pl.Schema

    @classmethod
    def between(
        cls, actual: pl.Schema, wanted: pl.Schema, needed: Sequence[str] = ()
    ) -> SchemaMapping:
        """How a file of one schema is read in another.

        Args:
            actual: The columns of the file.
            wanted: Today's columns, the source key among them.
            needed: Columns that hold no null, so that a file without one of them is
                none of today's.

        Raises:
            CorruptCheckpoint: A column that is needed is not there, or one has a type
                that cannot be read as today's.
        """
        problems = [f"no column {name}" for name in needed if name not in actual]
        problems += [
            f"column {name} is {actual[name]}, not {dtype}"
            for name, dtype in wanted.items()
            if name in actual and not readable_as(actual[name], dtype)
        ]
        if problems:
            raise CorruptCheckpoint(
                f"the checkpoint has another schema: {'; '.join(problems)}"
            )
        more = {
            name: _plain(dtype) for name, dtype in actual.items() if name not in wanted
        }
        columns = {**wanted, **more}
        last = {name: columns.pop(name) for name in _LAST if name in columns}
        return cls(actual, pl.Schema({**columns, **last}), wanted)

    @property
    def current(self) -> bool:
        """Whether the file is as it would be written today."""
        return list(self.stored.items()) == list(self.schema.items())

    @property
    def kept(self) -> list[str]:
        """Columns that only the file has."""
        return [name for name in self.schema if name not in self.wanted]

    def read(self, rows: pl.LazyFrame, *, strict: bool = False) -> pl.LazyFrame:
        """The file's rows in the columns that are written today.

        What does not fit is null, or an error if `strict`.
        """
        return rows if self.current else rows.select(self._columns(strict))

    def fitted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of the file in the columns that are written today, each looked at.

        Raises:
            CorruptCheckpoint: A value does not fit.
        """
        if self.current:
            return frame
        self.check(frame.lazy())
        return frame.select(self._columns(False))

    def extended(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows in today's columns with nulls in those that only the file has."""
        if self.schema == self.wanted:
            return frame
        more = [pl.lit(None, self.schema[name]).alias(name) for name in self.kept]
        return frame.with_columns(more).select(self.schema.names())

    def check(self, rows: pl.LazyFrame) -> None:
        """Look at every value that is to be read as another type.

        Memory does not grow with their number.

        Raises:
            CorruptCheckpoint: Some do not fit. It tells how many, and none of them.
        """
        casts = [
            name
            for name in self.wanted
            if name in self.stored and self.stored[name] != self.wanted[name]
        ]
        if not casts:
            return
        counts = [self._loses_value(name).sum().alias(name) for name in casts]
        bad = rows.select(counts).collect(engine="streaming").row(0, named=True)
        problems = [
            f"column {name} is {self.stored[name]}, not {self.wanted[name]}, and"
            f" {number} {'rows do' if number > 1 else 'row does'} not fit"
            for name, number in bad.items()
            if number
        ]
        if problems:
            raise CorruptCheckpoint(
                f"the checkpoint has another schema: {'; '.join(problems)}"
            )

    def describe(self) -> str:
        """What a commit changes, in words."""
        cast = [
            f"column {name} {self.stored[name]} to {dtype}"
            for name, dtype in self.schema.items()
            if name in self.stored and self.stored[name] != dtype
        ]
        parts = [
            *cast,
            *(
                f"column {name} added"
                for name in self.schema
                if name not in self.stored
            ),
        ]
        return (
            textwrap.shorten("; ".join(parts), MAX_MESSAGE, placeholder=" …")
            or "columns in another order"
        )

    def _columns(self, strict: bool) -> list[pl.Expr]:
        return [
            (
                _cast(name, self.stored[name], dtype, strict)
                if name in self.stored
                else pl.lit(None, dtype).alias(name)
            )
            for name, dtype in self.schema.items()
        ]

    def _loses_value(self, name: str) -> pl.Expr:
        """Return whether a value is another once it was read and written back.

        A value that is none then counts as another.
        """
        actual, wanted = self.stored[name], self.wanted[name]
        column, converted = pl.col(name), _cast(name, actual, wanted, strict=False)
        if isinstance(wanted, pl.Date):
            column, again = column.cast(pl.String), converted.dt.to_string(DAY)
        else:
            again = converted.cast(actual, strict=False)
        return column.is_not_null() & (again != column).fill_null(value=True)


def _cast(name: str, actual: pl.DataType, wanted: pl.DataType, strict: bool) -> pl.Expr:
    column = pl.col(name)
    if actual == wanted:
        return column
    if isinstance(wanted, pl.Date):
        return column.cast(pl.String).str.to_date(DAY, strict=strict)
    return column.cast(wanted, strict=strict)


def _plain(dtype: pl.DataType) -> pl.DataType:
    """Return the type that a column is kept in.

    Of a category it is its text, since categories differ from file to file.
    """
    return pl.String() if isinstance(dtype, pl.Categorical | pl.Enum) else dtype
