"""Rows of a frame that break a rule: found on columns, rejected one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework.plugin_api.records import Batch, Rejection


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


def split_frame(
    frame: pl.DataFrame, batch: Batch, faults: Sequence[Fault]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Return the rows that break no rule, and a rejection for each other row.

    A rejection names the first rule that the row breaks.

    Args:
        frame: Rows of the batch.
        batch: The batch, for source keys and versions.
        faults: The rules in their order.
    """
    broken = frame.select(
        fault.broken.alias(str(number)) for number, fault in enumerate(faults)
    )
    some = [column.name for column in broken if column.any()]
    if not some:
        return frame, []
    first = broken.select(
        pl.coalesce(
            pl.when(pl.col(name)).then(pl.lit(int(name), pl.Int32)) for name in some
        )
    ).to_series()
    rejections = [
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
    return frame.filter(first.is_null()), rejections
