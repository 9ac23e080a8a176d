"""Partitions of a dataset: the folder of each row, in the form of Hive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.errors import SettingsError
from reporting_framework.storage import key_values

FORMATS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
"""Units of a timestamp that a partition may have, and their form in a folder's name."""

PARTITION = "_reporting_partition"
"""Name of the column with the folder of each row."""

_DERIVED = re.compile(r"(year|month|day)\((.+)\)")
_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Enum, pl.Categorical)


class PartitionColumn(NamedTuple):
    """One level of the folders.

    Attributes:
        name: Name in the folder's name.
        column: Column of the rows.
        unit: Unit of the timestamp that is taken, `None`: the value itself.
    """

    name: str
    column: str
    unit: str | None = None

    @classmethod
    def parse(cls, text: str) -> PartitionColumn:
        """Parse an item of the setting ``partition_by``."""
        match = _DERIVED.fullmatch(text)
        if match is None:
            return cls(text, text)
        unit, column = match.groups()
        return cls(f"{column}_{unit}", column, unit)

    @property
    def value(self) -> pl.Expr:
        """Expression of the value as text."""
        column = pl.col(self.column)
        text = (
            column.cast(pl.String)
            if self.unit is None
            else column.dt.to_string(FORMATS[self.unit])
        )
        return text.alias(self.name)

    def problem(self, schema: pl.Schema) -> str | None:
        """Return why the column cannot be a partition, `None` if it can."""
        if self.column not in schema or self.column == SOURCE_KEY:
            names = ", ".join(name for name in schema if name != SOURCE_KEY)
            return f"no column {self.column}; there are {names}"
        dtype = schema[self.column]
        if self.unit is not None:
            if isinstance(dtype, pl.Date | pl.Datetime):
                return None
            return f"{self.unit}({self.column}) needs a day or timestamp, not {dtype}"
        if dtype.is_integer() or isinstance(dtype, _PLAIN):
            return None
        fix = (
            f"; use day({self.column})"
            if isinstance(dtype, pl.Datetime)
            else "; use another column"
        )
        return f"column {self.column} is {dtype}, which has no folder name{fix}"


class Partitions:
    """Folders of rows.

    Args:
        partition_by: The setting.
    """

    def __init__(self, partition_by: Sequence[str]) -> None:
        self.columns = [PartitionColumn.parse(text) for text in partition_by]

    def check(self, schema: pl.Schema, sink: str = "parquet-dataset") -> None:
        """Refuse columns that cannot be partitions.

        Args:
            schema: Columns of the rows.
            sink: Name of the sink, for the message.

        Raises:
            SettingsError: A column is missing, of another type, or named twice.
        """
        problems = [column.problem(schema) for column in self.columns]
        names = [column.name.casefold() for column in self.columns]
        problems += [
            f"{name} is named twice" for name in names if names.count(name) > 1
        ]
        if found := next(filter(None, problems), None):
            raise SettingsError(
                f"sink {sink}: partition_by: {found}", path=("partition_by",)
            )

    def added(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with their folder in the column `PARTITION`.

        Texts are encoded once for each combination of values.
        """
        if not self.columns:
            return frame.with_columns(pl.lit("").alias(PARTITION))
        values = frame.select(column.value for column in self.columns)
        names = [f"{PARTITION}_{number}" for number in range(values.width)]
        values.columns = names
        known = values.unique()
        folders = [
            "/".join(
                f"{key_values.encode(column.name)}={_encoded(value)}"
                for column, value in zip(self.columns, row, strict=True)
            )
            for row in known.iter_rows()
        ]
        found = values.join(
            known.with_columns(pl.Series(PARTITION, folders, pl.String)),
            on=names,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        return frame.with_columns(found[PARTITION])


def _encoded(value: str | None) -> str:
    """Return a value in a folder's name; an empty text is a null, as in Hive."""
    return key_values.encode(value) if value else key_values.HIVE_NULL
