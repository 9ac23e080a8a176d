"""Model of a table, and changes to it; a part of the suites of sinks.

The model is a dict. It holds the rows that a sink's table must have after any runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    UpsertCounts,
)

Edition = Callable[[int, int], pl.DataFrame]
MOMENT = pl.Datetime("us", "UTC")


class Change(NamedTuple):
    """A record as a source delivers it.

    Attributes:
        number: Number of the record.
        version: Its version.
        edition: Number of its values among the record's possible values.
        deleted: Time of its deletion at the source, `None` if it exists.
    """

    number: int
    version: str | None = "1"
    edition: int = 0
    deleted: datetime | None = None


class Due(NamedTuple):
    """A row as it must be in the table.

    Attributes:
        version: Its version.
        edition: Number of its values, `None` if they do not matter.
        deleted: Time of its deletion, `None` if it exists.
    """

    version: str | None
    edition: int | None
    deleted: datetime | None


class TableModel:
    """Model of an upserted table.

    Attributes:
        rows: Its rows by their number.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Due] = {}

    def upsert(
        self,
        parts: Iterable[Sequence[Change]],
        *,
        snapshot_at: datetime | None = None,
        not_staged: Sequence[int] = (),
    ) -> tuple[UpsertCounts, int]:
        """Upsert parts in their order; return the counts and the duplicates.

        Args:
            parts: Changes by staged part.
            snapshot_at: Begin of the run, if it has read everything in the source.
            not_staged: Records that were read and not staged.
        """
        changes = [change for part in parts for change in part]
        latest: dict[int, Change] = {}
        for change in changes:
            known = latest.get(change.number)
            if known is None or _rank(change) >= _rank(known):
                latest[change.number] = change
        counts = dict.fromkeys(UpsertCounts._fields, 0)
        if snapshot_at is not None:
            for number in self.rows.keys() - latest.keys() - set(not_staged):
                if self.rows[number].deleted is None:
                    self.rows[number] = self.rows[number]._replace(deleted=snapshot_at)
                    counts["deleted"] += 1
        for change in latest.values():
            if kind := self._apply(change):
                counts[kind] += 1
        rows = sum(change.deleted is None for change in changes)
        result = UpsertCounts(**counts)
        return result, rows - result.inserted - result.updated - result.unchanged

    def _apply(self, change: Change) -> str:
        """Apply a change, and return its count's name; "" if it does not count."""
        known = self.rows.get(change.number)
        if known is not None and _age(change.version) < _age(known.version):
            return ""
        if known is not None and _outlived(change, known):
            return ""
        live = known is not None and known.deleted is None
        new = Due(change.version, change.edition, change.deleted)
        if change.deleted is not None:
            self.rows[change.number] = new._replace(edition=None)
            return "deleted" if live else ""
        self.rows[change.number] = new
        if not live:
            return "inserted"
        return "unchanged" if known == new else "updated"


class Frames:
    """Frames of changes, as they are staged.

    Args:
        edition: Function that returns one row of a record with one of its editions.
    """

    def __init__(self, edition: Edition) -> None:
        self._made = cache(edition)

    def _edition(self, number: int, edition: int) -> pl.DataFrame:
        """Return an edition of a record, which is made once: making it takes long."""
        return self._made(number, edition).clone()

    def schema(self) -> pl.Schema:
        """Return the columns of the report."""
        return self._edition(0, 0).schema

    def of(self, changes: Sequence[Change], *, versions: bool = True) -> pl.DataFrame:
        """Return the frame of changes, without their versions for ``append``."""
        return pl.concat(self._row(change, versions=versions) for change in changes)

    def key(self, number: int) -> str:
        """Return the source key of a record."""
        key: str = self._edition(number, 0)[SOURCE_KEY].item()
        return key

    def _row(self, change: Change, *, versions: bool) -> pl.DataFrame:
        row = self._edition(change.number, change.edition)
        if not versions:
            return row
        if change.deleted is not None:
            gone = row.clear(1).drop(SOURCE_KEY)
            row = gone.with_columns(row[SOURCE_KEY])
        return row.with_columns(
            pl.lit(change.version, pl.String).alias(VERSION),
            pl.lit(change.deleted).cast(MOMENT).alias(DELETED_AT),
        )

    def differences(self, model: TableModel, seen: pl.DataFrame) -> list[str]:
        """Describe the differences between a table and the model."""
        due = {self.key(number): (number, row) for number, row in model.rows.items()}
        rows: dict[str, dict[str, Any]] = {}
        problems = []
        for row in seen.to_dicts():
            if row[SOURCE_KEY] in rows:
                problems.append(f"{row[SOURCE_KEY]} exists twice")
            rows[row[SOURCE_KEY]] = row
        problems += [f"{key} is missing" for key in due.keys() - rows.keys()]
        problems += [f"{key} should not exist" for key in rows.keys() - due.keys()]
        for key in sorted(due.keys() & rows.keys()):
            problems += [
                f"{key} {wrong}" for wrong in self._wrong(*due[key], rows[key])
            ]
        return problems

    def _wrong(self, number: int, due: Due, row: dict[str, Any]) -> list[str]:
        """Describe the differences of a row."""
        if row[VERSION] != due.version:
            return ["has another version"]
        if row[DELETED_AT] != due.deleted:
            return ["is deleted at another time" if due.deleted else "is deleted"]
        if due.edition is None:
            return []
        values = self._edition(number, due.edition).row(0, named=True)
        return [
            f"has another value in column {name}"
            for name, value in values.items()
            if name in row and repr(row[name]) != repr(value)
        ]


def _age(version: str | None) -> tuple[bool, bytes]:
    return version is not None, (version or "").encode()


def _rank(change: Change) -> tuple[bool, bytes, bool]:
    wins = change.deleted is not None and change.version is not None
    return *_age(change.version), wins


def _outlived(change: Change, known: Due) -> bool:
    """Return whether a row is of the version in which the source has deleted it.

    A delete that a snapshot has implied has kept the values of its row.
    """
    gone = known.deleted is not None and known.edition is None
    same = change.version is not None and change.version == known.version
    return gone and same and change.deleted is None
