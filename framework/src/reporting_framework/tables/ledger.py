"""Ledger of a table: its column of source keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.plugin_api.records import SOURCE_KEY, object_of
from reporting_framework.tables.session import Session, session

if TYPE_CHECKING:
    from reporting_framework.tables.table_sink import TableSink

ASKED = "_reporting_asked"


class TableLedger:
    """Ledger that queries the table, in its state at each call; see `Ledger`.

    Args:
        sink: Sink of the table.
        rows: Number of rows of the table.
        newest: Newest timestamp in the table.
        exists: Whether there is a table.
    """

    def __init__(
        self, sink: TableSink, rows: int, newest: datetime | None, *, exists: bool
    ) -> None:
        self._sink, self._exists = sink, exists
        self.rows, self.newest = rows, newest

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `DatedLedger.newest_until`."""
        if not self._exists:
            return None
        with session(self._sink) as database:
            return self._sink.newest_of(database, moment)

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.filter_new`."""
        if not self._exists or not objects:
            return list(objects)
        with session(self._sink) as database, database.transaction():
            known = self._known(database, objects)
        return [name for name in objects if name not in known]

    def _known(self, database: Session, objects: Sequence[str]) -> set[str]:
        """Return the objects that have a row.

        The source keys of an object are its own key, or its key with ``#`` and a
        number. All columns are qualified, as the report may have columns of these
        names.
        """
        sink, key = self._sink, self._sink.quote(SOURCE_KEY)
        table, text = sink.quote_table(sink.settings.table), sink.key_type
        database.run(
            f"CREATE TEMPORARY TABLE {ASKED} (name {text}, line {text}, beyond {text})"
        )
        names = pl.Series("name", objects, dtype=pl.String).unique()
        asked = names.to_frame().with_columns(
            line=pl.col("name") + "#0", beyond=pl.col("name") + "#:"
        )
        sink.load(database.cursor, ASKED, asked)
        whole = database.rows(
            f"SELECT a.name FROM {ASKED} AS a WHERE EXISTS"
            f" (SELECT 1 FROM {table} AS t WHERE t.{key} = a.name)"
        )
        lines = database.rows(
            f"SELECT a.name, (SELECT MIN(t.{key}) FROM {table} AS t"
            f" WHERE t.{key} >= a.line AND t.{key} < a.beyond) FROM {ASKED} AS a"
        )
        known = {name for (name,) in whole if object_of(name) == name}
        for name, first in lines:
            if first is None or name in known:
                continue
            if object_of(first) == name or self._has_line(database, name):
                known.add(name)
        return known

    def _has_line(self, database: Session, name: str) -> bool:
        """Return whether an object has a row, among keys that begin with its key."""
        key, table = self._sink.quote(SOURCE_KEY), self._sink.settings.table
        keys = database.rows(
            f"SELECT t.{key} FROM {self._sink.quote_table(table)} AS t"
            f" WHERE t.{key} >= ? AND t.{key} < ?",
            f"{name}#0",
            f"{name}#:",
        )
        return any(object_of(key) == name for (key,) in keys)
