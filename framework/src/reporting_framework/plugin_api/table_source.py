"""Base class of sources that read a table of a database."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from reporting_framework.errors import (
    PluginError,
    ReportingError,
    TransientError,
)
from reporting_framework.plugin_api.base import optional
from reporting_framework.plugin_api.driver_errors import standard_problem, translated
from reporting_framework.plugin_api.ledger import RunLedger
from reporting_framework.plugin_api.records import (
    Batch,
    FinishedSplit,
    ReadFailure,
    Split,
)
from reporting_framework.plugin_api.source import PlanStats, Source
from reporting_framework.plugin_api.table_batches import batch_of
from reporting_framework.plugin_api.table_columns import (
    check_info,
    checked,
    key_of,
    row_from_json,
    source_keys,
    to_json,
    value_from_json,
)
from reporting_framework.plugin_api.table_edges import TableEdges
from reporting_framework.plugin_api.table_plan import TablePlan
from reporting_framework.plugin_api.table_query import TableInfo, TableQuery
from reporting_framework.plugin_api.table_window import TableWindow

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.base import Shape
    from reporting_framework.plugin_api.source import DatedObject

REPLAY_KEYS = 200
"""Rows that are read again by one query."""

_log = logging.getLogger(__name__)


class TableSource(Source):
    """Base class of sources of table rows: implement `table_info` and `fetch`.

    Its settings are a subclass of `TableSettings`. The source key of a row is
    ``table/primary-key``. Its version is its cursor; without a cursor, rows have no
    version, and the row that was read last wins.

    The first run reads the whole table, in splits by primary key. Later runs read an
    increment: rows whose cursor is at most the look-back behind the last greatest
    cursor, up to the greatest cursor when the run begins. If the deadline stops a run,
    the next run continues from there. A full scan finds rows that an increment cannot
    find: deleted rows, rows committed later than the look-back allows, new rows whose
    cursor is null. A row whose cursor becomes null keeps its last version.
    """

    output_format: ClassVar[Shape] = "frames"
    natural_keys = True
    versions_ordered = True

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._plan: TablePlan | None = None
        self._replay_ended = False

    @abstractmethod
    def table_info(self) -> TableInfo:
        """Return name, key, cursor and columns of the table; called once.

        Raises:
            AccessDenied: The lookup was refused.
            SettingsError: There is no such table.
            StorageUnavailable: The lookup failed after retries.
        """

    @abstractmethod
    def fetch(self, query: TableQuery) -> pl.DataFrame:
        """Return the rows of a query; `TableQuery.select` returns the query as SQL.

        Called from several threads at once. A page may have fewer rows than the limit.
        Reading ends with an empty frame, or with the row `TableQuery.until`.

        Raises:
            AccessDenied: Reading was refused.
            StorageUnavailable: Reading failed after retries.
        """

    @optional
    def open_snapshot(self) -> Any:
        """Return a token (JSON types) for a snapshot of the table, `None` for none.

        All queries of the run have the token, on every machine, and should read that
        state of the table. `close` must release the snapshot.
        """
        return None

    @optional
    def problem(self, error: Exception) -> ReportingError:
        """Return the error for an exception of the driver, without values of records.

        Called for the exceptions that PEP 249 names, raised by the methods above.
        """
        return standard_problem(f"source {self.name}", error)

    @property
    def parallelism(self) -> int:
        """Setting ``parallelism``."""
        return int(self.settings.parallelism)

    @property
    def primary_key(self) -> Sequence[str]:
        """Primary key of the table."""
        return self.info.primary_key

    def schema(self) -> pl.Schema:
        """Return the columns of the table."""
        return self.info.schema

    @cached_property
    def info(self) -> TableInfo:
        """Table that `table_info` returned, checked."""
        with translated(self.problem):
            info = self.table_info()
        check_info(info, self.name)
        return info

    # -- planning ----------------------------------------------------------------------

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return splits of the whole table or of an increment, see `TableSource`.

        Raises:
            SettingsError: The state is of another primary key or cursor, whose source
                keys or versions cannot be compared.
        """
        self._plan = plan = TablePlan.of(
            self.info, self.settings, ledger.state, datetime.now(UTC)
        )
        plan.check_comparable(self.name)
        return self._splits(plan)

    def _splits(self, plan: TablePlan) -> Iterator[Split]:
        with translated(self.problem):
            snapshot = self.open_snapshot()
        plan.begin(
            TableEdges(
                self.info, lambda query: self._fetch(query._replace(snapshot=snapshot))
            )
        )
        for split_id, data in plan.splits():
            yield Split(split_id, {**data, "snapshot": snapshot})

    def plan_stats(self) -> PlanStats:
        """Return the statistics of the plan: the whole table, a window or a replay."""
        if self._plan is None:
            return PlanStats(exhausted=self._replay_ended)
        return self._plan.stats(self.name)

    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the state of the next run: after a complete read, or within a read."""
        return None if self._plan is None else self._plan.next_state(done)

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Describe whether the next run reads the whole table."""
        now = datetime.now(UTC)
        plan = TablePlan.of(self.info, self.settings, ledger.state, now)
        plan.check_comparable(self.name)
        return plan.described()

    def plan_replay(self, objects: Sequence[str]) -> Iterator[Split]:
        """Return splits of these rows."""
        for start in range(0, len(objects), REPLAY_KEYS):
            keys = list(objects[start : start + REPLAY_KEYS])
            self._replay_ended = start + REPLAY_KEYS >= len(objects)
            yield Split(f"{self.info.name}/replay/{start}", {"source_keys": keys})

    def list_window(self, first: date, last: date) -> Iterator[Sequence[DatedObject]]:
        """Yield the rows whose cursor is a time of these days, in UTC, in pages.

        The listing reads keys and cursors of one snapshot. Rows without a time in the
        cursor are left out, as no query by the cursor finds them.

        Raises:
            NotSupported: The table has no cursor, or one of integers.
        """
        window = TableWindow.of(self.name, self.info, first, last)
        with translated(self.problem):
            snapshot = self.open_snapshot()
        query = window.query(self.settings.page_rows, snapshot)
        while (frame := self._fetch(query)).height:
            yield window.dated(frame)
            end = frame.select(query.order).row(-1)
            if end == query.after:
                raise PluginError(self._same_page)
            query = query._replace(after=end)
        yield ()

    # -- reading -----------------------------------------------------------------------

    def read(self, split: Split) -> Iterator[Batch]:
        """Return a batch for each page; a page that cannot be read ends the split."""
        position: dict[str, Any] = {}
        named = split.data.get("source_keys", [split.id])
        pages = self._rows(named) if "source_keys" in split.data else self._pages(split)
        while True:
            try:
                page = next(pages, None)
            except TransientError as error:
                _log.warning("%s: page not read: %s", split.id, error)
                yield Batch(unread=[ReadFailure(name, "unavailable") for name in named])
                return
            if page is None:
                return
            frame, missing = page
            yield batch_of(self.info, frame, position)._replace(
                unread=[ReadFailure(name, "missing") for name in missing]
            )

    def _pages(self, split: Split) -> Iterator[tuple[pl.DataFrame, Sequence[str]]]:
        info, data = self.info, split.data
        order = data["order"]
        after, first = data["after"], None
        while True:
            frame = self._fetch(
                TableQuery(
                    info.schema.names(),
                    order,
                    self.settings.page_rows,
                    after=row_from_json(after, order, info.schema),
                    until=row_from_json(data["until"], order, info.schema),
                    floor=value_from_json(data["floor"], info.schema[order[0]]),
                    snapshot=data["snapshot"],
                )
            )
            if not frame.height:
                return
            keys = frame.select(order)
            if first == keys.row(0):
                raise PluginError(self._same_page)
            first, after = keys.row(0), [to_json(value) for value in keys.row(-1)]
            yield frame, ()
            if after == data["until"]:
                return

    def _rows(
        self, names: Sequence[str]
    ) -> Iterator[tuple[pl.DataFrame, Sequence[str]]]:
        """Yield the rows of these source keys, and the keys without a row."""
        info = self.info
        keys = [key for name in names if (key := key_of(info, name)) is not None]
        frame = info.schema.to_frame()
        if keys:
            columns, order = info.schema.names(), info.primary_key
            frame = self._fetch(TableQuery(columns, order, len(keys), keys=keys))
        returned = set(source_keys(info, frame))
        yield frame, [name for name in names if name not in returned]

    @property
    def _same_page(self) -> str:
        return (
            f"source {self.name}: fetch returned the same page twice; apply"
            " TableQuery.after"
        )

    def _fetch(self, query: TableQuery) -> pl.DataFrame:
        what = f"source {self.name}: table {self.info.name}: fetch"
        with translated(self.problem):
            frame = self.fetch(query)
        return checked(frame, query, self.info.schema, what)
