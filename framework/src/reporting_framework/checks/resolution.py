"""Rows of a run and of the table after its commit, before anything is committed.

The rules of the write modes are those of `Sink.commit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework.checks.keyed_resolution import ROW, newest_of, upserted
from reporting_framework.checks.rows import Rows, of_part, part_count
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.tables.staging import StagedFrames

MAX_DIGESTS = 4_000_000
"""Number of hashes that are compared at once."""

_ROW, _GIVEN, _THEIRS = "_reporting_row", "_reporting_given", "_reporting_theirs"

VERSION_COLUMNS = pl.Schema(
    {VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
)


class Staged:
    """Rows that a run has staged for its checks.

    Args:
        paths: Files of the rows, in the order of the plan.
        rows: Number of rows, deletes included.
        schema: Columns of the files.
        area: Folder of the files.
    """

    def __init__(
        self, paths: Sequence[Path], rows: int, schema: pl.Schema, area: StagedFrames
    ) -> None:
        self._paths, self._rows = list(paths), rows
        self.schema, self.area = schema, area
        self._resolved: dict[bool, list[pl.LazyFrame]] = {}
        self._distinct = False

    @property
    def versioned(self) -> bool:
        """True if rows have versions."""
        return VERSION in self.schema

    def resolved(self, *, versioned: bool) -> list[pl.LazyFrame]:
        """Return the rows with one row for each source key, in parts.

        Args:
            versioned: Whether the newest version is taken, and not the first row.
        """
        if versioned not in self._resolved:
            self._resolved[versioned] = self._resolve(versioned=versioned)
        return self._resolved[versioned]

    def whole(self, *, versioned: bool) -> list[pl.LazyFrame]:
        """Return the same rows, in as few parts as possible."""
        parts = self.resolved(versioned=versioned)
        return [self._all()] if self._distinct else parts

    def _resolve(self, *, versioned: bool) -> list[pl.LazyFrame]:
        count = part_count(self._rows)
        self._distinct = self._all_differ()
        if self._distinct:
            return self._parts(count)
        if count == 1:
            return [_resolved(self._all().collect(), versioned=versioned).lazy()]
        paths = []
        for part in self._parts(count):
            rows = part.collect(engine="streaming")
            paths.append(self.area.add(_resolved(rows, versioned=versioned)))
        return [pl.scan_ipc(path) for path in paths]

    def numbered(self) -> pl.LazyFrame:
        """Return all rows, with their positions."""
        return self._all().with_row_index(ROW)

    def _all(self) -> pl.LazyFrame:
        return (
            pl.scan_ipc(self._paths) if self._paths else self.schema.to_frame().lazy()
        )

    def _parts(self, count: int) -> list[pl.LazyFrame]:
        rows = self._all()
        if count == 1:
            return [rows]
        return [rows.filter(of_part([SOURCE_KEY], n, count)) for n in range(count)]

    def _all_differ(self) -> bool:
        """Return whether all source keys certainly differ, by their hashes."""
        digest = pl.col(SOURCE_KEY).hash(seed=17)
        count = max(1, ceil(self._rows / MAX_DIGESTS))
        for number in range(count):
            digests = self._all().select(digest)
            if count > 1:
                digests = digests.filter(pl.col(SOURCE_KEY) % count == number)
            found = digests.collect(engine="streaming").to_series()
            if found.n_unique() < len(found):
                return False
        return True


class Prospect(NamedTuple):
    """Change of a table by a commit.

    Attributes:
        mode: Write mode of the sink.
        snapshot: Whether rows that were not read are deleted.
        not_staged: Source keys of records that were read and not staged.
        keeps_table: Whether ``replace`` keeps the present table.
    """

    mode: WriteMode
    snapshot: bool = False
    not_staged: Sequence[str] = ()
    keeps_table: bool = False


def run_rows(staged: Staged) -> Rows:
    """Return the rows of a run: one for each source key, without deleted records."""
    parts = staged.whole(versioned=staged.versioned)
    return Rows([live_rows(part) for part in parts], staged.area)


def table_rows(
    staged: Staged,
    table: pl.LazyFrame | None,
    prospect: Prospect,
    report_columns: Sequence[str],
    key: Sequence[str] = (),
) -> Rows:
    """Return the rows of a table as they will be after the commit.

    Args:
        staged: Rows of the run.
        table: The table, `None` if there is none yet.
        prospect: How the commit changes it.
        report_columns: Columns of the report, to tell deletes that the source gave.
        key: Columns that identify a row of the table; empty: the source key.
    """
    columns = [name for name in staged.schema if name not in VERSION_COLUMNS]
    if prospect.mode == "replace" and not prospect.keeps_table:
        table = None
    elif prospect.mode == "replace":
        staged = Staged((), 0, staged.schema, staged.area)
    versioned = prospect.mode != "append"
    if key:
        return _keyed_rows(staged, table, prospect, report_columns, key)
    if table is None:
        parts = staged.whole(versioned=versioned)
        return Rows([live_rows(part).select(columns) for part in parts], staged.area)
    parts = staged.resolved(versioned=versioned)
    existing = _existing(table, columns, report_columns, versions=versioned)
    merge = _upserted if prospect.mode == "upsert" else _appended
    found: list[pl.LazyFrame] = []
    for number, part in enumerate(parts):
        own = existing
        if len(parts) > 1:
            own = own.filter(of_part([SOURCE_KEY], number, len(parts)))
        found += (
            live_rows(rows).select(columns) for rows in merge(own, part, prospect)
        )
    return Rows(found, staged.area)


def _keyed_rows(
    staged: Staged,
    table: pl.LazyFrame | None,
    prospect: Prospect,
    report_columns: Sequence[str],
    key: Sequence[str],
) -> Rows:
    """See `table_rows`; the keys of all rows of the run are in memory."""
    columns = [name for name in staged.schema if name not in VERSION_COLUMNS]
    rows = staged.numbered()
    heads = rows.select(*{*key, SOURCE_KEY}, *VERSION_COLUMNS, ROW)
    records = _resolved(heads.collect(engine="streaming"), versioned=True)
    parts: list[pl.LazyFrame] = []
    if table is None or prospect.mode != "upsert":
        taken = newest_of(records, key)
        parts = [] if table is None else [live_rows(table).select(columns)]
    else:
        values = [name for name in report_columns if name not in key]
        existing = _existing(table, columns, values, versions=True)
        taken, stay = upserted(records, key, existing, _GIVEN, prospect)
        parts = [stay.select(columns)]
    own = rows.join(taken.lazy().select(ROW), on=ROW, how="semi").select(columns)
    return Rows([own, *parts], staged.area)


def _resolved(rows: pl.DataFrame, *, versioned: bool) -> pl.DataFrame:
    """Return one row for each source key: the newest version, or the first row."""
    if rows[SOURCE_KEY].n_unique() == rows.height:
        return rows
    if not versioned:
        return rows.unique(SOURCE_KEY, keep="first", maintain_order=True)
    is_delete = pl.col(DELETED_AT).is_not_null() & pl.col(VERSION).is_not_null()
    return (
        rows.with_row_index(_ROW)
        .sort(pl.col(VERSION), is_delete, _ROW, nulls_last=False)
        .unique(SOURCE_KEY, keep="last", maintain_order=True)
        .drop(_ROW)
    )


def live_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows that are not deleted."""
    if DELETED_AT not in rows.collect_schema():
        return rows
    return rows.filter(pl.col(DELETED_AT).is_null())


