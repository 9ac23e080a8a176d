"""Checks of keys: ``unique`` and ``foreign_key``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from typing_extensions import override

from reporting_framework.checks.base import Check, RunFacts, Verdict, failing_rows
from reporting_framework.checks.rows import Rows, key_parts, key_parts_of_both
from reporting_framework.checks.settings import ForeignKeySettings, UniqueSettings

_COUNT = "_reporting_count"


class Unique(Check):
    """Check that no two rows share a key.

    Rows with a null in the key are left out, as in SQL; NaN equals NaN.
    """

    kind, Settings = "unique", UniqueSettings

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        failing = keys = 0
        for part in key_parts(rows, self.columns):
            shared = (
                part.group_by(self.columns)
                .agg(pl.len().alias(_COUNT))
                .filter(pl.col(_COUNT) > 1)
                .select(pl.len().alias("keys"), pl.col(_COUNT).sum())
            )
            counted = shared.collect(engine="streaming").row(0, named=True)
            keys += counted["keys"]
            failing += counted[_COUNT]
        verdict = failing_rows("rows that share a key", failing, rows.height)
        return verdict._replace(measured={**verdict.measured, "keys": keys})


class ForeignKey(Check):
    """Check that each key exists in the table of another report.

    Rows with a null in the key pass, as in SQL.

    Attributes:
        reference: Table of the other report, set before the check is judged; `None`
            if there is no table yet.
    """

    kind, Settings = "foreign_key", ForeignKeySettings
    reference: pl.LazyFrame | None = None

    @property
    def to(self) -> Sequence[str]:
        """Columns of the other table."""
        named: Sequence[str] | None = self.settings.to
        return named or self.columns

    def bind_reference(self, schema: pl.Schema, other: pl.Schema | None) -> None:
        """Check that the columns of both tables can be compared.

        Args:
            schema: Columns of the report.
            other: Columns of the other table; `None`: not known yet.

        Raises:
            SettingsError: They cannot.
        """
        self._types = {
            column: pl.Int128() if schema[column].is_integer() else schema[column]
            for column in self.columns
        }
        if other is None:
            return
        for column, to in zip(self.columns, self.to, strict=True):
            if to not in other:
                raise self.refuse(
                    f"report {self.settings.report} has no column {to}; there are"
                    f" {', '.join(other)}"
                )
            one, two = schema[column], other[to]
            alike = one == two or (one.is_integer() and two.is_integer())
            if not alike or one.is_float():
                raise self.refuse(
                    f"column {column} is {one}, and {to} of report"
                    f" {self.settings.report} is {two}; keys need the same type, other"
                    " than a float"
                )

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        keys = {to: column for column, to in zip(self.columns, self.to, strict=True)}
        other = pl.LazyFrame(schema=self._types)
        if self.reference is not None:
            other = self.reference.select(
                pl.col(to).alias(column).cast(self._types[column])
                for to, column in keys.items()
            )
        own = [pl.col(column).cast(dtype) for column, dtype in self._types.items()]
        failing = 0
        for part, known in key_parts_of_both(rows, own, other):
            missing = part.join(known, on=list(self._types), how="anti")
            failing += missing.select(pl.len()).collect(engine="streaming").item()
        which = f"rows whose key is not in report {self.settings.report}"
        return failing_rows(which, failing, rows.height)
