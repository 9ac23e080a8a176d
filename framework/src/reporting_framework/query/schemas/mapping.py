"""Schema evolution: reading of files that were written with other columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.query.schemas.comparison import readable_as
from reporting_framework.storage.row_versions import VERSION_MOMENT

DAY = "%Y-%m-%d"
"""Format of a day as text."""

_LAST = (SOURCE_KEY, VERSION, DELETED_AT, VERSION_MOMENT)
"""Columns that follow all others."""

MAX_MESSAGE = 600
"""Longest description of changes, in characters, as another program may have named the
columns.
"""


class SchemaMapping(NamedTuple):
    """Mapping of a file's columns to the columns that are written.

    Attributes:
        stored: Columns of the file.
        schema: Columns that are written: the present columns, then columns that only
            the file has, then the source key and the columns of ``upsert``.
        wanted: Present columns.
    """

    stored: pl.Schema
    schema: pl.Schema
    wanted: pl.Schema

    @classmethod
    def between(
        cls, actual: pl.Schema, wanted: pl.Schema, needed: Sequence[str] = ()
    ) -> SchemaMapping:
        """Return the mapping of a file of one schema to another schema.

        Args:
            actual: Columns of the file.
            wanted: Present columns, with the source key.
            needed: Columns without nulls, so that a file without one of them is not of
                this table.

        Raises:
            CorruptCheckpoint: A needed column is missing, or a column has a type that
                cannot be converted.
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
        """True if the file has the columns that would be written now."""
        return list(self.stored.items()) == list(self.schema.items())

    @property
    def kept(self) -> list[str]:
        """Columns that only the file has."""
        return [name for name in self.schema if name not in self.wanted]

    def read(self, rows: pl.LazyFrame, *, strict: bool = False) -> pl.LazyFrame:
        """Return the file's rows in the columns that are written now.

        A value that does not fit becomes null, or an error if `strict`.
        """
        return rows if self.current else rows.select(self._columns(strict))

    def fitted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the file in the columns that are written now, all checked.

        Raises:
            CorruptCheckpoint: A value does not fit.
        """
        if self.current:
            return frame
        self.check(frame.lazy())
        return frame.select(self._columns(False))

    def extended(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows in the present columns, with nulls in the file's own columns."""
        if self.schema == self.wanted:
            return frame
        more = [pl.lit(None, self.schema[name]).alias(name) for name in self.kept]
        return frame.with_columns(more).select(self.schema.names())

    def check(self, rows: pl.LazyFrame) -> None:
        """Check every value that must be converted to another type.

        Memory does not grow with the number of values.

        Raises:
            CorruptCheckpoint: Some values do not fit. The message has their number, and
                no value.
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
        """Describe the changes of columns by a commit, in words."""
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
        """Return an expression: whether conversion and its reverse change a value.

        A value that becomes null counts as changed.
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
    """Return the type in which a column is stored.

    Categories are stored as texts, since categories differ from file to file.
    """
    return pl.String() if isinstance(dtype, pl.Categorical | pl.Enum) else dtype
