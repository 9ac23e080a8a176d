"""Changes of a commit: its rows after it, and the source keys that are gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY

CHANGE, MOMENT = "_change_type", "_commit_timestamp"
"""Columns of a change feed."""

_HASH = "_reporting_hash"


class Changes(NamedTuple):
    """Changes of one commit.

    Attributes:
        rows: Rows that were inserted or changed, as they are after the commit.
        gone: Source keys of deleted rows.
        at: Time of the commit (aware, UTC), `None` without changes.
    """

    rows: pl.DataFrame
    gone: pl.DataFrame
    at: datetime | None

    @classmethod
    def of(cls, feed: pl.DataFrame, schema: pl.Schema) -> Changes:
        """Return the changes of a feed, whose rows have a source key.

        A program that writes a file again shows its rows as deleted and as inserted:
        those that are equal have not changed.

        Args:
            feed: Rows of the feed.
            schema: Columns whose values are compared, beside the time of deletion.
        """
        names = [name for name in (*schema, DELETED_AT) if name in feed.columns]
        hashed = feed.with_columns(feed.select(names).hash_rows().alias(_HASH))
        before = pl.col(CHANGE).is_in(["delete", "update_preimage"])
        old, new = hashed.filter(before), hashed.filter(~before)
        changed = new.join(old, on=[SOURCE_KEY, _HASH], how="anti")
        gone = old.select(SOURCE_KEY).unique().join(new, on=SOURCE_KEY, how="anti")
        moment = feed[MOMENT].max() if feed.height else None
        at = moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None
        rows = changed.unique(SOURCE_KEY, keep="last", maintain_order=True)
        return cls(rows.drop(_HASH), gone, at)
