"""Source keys of rows: record id, event, repeating instrument and its number."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

import polars as pl


def source_keys(frame: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Return the source key of each row: ``ID``, or ``ID/event/instrument/number``.

    In the record id, ``%`` and ``/`` are percent-encoded; other parts have none.
    """
    record = pl.col(key[0]).str.replace_all("%", "%25", literal=True)
    record = record.str.replace_all("/", "%2F", literal=True)
    rest = [pl.col(name).cast(pl.String()) for name in key[1:]]
    return frame.select(pl.concat_str([record, *rest], separator="/")).to_series()


def record_of(source_key: str) -> str:
    """Return the record id of a source key."""
    return unquote(source_key.partition("/")[0])
