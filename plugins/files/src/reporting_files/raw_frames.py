"""Records as files hold them, before they get their declared types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_framework import SOURCE_KEY

HIDDEN = "\0"
"""Beginning of the names of columns that no record has."""


def is_column(name: str) -> bool:
    """Return whether a column of a `RawFrame` is one of the records.

    The column of source keys, which another report may have written, is not.
    """
    return not name.startswith(HIDDEN) and name != SOURCE_KEY


def typed_name(name: str) -> str:
    """Return the name of the column with the values of a column that are no texts.

    A file may have it if a column of texts has dates or times, too.
    """
    return f"{HIDDEN}{name}"


class RawFrame(NamedTuple):
    """Records of one file, or of several files with the same columns.

    Attributes:
        frame: The records, with the columns of the files; columns whose names begin
            with `HIDDEN` are left out.
        counts: Number of records of each file, in order.
        faults: Error type of each record that cannot be read, null for others; `None`:
            all can be read.
        blank: Rows without any value, which are no records but have their numbers;
            `None`: there are none.
    """

    frame: pl.DataFrame
    counts: Sequence[int]
    faults: pl.Series | None = None
    blank: pl.Series | None = None
