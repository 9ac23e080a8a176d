"""Plan of a run of a table source: the rows to read, the splits, the next state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.source import PlanStats
from reporting_framework.plugin_api.table_columns import to_json, value_from_json
from reporting_framework.plugin_api.table_cursor import TextForm, cursor_of, is_before
from reporting_framework.plugin_api.table_cursor import to_json as position_json
from reporting_framework.plugin_api.table_query import TableInfo
from reporting_framework.plugin_api.table_state import TableRead, TableState

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import FinishedSplit
    from reporting_framework.plugin_api.table_cursor import Position
    from reporting_framework.plugin_api.table_edges import TableEdges
    from reporting_framework.plugin_api.table_settings import TableSettings


class TablePlan:
    """Plan of the rows that one run reads of a table.

    Args:
        info: The table.
        settings: Settings of the source.
        state: State that the run starts from.
        now: Time at which the run begins.
    """

    def __init__(
        self, info: TableInfo, settings: TableSettings, state: TableState, now: datetime
    ) -> None:
        self._info, self._settings, self._now = info, settings, now
        self.state = state
        self._cursor = cursor_of(info)
        self._read: TableRead | None = None
        self._edges: TableEdges | None = None
        self._planned: list[tuple[str, Any]] = []
        self._resumed = self._ended = self._ahead = self._reformed = False

    @classmethod
    def of(
        cls,
        info: TableInfo,
        settings: TableSettings,
        state: Mapping[str, Any] | None,
        now: datetime,
    ) -> TablePlan:
        """Return the plan of a run that starts from a state that was committed."""
        table = [info.name, *info.primary_key]
        return cls(info, settings, TableState.of(state, table), now)

    @property
    def label(self) -> str:
        """Label of the cursor (`Cursor.label`); empty if there is no cursor."""
        return self._cursor.label if self._cursor else ""

    def check_comparable(self, source: str) -> None:
        """Check that source keys and versions are comparable with those of the state.

        Raises:
            SettingsError: The state is of another primary key or cursor.
        """
        where, primary_key = f"source {source}: table {self._info.name}", ", ".join
        if list(self.state.table[1:]) != list(self._info.primary_key):
            raise SettingsError(
                f"{where}: the primary key was {primary_key(self.state.table[1:])}, and"
                f" now it is {primary_key(self._info.primary_key)}: source keys cannot"
                " be compared; go back to it, reset the report's state, or use another"
                " output"
            )
        if self.state.cursor not in ("", self.label):
            raise SettingsError(
                f"{where}: the cursor was {self.state.cursor}, and now it is"
                f" {self.label or 'none'}: versions cannot be compared; go back to it,"
                " or reset the report's state"
            )

    # -- what is read ------------------------------------------------------------------

    def begin(self, edges: TableEdges) -> None:
        """Choose the rows: the rest of a stopped read, rows that may be new, or all.

        The end of the read is chosen first, so that a read ends even if rows are being
        written, and later increments start from there. If the greatest cursor is before
        the floor, the table was replaced, and all rows are read.
        """
        self._edges = edges
        stopped = self.state.stopped()
        if stopped and (stopped.kind == "full" or not self._wants_full):
            self._read, self._resumed = stopped, True
            return
        began, cursor = self._now.isoformat(), self._cursor
        newest = cursor and edges.newest(cursor, self._cursor_order, self._now)
        position = newest and newest.position
        self._ahead = newest is not None and newest.ahead
        floor = self._floor()
        if (
            newest
            and cursor
            and floor is not None
            and not self._wants_full
            and not is_before(position, floor)
        ):
            least = cursor.value(floor, self._form)
            if isinstance(least, str) and isinstance(floor, datetime):
                order = self._cursor_order
                other = edges.overlooked(cursor, order, floor, least)
                self._reformed = other is not None
                least = least if other is None else other
            known = position_json(position)
            self._read = TableRead("window", began, known, newest.row, to_json(least))
        else:
            last = edges.last_key()
            self._read = TableRead("full", began, position_json(position), last)

    @property
    def _order(self) -> Sequence[str]:
        """Columns by which the rows of the read are ordered."""
        if self._read is not None and self._read.kind == "full":
            return self._info.primary_key
        return self._cursor_order

    @property
    def _cursor_order(self) -> list[str]:
        key = self._info.primary_key
        column = self._info.cursor
        return [
            *([column] if column else []),
            *(name for name in key if name != column),
        ]

    @property
    def _wants_full(self) -> bool:
        """True if a full scan was requested or is due."""
        settings = self._settings
        if settings.full_scan or self._cursor is None:
            return True
        due = self.state.full_scan_due(settings.full_scan_every_days)
        ahead = self.state.scanned > self._now.isoformat()
        return due is not None and (due <= self._now or ahead)

    @property
    def _form(self) -> TextForm | None:
        return self.state.form and TextForm(*self.state.form)

    def _floor(self) -> Position | None:
        """Return the position that an increment reads from, `None` if there is none."""
        cursor = self._cursor
        if cursor is None or self.state.position is None:
            return None
        back = cursor.look_back(self._settings.lookback)
        return cursor.before(cursor.from_json(self.state.position), back)

    # -- splits ------------------------------------------------------------------------

    def splits(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield id and data of each split.

        The end of a split is looked up when it is needed: the key of the row that is
        ``split_rows`` further on.
        """
        read, edges, order = self._read, self._edges, self._order
        if read is None or edges is None:
            return
        after = read.after
        self._ended = read.until is None
        while not self._ended:
            bounds = (after, read.until, read.floor)
            end = edges.further(order, bounds, self._settings.split_rows) or read.until
            self._ended = end == read.until
            split_id = f"{self._info.name}/{read.kind}/{len(self._planned):06}"
            self._planned.append((split_id, end))
            data = {"after": after, "until": end, "floor": read.floor}
            yield split_id, {"order": list(order), **data}
            after = end

    # -- what follows ------------------------------------------------------------------

    def stats(self, source: str) -> PlanStats:
        """Return the statistics of the plan."""
        read, settings = self._read, self._settings
        if read is None:
            return PlanStats()
        full = read.kind == "full"
        due = self.state.full_scan_due(settings.full_scan_every_days)
        return PlanStats(
            exhausted=self._ended,
            listing=read.kind,
            listed_from=None if full else self._moment(read.floor),
            full_scan_due=None if full else due,
            warnings=list(self._warnings(source)),
            snapshot=full and not self._resumed,
        )

    def _moment(self, floor: Any) -> datetime | None:
        """Return a value of the cursor as a time, `None` if it is an integer."""
        cursor = self._cursor
        if cursor is None:
            return None
        position = cursor.position(value_from_json(floor, cursor.dtype))
        return position if isinstance(position, datetime) else None

    def _warnings(self, source: str) -> Iterator[str]:
        where = f"source {source}: cursor {self._info.cursor}"
        if self._ahead:
            yield (
                f"{where}: the greatest value is in the future or not a time, so"
                " increments start from one before it; correct that row"
            )
        if self._reformed:
            yield (
                f"{where}: new texts have another form than the ones before, or are not"
                " times, so the increment starts before them; write all in one form"
            )
        if self.state.no_cursor and self._settings.full_scan_every_days is None:
            yield (
                f"{where}: {self.state.no_cursor} rows have none, and increments do not"
                " find them; set full_scan_every_days, or use a column that is not null"
            )

    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the state after these splits, `None` if they change nothing.

        Splits count from the first split on, up to the first that was not read.
        """
        read, state = self._read, self.state
        if read is None:
            return None
        by_id = {finished.split.id: finished for finished in done}
        form, through, whole = self._form, read.after, self._ended
        no_cursor = state.no_cursor if self._resumed or read.kind == "window" else 0
        for split_id, until in self._planned:
            finished = by_id.get(split_id)
            position = (finished and finished.position) or {}
            if texts := position.get("form"):
                form = TextForm(*texts).joined(form)
            if read.kind == "full":
                no_cursor += position.get("no_cursor", 0)
            if finished is None or not finished.whole:
                if last := position.get("last"):
                    through = [last[name] for name in self._order]
                whole = False
                break
            through = until
        known = state._replace(
            cursor=self.label, form=form and list(form), no_cursor=no_cursor
        )
        if whole:
            scanned = read.began if read.kind == "full" else state.scanned
            known = known._replace(position=read.cursor, scanned=scanned, read=None)
        elif through != read.after:
            known = known._replace(read=list(read._replace(after=through)))
        else:
            return None
        return known._asdict()

    def described(self) -> list[str]:
        """Describe the rows to read, in sentences for people."""
        stopped, floor = self.state.stopped(), self._floor()
        if stopped and (stopped.kind == "full" or not self._wants_full):
            what = "the whole table" if stopped.kind == "full" else "new rows"
            return [f"Goes on reading {what}, from where a run was stopped."]
        if self._cursor is None or floor is None or self._wants_full:
            return ["Reads the whole table."]
        value = self._cursor.value(floor, self._form)
        return [f"Reads rows whose {self._cursor.column} is {value} or later."]