def _existing(
    table: pl.LazyFrame,
    columns: Sequence[str],
    report_columns: Sequence[str],
    *,
    versions: bool,
) -> pl.LazyFrame:
    """Return the needed columns of a table.

    With versions, `_GIVEN` tells whether the source itself gave a row's delete: such a
    row has no values.
    """
    schema = table.collect_schema()
    more = [name for name in VERSION_COLUMNS if name in schema]
    rows = table.select(*columns, *more, *_empty(report_columns, schema, versions))
    return rows.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in VERSION_COLUMNS.items()
        if versions and name not in schema
    )


def _empty(
    names: Sequence[str], schema: pl.Schema, versions: bool
) -> Iterator[pl.Expr]:
    """Yield the expression of `_GIVEN`, if it can be true."""
    if not (versions and DELETED_AT in schema):
        if versions:
            yield pl.lit(value=False).alias(_GIVEN)
        return
    empty = [
        # the time of a delete may stand for its timestamp
        pl.col(name).is_null()
        | (
            (pl.col(name).dt.timestamp("us") == pl.col(DELETED_AT).dt.timestamp("us"))
            if isinstance(schema[name], pl.Datetime)
            else pl.lit(value=False)
        )
        for name in names
        if name != SOURCE_KEY
    ]
    yield pl.all_horizontal(pl.col(DELETED_AT).is_not_null(), *empty).alias(_GIVEN)


def _appended(
    existing: pl.LazyFrame, staged: pl.LazyFrame, prospect: Prospect
) -> Iterator[pl.LazyFrame]:
    """Yield the table, and staged rows whose source key it does not have."""
    yield existing
    keys = staged.select(SOURCE_KEY)
    taken = existing.select(SOURCE_KEY).join(keys, on=SOURCE_KEY, how="semi")
    yield staged.join(_collected(taken), on=SOURCE_KEY, how="anti")


def _upserted(
    existing: pl.LazyFrame, staged: pl.LazyFrame, prospect: Prospect
) -> Iterator[pl.LazyFrame]:
    """Yield the rows of the table that stay, and staged rows that are newer."""
    theirs = existing.select(
        SOURCE_KEY,
        pl.col(VERSION).fill_null("").alias(_THEIRS),
        pl.col(_GIVEN) & pl.col(VERSION).is_not_null(),
    )
    own = staged.select(SOURCE_KEY, pl.col(VERSION).fill_null(""), DELETED_AT)
    older = pl.col(VERSION) < pl.col(_THEIRS)
    tied = (
        (pl.col(VERSION) == pl.col(_THEIRS))
        & pl.col(_GIVEN)
        & pl.col(DELETED_AT).is_null()
    )
    losers = _collected(
        theirs.join(own, on=SOURCE_KEY, how="inner").filter(older | tied)
    ).select(SOURCE_KEY)
    winners = staged.join(losers, on=SOURCE_KEY, how="anti")
    yield winners
    if prospect.snapshot:
        kept = pl.LazyFrame({SOURCE_KEY: prospect.not_staged}, {SOURCE_KEY: pl.String})
        keys = pl.concat([kept, losers]).unique()
        existing = existing.join(keys, on=SOURCE_KEY, how="semi")
    yield existing.join(winners.select(SOURCE_KEY), on=SOURCE_KEY, how="anti")


def _collected(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Read rows once, to use them several times."""
    return rows.collect(engine="streaming").lazy()
