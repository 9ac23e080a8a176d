"""Quarantine of a report: a small parquet file of source keys and reasons."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import polars as pl

from reporting_framework.errors import CommitConflict, CorruptCheckpoint, ObjectMissing
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Rejection,
    line_source_key,
)
from reporting_framework.plugin_api.result import QuarantineState
from reporting_framework.storage import (
    Store,
    checksums,
    commit_attempts,
    same_version,
)

BEGUN = "begun"
"""Error type of an object in progress: its records were about to be committed in more
than one step.
"""

DISCARDED_PREFIX = "dropped:"
"""Prefix of the error type of a discarded record, which is accounted for and no longer
shown.
"""

SCHEMA = pl.Schema(
    {
        **dict.fromkeys(
            (SOURCE_KEY, "version", "error_type", "field", "run_id"), pl.String()
        ),
        "rejected_at": pl.Datetime("us", "UTC"),
    }
)
_IS_DISCARDED = pl.col("error_type").str.starts_with(DISCARDED_PREFIX)
_NONE_READ: Mapping[str, str | None] = {}
_OBJECT = pl.col(SOURCE_KEY).str.replace(r"#[0-9]+$", "")


class ParquetQuarantine:
    """Quarantine of a report: the records that were read and not accepted.

    It has one row for each record: its source key, the version of its object, and the
    first reason.

    The whole file is read and rewritten; its size depends on the rejected records, not
    on the accepted ones.

    Args:
        store: The folder that holds the file.
        key: Its key there.

    Attributes:
        overtaken: Whether another run has written the quarantine meanwhile, so that no
            hints can be trusted.
    """

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._rows: pl.DataFrame | None = None
        self._version: str | None = None
        self.overtaken = False

    @property
    def uri(self) -> str:
        """URI of the file."""
        return self._store.location.join(self._key).uri

    @property
    def version(self) -> str | None:
        """Version that was read last, or the current version if none was read."""
        if self._rows is not None:
            return self._version
        entry = self._store.head(self._key)
        return entry.version if entry is not None else None

    def load(self) -> None:
        """Read the rows, so that later calls return at once."""
        self._load()

    def _load(self) -> pl.DataFrame:
        """Return all rows; read them once, and again after another run wrote them."""
        if self._rows is None:
            try:
                stored = self._store.get(self._key)
            except ObjectMissing:
                self._version, self._rows = None, SCHEMA.to_frame()
                return self._rows
            try:
                checksums.check_bytes(self.uri, stored.data)
                rows = pl.read_parquet(io.BytesIO(stored.data))
            except (
                pl.exceptions.PolarsError,
                pl.exceptions.PanicException,
                OSError,
            ) as error:
                raise CorruptCheckpoint(
                    f"{self.uri}: not a parquet file that can be read; nothing was"
                    " changed"
                ) from error
            if rows.schema != SCHEMA:
                raise CorruptCheckpoint(
                    f"{self.uri}: not a quarantine; its columns must be"
                    f" {', '.join(SCHEMA)}; move it away"
                )
            self._version, self._rows = stored.version, rows
        return self._rows

    def versions(self, objects: Sequence[str]) -> Mapping[str, str | None]:
        """Return the `objects` that are in quarantine, with the version last read.

        A version of `None` means that the object must be read again: the version is
        unknown, or the object is in progress and its entry was never replaced.
        """
        rows = self._load()
        if not rows.height or not objects:
            return {}
        object_versions = rows.select(
            object=_OBJECT, version="version", begun=pl.col("error_type") == BEGUN
        ).filter(pl.col("object").is_in(pl.Series(objects, dtype=pl.String).implode()))
        versions: dict[str, str | None] = {}
        for key, version, begun in object_versions.iter_rows():
            versions[key] = (
                version
                if not begun and same_version(versions.get(key, version), version)
                else None
            )
        return versions

    def entries(self) -> pl.DataFrame:
        """Return all entries that were neither replayed nor discarded.

        They are sorted by `source_key`. Columns: `source_key`, `version`, `error_type`,
        `field`, `run_id` (String) and `rejected_at` (Datetime us UTC).
        """
        return _shown(self._load())

    def mark_in_progress(self, objects: Sequence[str]) -> None:
        """Mark, before any commit, that these objects may be committed in part.

        The objects hold several records each. Until `replace_entries`, they count as
        not accounted for, so that the next run completes a run that dies between two
        commits.

        The entry uses line 0, which no record has, so the records' own entries stay.
        """
        self._replace((), _in_progress_rows(objects))

    def replace_entries(
        self,
        reread: Iterable[str],
        rejections: Sequence[Rejection],
        *,
        run_id: str,
        at: datetime,
        newest_read: Mapping[str, str | None] = _NONE_READ,
    ) -> QuarantineState:
        """Replace the entries of the objects `reread` by `rejections`.

        This is one atomic write. An entry stays if it is of a newer version than any
        that was read: it is not in the table.

        Args:
            reread: Objects that this run has read again, or passed to
                `mark_in_progress`.
            rejections: Records that this run rejected.
            run_id: The run.
            at: Begin of the run (aware, UTC).
            newest_read: The newest version of each object that was read, if versions
                have an order.

        Returns:
            URI of the quarantine and its number of entries now.
        """
        columns = [
            pl.Series([rejection[at] for rejection in rejections], dtype=pl.String)
            for at in range(len(Rejection._fields))
        ]
        frame = pl.DataFrame(dict(zip(SCHEMA, columns, strict=False)))
        added = frame.with_columns(
            run_id=pl.lit(run_id), rejected_at=pl.lit(at, SCHEMA["rejected_at"])
        )
        rows = self._replace(sorted(reread), added, newest_read)
        return QuarantineState(uri=self.uri, rows=_shown(rows).height)

    def discard(self, entries: pl.DataFrame) -> int:
        """Discard these entries in one atomic write, and return their number.

        Discarded entries are no longer returned by `entries` nor counted, and stay
        accounted for: `versions` returns their objects with the version last read, so
        that an object is read again only after it changes. `replace_entries` keeps a
        record discarded if it is rejected again at that version.

        Args:
            entries: Rows of `entries`. A row that no longer exists unchanged is
                ignored.
        """
        chosen = _shown(entries.select(SCHEMA.names()).cast(SCHEMA))
        discarded = 0

        def marked(before: pl.DataFrame) -> pl.DataFrame:
            nonlocal discarded
            existing = before.join(
                chosen, on=SCHEMA.names(), how="semi", nulls_equal=True
            )
            discarded = existing.height
            others = before.join(existing, on=SOURCE_KEY, how="anti")
            return pl.concat(
                [
                    others,
                    existing.with_columns(
                        error_type=DISCARDED_PREFIX + pl.col("error_type")
                    ),
                ]
            )

        self._update(marked)
        return discarded

    def reset(self, *, if_version: str, by: str, rows_stay: bool) -> None:
        """Remove all settled entries, if the quarantine still has this version.

        Entries in progress stay and get the name of the reset: a running or killed run
        may have committed a part of these objects. A run that finds the name when it
        replaces entries knows that it was reset meanwhile.

        Args:
            if_version: The version.
            by: Name of the reset.
            rows_stay: Whether the outputs stay. A partly accepted object would then
                count as known, so all objects are marked as in progress.

        Raises:
            CommitConflict: The quarantine has another version.
        """
        self._rows = None
        try:
            rows = self._load()
            begun = rows.filter(pl.col("error_type") == BEGUN)
            if rows_stay:
                begun = _in_progress_rows(
                    rows.select(_OBJECT.unique(maintain_order=True))[SOURCE_KEY]
                )
            begun = begun.with_columns(run_id=pl.lit(by))
        except CorruptCheckpoint:
            begun, self._version = SCHEMA.to_frame(), if_version
        if self._version is None:
            return
        if self._version != if_version:
            raise CommitConflict(
                f"{self.uri}: a run has written it meanwhile; run again"
            )
        if begun.height:
            self._version = self._store.put(
                self._key, checksums.parquet_bytes(begun), if_version=if_version
            )
        else:
            self._store.delete(self._key, if_version=if_version)
        self._rows = None

    def discarded(self) -> pl.DataFrame:
        """Return discarded entries that are still accounted for, with their reasons.

        Columns are as in `entries`.
        """
        kind = pl.col("error_type").str.strip_prefix(DISCARDED_PREFIX)
        return self._load().filter(_IS_DISCARDED).with_columns(error_type=kind)

    def _replace(
        self,
        reread: Sequence[str],
        added: pl.DataFrame,
        newest_read: Mapping[str, str | None] = _NONE_READ,
    ) -> pl.DataFrame:
        """Replace the rows of some objects, unless they are of a newer version.

        A discarded record that is rejected again at the same version stays discarded.

        Returns:
            All rows.
        """
        added = added.cast(SCHEMA).unique(SOURCE_KEY, keep="last", maintain_order=True)
        gone = _OBJECT.is_in(pl.Series(reread, dtype=pl.String).implode())
        gone |= pl.col(SOURCE_KEY).is_in(added[SOURCE_KEY].implode())
        newer = _is_newer(newest_read)

        def replaced(every: pl.DataFrame) -> pl.DataFrame:
            stays, before = every.filter(newer), every.filter(~newer)
            discarded = before.filter(_IS_DISCARDED)
            again = added.filter(pl.col("error_type") != BEGUN)
            still = discarded.join(
                again, on=[SOURCE_KEY, "version"], how="semi", nulls_equal=True
            )
            new = added.join(still, on=SOURCE_KEY, how="anti")
            new = new.join(stays, on=SOURCE_KEY, how="anti")
            return pl.concat([before.filter(~gone), still, stays, new])

        return self._update(replaced)

    def _update(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
        """Replace all rows in one atomic write, and return the new ones.

        Raises:
            CommitConflict: The quarantine was reset meanwhile, or other runs kept
                writing it.
        """
        for _ in commit_attempts(self.uri):
            before = self._load()
            after = change(before).sort(SOURCE_KEY)
            if after.equals(before):
                return before
            try:
                self._version = self._store.put(
                    self._key, checksums.parquet_bytes(after), if_version=self._version
                )
            except CommitConflict:
                self._rows, self.overtaken = None, True
                if _resets(self._load()) - _resets(before) or (
                    self._version is None and before.height
                ):
                    raise CommitConflict(
                        f"{self.uri}: it was reset while this run was under way; run"
                        " again"
                    ) from None
                continue
            self._rows = after
            return after
        raise AssertionError  # pragma: no cover - the attempts end with an error


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are entries: neither in progress nor discarded."""
    return rows.filter(pl.col("error_type") != BEGUN, ~_IS_DISCARDED)


def _is_newer(newest_read: Mapping[str, str | None]) -> pl.Expr:
    """Return whether a row is of a newer version than those of its object."""
    if not newest_read:
        return pl.lit(False)
    keys = pl.Series(list(newest_read), dtype=pl.String)
    versions = pl.Series(list(newest_read.values()), dtype=pl.String)
    newest = _OBJECT.replace_strict(keys, versions, default=None)
    return (pl.col("version") > newest).fill_null(False)


def _in_progress_rows(objects: Iterable[str]) -> pl.DataFrame:
    """Return a row for each object that marks it as in progress."""
    return pl.DataFrame(
        [{SOURCE_KEY: line_source_key(key, 0), "error_type": BEGUN} for key in objects],
        schema=SCHEMA,
    )


def _resets(rows: pl.DataFrame) -> set[str]:
    """Return the names of the resets that kept these rows."""
    return set(rows.filter(pl.col("error_type") == BEGUN)["run_id"].drop_nulls())
