"""Rows of a frame that break a rule: found on columns, rejected one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework.plugin_api.records import Batch, Rejection

_BROKEN = "_reporting_broken "


class Fault(NamedTuple):
    """Rule that rows may break.

    Attributes:
        broken: Expression: whether a row breaks the rule; null: it does not.
        error_type: Error type of these rows' rejections.
        field: The column, or `None` for the row as a whole.
    """

    broken: pl.Expr
    error_type: str
    field: str | None


def first_faults(frame: pl.DataFrame, faults: Sequence[Fault]) -> pl.Series:
    """Return the number of the first rule that each row breaks, null if it breaks none.

    Args:
        frame: Rows.
        faults: Rules for them, in order.

    Raises:
        Exception: An expression cannot be evaluated.
    """
    names = [f"{_BROKEN}{number}" for number in range(len(faults))]
    broken = frame.with_columns(
        fault.broken.alias(name) for fault, name in zip(faults, names, strict=True)
    ).select(names)
    some = [number for number, name in enumerate(names) if broken[name].any()]
    if not some:
        return pl.repeat(None, frame.height, dtype=pl.Int32, eager=True)
    return broken.select(
        pl.coalesce(
            pl.when(pl.col(names[number])).then(pl.lit(number, pl.Int32))
            for number in some
        )
    ).to_series()


def rejections_of(
    first: pl.Series, batch: Batch, faults: Sequence[Fault]
) -> list[Rejection]:
    """Return a rejection for each row that breaks a rule.

    Args:
        first: Number of the first rule that each row of the batch breaks.
        batch: The batch, for source keys and versions.
        faults: The rules.
    """
    return [
        Rejection(
            batch.source_keys[row],
            batch.versions[row],
            faults[number].error_type,
            faults[number].field,
        )
        for row, number in zip(
            first.is_not_null().arg_true(), first.drop_nulls(), strict=True
        )
    ]
