"""Columns that all records of a file share: source keys, version, path parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl


class FileFacts(NamedTuple):
    """Facts of a file that each of its rows has.

    Attributes:
        key: Path of the file.
        version: Version of its rows.
        parts: Values of the columns of its path.
    """

    key: str
    version: str
    parts: Sequence[str | None]


def columns_of_files(
    files: Sequence[FileFacts], counts: Sequence[int], names: Sequence[str], start: int
) -> tuple[pl.Series, pl.Series, pl.DataFrame]:
    """Return source keys, versions and path columns (texts) of the records of files.

    Args:
        files: Facts of the files.
        counts: Number of records of each file, in order.
        names: Names of the path columns.
        start: Number of records of the (only) file that came before.
    """
    if len(files) == 1:
        return _of_one(files[0], counts[0], names, start)
    number = pl.Series(counts, dtype=pl.Int64)
    facts = pl.DataFrame(
        {
            "prefix": [f"{file.key}#" for file in files],
            "version": [file.version for file in files],
            "before": number.cum_sum() - number,
        }
    )
    texts = pl.DataFrame(
        [file.parts for file in files],
        dict.fromkeys(names, pl.String()),
        orient="row",
    )
    at = pl.select(
        pl.int_range(len(files)).repeat_by(number).explode(empty_as_null=False)
    ).to_series()
    rows = facts[at]
    numbers = pl.int_range(pl.len()) - pl.col("before") + 1
    keys = rows.select(pl.concat_str("prefix", numbers.cast(pl.String))).to_series()
    return keys, rows["version"], texts[at] if names else texts


def _of_one(
    file: FileFacts, count: int, names: Sequence[str], start: int
) -> tuple[pl.Series, pl.Series, pl.DataFrame]:
    numbers = pl.int_range(start + 1, start + count + 1).cast(pl.String)
    keys = pl.select(pl.concat_str(pl.lit(f"{file.key}#"), numbers)).to_series()
    texts = pl.DataFrame(
        [
            pl.repeat(value, count, dtype=pl.String, eager=True).alias(name)
            for name, value in zip(names, file.parts, strict=True)
        ]
    )
    version = pl.repeat(file.version, count, dtype=pl.String, eager=True)
    return keys, version, texts
