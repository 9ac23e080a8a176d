"""Tables of rows as checkpoints have them, for the tests of merging and committing."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

WIDE = pl.Schema(
    {
        "study": pl.String(),
        "note": pl.String(),
        "number": pl.Int64(),
        "small": pl.Int32(),
        "share": pl.Float64(),
        "good": pl.Boolean(),
        "day": pl.Date(),
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String(),
    }
)
"""A column of every type that validators make, nullable ones among them."""

START = datetime(2024, 1, 1, tzinfo=UTC)

moments = st.integers(0, 6).map(lambda number: START + timedelta(microseconds=number))
source_keys = st.text("ab#1é/\n", min_size=1, max_size=4)
row = st.tuples(
    st.sampled_from(["a", "b", "c", "", "é/..", "_x"]),
    st.none() | st.text(max_size=4),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(allow_nan=False),
    st.booleans(),
    st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    moments,
    source_keys,
)
rows = st.lists(row, max_size=30, unique_by=lambda each: each[-1])
"""Rows of `WIDE` whose source keys differ."""


def table(found: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """These rows as a frame, in their order."""
    return pl.DataFrame(list(found), schema=WIDE, orient="row")


def in_order(found: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """These rows in the order of a checkpoint."""
    return sorted(found, key=lambda each: (each[-2], each[-1]))


def divided(draw: Any, found: Sequence[Any]) -> list[list[Any]]:
    """These rows in parts of any size, in their order; `draw` is `st.data()`'s."""
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(found)), max_size=5)))
    return [
        list(found[begin:end])
        for begin, end in zip([0, *cuts], [*cuts, len(found)], strict=True)
    ]


def shared(draw: Any, found: Sequence[Any], count: int) -> list[list[Any]]:
    """These rows dealt to `count` hands at random."""
    hands: list[list[Any]] = [[] for _ in range(count)]
    for each in found:
        hands[draw.draw(st.integers(0, count - 1))].append(each)
    return hands
