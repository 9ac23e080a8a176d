"""The quarantine of a report: a small parquet file of source keys and reasons."""

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
"""Error type of an object whose records were about to be committed in more than one
step.
"""

DISCARDED_PREFIX = "dropped:"
"""Stands before the error type of a record that was discarded: accounted for, and shown
no more.
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
    """Place where a report keeps what it read and did not accept.

    One row for each record: its source key, the version of its object, and the first
    reason.

    The whole file is read and rewritten; it grows with what was not kept, not with what
    was.

    Args:
        store: The folder that it is in.
        key: Its key there.

    Attributes:
        overtaken: Whether another run has written the quarantine meanwhile: no hints
            can be trusted.
    """

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._rows: pl.DataFrame | None = None
        self._version: str | None = None
        self.overtaken = False

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._store.location.join(self._key).uri

    @property
    def version(self) -> str | None:
        """The version that was read last, else the one that is there now."""
        if self._rows is not None:
            return self._version
        entry = self._store.head(self._key)
        return entry.version if entry is not None else None

    def load(self) -> None:
        """Read the rows, so that later calls need not wait for them."""
        self._load()

    def _load(self) -> pl.DataFrame:
        """All rows; read once, and again when another run has written them."""
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
                    f" {', '.join(SCHEMA)}"
                )
            self._version, self._rows = stored.version, rows
        return self._rows

    def versions(self, objects: Sequence[str]) -> Mapping[str, str | None]:
        """Return those of `objects` that are in quarantine.

        Each comes with the version it was read at. `None`: unknown, or in progress and
        never replaced; to be read again.
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

        They are in the order of `source_key`.

        Columns: `source_key`, `version`, `error_type`, `field`, `run_id` (String) and
        `rejected_at` (Datetime us UTC).
        """
        return _shown(self._load())

    def mark_in_progress(self, objects: Sequence[str]) -> None:
        """Mark, before any commit, that these objects may be taken in part.

        They are objects of several records. Until `replace_entries`, they count as not
        accounted for, so that the next run completes a run that dies between two
        commits.

        Line 0 of an object is none of its records, so what is said of those stays.
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
            reread: Objects that this run has read again, or named to
                `mark_in_progress`.
            rejections: What this run did not keep.
            run_id: The run.
            at: When the run began (aware, UTC).
            newest_read: The newest version of objects that was read, if versions have
                an order.
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
        """Discard these entries in one atomic write, and return how many that were.

        They are no longer among `entries` nor counted, and stay accounted for:
        `versions` names their objects at the version they were read at, so that an
        object comes back only when it changes. `replace_entries` leaves a discarded
        record as it is when it was rejected again at that version.

        Args:
            entries: Rows of `entries`. One that is not there any more just as it was
                shown is left alone.
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
        """Remove all that was settled, if it still is at this version.

        What was begun stays, with the name of the reset: a run that is under way, or
        was killed, may have committed a part of these objects, and a run that finds the
        name there while it settles has been reset meanwhile.

        Args:
            if_version: The version.
            by: Name of the reset.
            rows_stay: Whether the outputs stay. An object of which a part was accepted
                would then count as known, so all of them count as begun.

        Raises:
            CommitConflict: Another version is there, or none.
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
            raise CommitConflict(f"{self.uri}: a run has written it meanwhile")
        if begun.height:
            self._version = self._store.put(
                self._key, checksums.parquet_bytes(begun), if_version=if_version
            )
        else:
            self._store.delete(self._key, if_version=if_version)
        self._rows = None

    def discarded(self) -> pl.DataFrame:
        """Return what was discarded and is still accounted for, as `entries` gives it.

        Each entry comes with the reason that it had.
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

        What was discarded and comes again at the same version stays discarded.
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
        """Put other rows in the place of those there are, in one atomic write.

        Returns them.
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
    """The rows that are entries: those of records that await someone."""
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
    """Return a row for each of these objects that says that it may be taken in part."""
    return pl.DataFrame(
        [{SOURCE_KEY: line_source_key(key, 0), "error_type": BEGUN} for key in objects],
        schema=SCHEMA,
    )


def _resets(rows: pl.DataFrame) -> set[str]:
    """Return the names of the resets that left these rows."""
    return set(rows.filter(pl.col("error_type") == BEGUN)["run_id"].drop_nulls())
