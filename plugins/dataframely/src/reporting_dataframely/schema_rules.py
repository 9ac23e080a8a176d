"""Rules of a dataframely schema as expressions, with the names for rejections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import NamedTuple

import dataframely as dy
import polars as pl

from reporting_framework._text.messages import cause
from reporting_framework.errors import SettingsError

_PROBE = "_reporting_rule "


class SchemaRule(NamedTuple):
    """Rule of a schema.

    Attributes:
        name: Name of the rule within its column, or within the schema.
        column: The column that it is for, or `None`.
        valid: Expression: whether a row keeps the rule; null: it does.
    """

    name: str
    column: str | None
    valid: pl.Expr

    @property
    def label(self) -> str:
        """Name of the rule, as dataframely writes it."""
        return self.name if self.column is None else f"{self.column}|{self.name}"


def rules_of(schema: type[dy.Schema]) -> list[SchemaRule]:
    """Return the rules of a schema: of columns in their order, keys, further rules."""
    columns = sorted(schema.column_names(), key=len, reverse=True)
    rules = [
        _rule(name, rule.expr, columns)
        for name, rule in schema._validation_rules(with_cast=False).items()
    ]
    order = {name: number for number, name in enumerate(schema.column_names())}

    def position(rule: SchemaRule) -> tuple[int, bool]:
        of_column = len(order) if rule.column is None else order[rule.column]
        return of_column, rule.name != "primary_key"

    return sorted(rules, key=position)


def cross_row_rules(
    rules: list[SchemaRule], types: Mapping[str, pl.DataType], label: str
) -> Iterator[SchemaRule]:
    """Yield the rules for which the verdict on a row depends on other rows.

    Args:
        rules: Rules of a schema.
        types: Types of the columns.
        label: The schema, for messages.

    Raises:
        SettingsError: A rule cannot be evaluated on these columns.
    """
    with suppress(Exception):  # found below, with the rule that raises it
        if _tells_rows_apart() and _is_row_wise([rule.valid for rule in rules], types):
            return
    for rule in rules:
        try:
            row_wise = _is_row_wise([rule.valid], types)
        except Exception as error:  # of a type that polars has chosen
            raise SettingsError(
                f"validator dataframely: rule {rule.label} of schema {label} cannot be"
                f" evaluated on its columns: {cause(error)}; correct the rule",
                path=("schema",),
            ) from error
        if not row_wise or not _tells_rows_apart():
            yield rule


def _rule(name: str, valid: pl.Expr, columns: list[str]) -> SchemaRule:
    """Return a rule, whose name begins with its column if it has one.

    Args:
        name: Name in the schema.
        valid: Its expression.
        columns: Names of the columns, the longest first.
    """
    for column in columns:
        if name.startswith(f"{column}|"):
            return SchemaRule(name.removeprefix(f"{column}|"), column, valid)
    return SchemaRule(name, None, valid)


def _is_row_wise(rules: list[pl.Expr], types: Mapping[str, pl.DataType]) -> bool:
    """Return whether expressions give a row the same values whatever rows there are.

    polars takes the first rows before it evaluates such expressions, and after it
    evaluates any other. Its own `is_row_separable` is true for windows, too.
    """
    rows = pl.LazyFrame(schema=types).with_columns(
        valid.alias(f"{_PROBE}{number}") for number, valid in enumerate(rules)
    )
    plan = rows.slice(0, 1).explain()
    return not plan.lstrip().startswith("SLICE")


@cache
def _tells_rows_apart() -> bool:
    """Return whether plans of this version of polars are as `_is_row_wise` reads them.

    If not, each rule counts as one that compares rows.
    """
    number, types = pl.col("a"), {"a": pl.Int64(), "b": pl.Int64()}
    single = [number > 0, number.is_in([1]), number < pl.col("b")]
    across = [
        number.is_unique(),
        pl.struct("a", "b").is_unique(),
        number.sum().over("b") > 1,
        number == number.max(),
        number.shift() < number,
        pl.len() > 1,
    ]
    return _is_row_wise(single, types) and not any(
        _is_row_wise([*single, valid], types) for valid in across
    )
