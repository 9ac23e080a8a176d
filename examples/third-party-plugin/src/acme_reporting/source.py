"""The source ``sqlite-table``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from acme_reporting.bookmark import Bookmark
from acme_reporting.settings import SqliteTableSettings
from acme_reporting.table import Table
from reporting_framework import (
    Batch,
    PlanStats,
    ReadFailure,
    Rejection,
    ReportingError,
    RunLedger,
    Source,
    Split,
)

PAGE_KEYS = 100_000
"""Keys that are listed, and asked of the ledger, at once."""

SPLIT_ROWS = 1_000
BATCH_BYTES = 16 * 1024 * 1024


class SqliteTable(Source):
    """Rows of a SQLite table as JSON objects.

    Each is known for good by its table and key: ``orders/17``.

    A row is new when its source key is not in the ledger. Keys are looked at from the
    one on up to which the last run had everything; all of them when there was no such
    run, when asked to, and every few days, for rows that were put in below. A rejected
    row is read again when its content has changed and its key is looked at.
    """

    name: ClassVar[str] = "sqlite-table"
    Settings: ClassVar[type[SqliteTableSettings]] = SqliteTableSettings
    natural_keys = True

    def __init__(self, settings: SqliteTableSettings) -> None:
        self.settings = settings
        self._table = Table(settings.path, settings.table, settings.busy_seconds)
        self._mark = Bookmark([settings.path, settings.table])
        self._full = True
        self._began = datetime.now(UTC)
        self._reached: int | None = None
        self._waiting = 0
        self._ended = False

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """See `Source.plan`."""
        settings = self.settings
        self._mark = Bookmark.of(ledger.bookmark, self._mark.table)
        covered = self._mark.covers(
            self._began, settings.full_scan_every_days, ledger.rows
        )
        self._full = settings.full_scan or not covered
        self._reached = None if self._full else self._mark.through
        return self._splits(ledger)

    def _splits(self, ledger: RunLedger) -> Iterator[Split]:
        while keys := self._table.keys(self._reached, PAGE_KEYS):
            self._reached = keys[-1]
            new = ledger.filter_new(
                [self._source_key(key) for key in keys], self._version
            )
            for start in range(0, len(new), SPLIT_ROWS):
                source_keys = new[start : start + SPLIT_ROWS]
                self._waiting = len(new) - start - len(source_keys)
                yield Split(source_keys[0], {"source_keys": source_keys})
        self._ended = True

    def read(self, split: Split) -> Iterator[Batch]:
        """See `Source.read`."""
        missing = dict.fromkeys(map(_key, split.data["source_keys"]))
        taken: list[tuple[str, str, bytes]] = []
        rejected: list[Rejection] = []
        reason, size = "missing", 0
        try:
            for key, version, payload in self._table.rows(list(missing)):
                del missing[key]
                source_key = self._source_key(key)
                if payload is None:
                    rejected.append(Rejection(source_key, version, "undecodable"))
                elif len(payload) > self.settings.max_record_bytes:
                    rejected.append(Rejection(source_key, version, "too_large"))
                else:
                    taken.append((source_key, version, payload))
                    size += len(payload)
                if size >= BATCH_BYTES:
                    yield _batch(taken, rejected)
                    taken, rejected, size = [], [], 0
        except ReportingError:
            reason = "unavailable"
        yield _batch(taken, rejected)._replace(
            unread=[ReadFailure(self._source_key(key), reason) for key in missing]
        )

    def plan_stats(self) -> PlanStats:
        """See `Source.plan_stats`."""
        return PlanStats(waiting=self._waiting, exhausted=self._ended)

    def bookmark(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """See `Source.bookmark`.

        A run that was stopped leaves the mark where it was, an unread row just below
        it.
        """
        if not complete:
            return self._mark._asdict()
        ends = [self._reached, *(_key(source_key) - 1 for source_key in unread)]
        through = min((key for key in ends if key is not None), default=None)
        listed = self._began.isoformat() if self._full else self._mark.listed
        return Bookmark(self._mark.table, through, rows, listed)._asdict()

    def _source_key(self, key: int) -> str:
        return f"{self.settings.table}/{key}"

    def _version(self, source_key: str) -> str | None:
        """What the row is now.

        None, so that it is read again, when that is not to be learnt.
        """
        try:
            return next(
                (row.version for row in self._table.rows([_key(source_key)])), None
            )
        except ReportingError:
            return None


def _key(source_key: str) -> int:
    return int(source_key.rpartition("/")[2])


def _batch(
    taken: Sequence[tuple[str, str, bytes]], rejected: Sequence[Rejection]
) -> Batch:
    return Batch(
        source_keys=[source_key for source_key, _, _ in taken],
        versions=[version for _, version, _ in taken],
        payloads=[payload for _, _, payload in taken],
        rejected=rejected,
    )
