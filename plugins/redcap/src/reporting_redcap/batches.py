"""Batches: typed rows with source keys and versions, and rows of wrong types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import repeat

import polars as pl

from reporting_framework import Batch, ReadFailure, Rejection
from reporting_redcap.keys import source_keys
from reporting_redcap.layout import Layout
from reporting_redcap.settings import READ_AT
from reporting_redcap.times import version_of

WRONG_TYPE = "wrong_type"
"""Error type of a row with a value that is not of the type in the dictionary."""


def batch_of(
    texts: pl.DataFrame, layout: Layout, at: datetime, *, read_at: bool
) -> Batch:
    """Return rows as a batch; those with a value of a wrong type are rejected.

    Args:
        texts: The rows, as texts; at least one.
        layout: Columns of the batch.
        at: Time of the server at which the run began (aware); it is their version.
        read_at: Whether it is a column, too.

    Raises:
        StorageUnavailable: The dictionary was changed while records were read.
    """
    frame, faulty = layout.typed(texts)
    keys, version = source_keys(frame, layout.key), version_of(at)
    if read_at:
        column = pl.lit(at, pl.Datetime("us", "UTC")).alias(READ_AT)
        frame = frame.with_columns(column)
    rejected: list[Rejection] = []
    if faulty.null_count() < len(faulty):
        right = faulty.is_null()
        places = (keys.filter(~right), repeat(version), repeat(WRONG_TYPE))
        rejected = list(map(Rejection, *places, faulty.filter(~right)))
        keys, frame = keys.filter(right), frame.filter(right)
    versions = pl.Series([version]).new_from_index(0, frame.height)
    return Batch(keys, versions, frame=frame, rejected=rejected)


def only(batch: Batch, wanted: Sequence[str]) -> Batch:
    """Return the rows of a batch with these source keys; others are missing."""
    if batch.frame is None or batch.frame.is_empty():
        keys, versions = pl.Series([], dtype=pl.String()), batch.versions
        frame = batch.frame
    else:
        keys = pl.Series(batch.source_keys)
        kept = keys.is_in(list(wanted))
        keys, versions = keys.filter(kept), pl.Series(batch.versions).filter(kept)
        frame = batch.frame.filter(kept)
    names = set(wanted)
    rejected = [each for each in batch.rejected if each.source_key in names]
    known = {*keys, *(each.source_key for each in rejected)}
    missing = [ReadFailure(key, "missing") for key in wanted if key not in known]
    return Batch(keys, versions, frame=frame, rejected=rejected, unread=missing)
