"""The quarantine: a small parquet file of origins and reasons beside a checkpoint, and the source's bookmark."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import polars as pl

from reporting_framework import ORIGIN_COLUMN, Rejection, single_origin
from reporting_framework.errors import CommitConflict, CorruptCheckpoint, ObjectMissing
from reporting_framework.records import Belonging
from reporting_framework.result import QuarantineState
from reporting_framework.storage import Location, Store, open_store, same_version

BEGUN = "begun"
"""Error type of an object whose records were about to be committed in more than one step."""

DROPPED = "dropped:"
"""Stands before the error type of a record that was dropped on purpose: accounted for, and shown no more."""

SCHEMA = pl.Schema(
    {
        **dict.fromkeys((ORIGIN_COLUMN, "version", "error_type", "field", "run_id"), pl.String()),
        "rejected_at": pl.Datetime("us", "UTC"),
    }
)
TRIES = 20
_IS_DROPPED = pl.col("error_type").str.starts_with(DROPPED)
_OBJECT = pl.col(ORIGIN_COLUMN).str.replace(r"#[0-9]+$", "")


class ParquetQuarantine:
    """See `Quarantine`. One row for each record: its origin, the version of its object, and the first reason.

    The whole file is read and rewritten; it grows with what was not kept, not with what was.
    """

    def __init__(self, place: Location) -> None:
        self._store = open_store(place.parent)
        self._key = place.name
        self._bookmark_key = f"{place.name.removesuffix('.parquet')}.json"
        self._rows: pl.DataFrame | None = None
        self._version: str | None = None
        self._bookmark: tuple[str | None, Mapping[str, Any]] | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._store.location.join(self._key).uri

    def belongings(self) -> Iterator[tuple[Store, str, Belonging]]:
        """The file and the bookmark, as far as they are there, each with its place."""
        for kind, key in (("quarantine", self._key), ("bookmark", self._bookmark_key)):
            if (entry := self._store.head(key)) is None:
                continue
            rows = None
            with suppress(CorruptCheckpoint):
                rows = self.entries().height if kind == "quarantine" else None
            found = Belonging(
                "quarantine" if kind == "quarantine" else "bookmark",
                self._store.location.join(key).uri,
                rows=rows,
                bytes=entry.size,
                version=entry.version,
                modified=self._store.modified(key),
            )
            yield self._store, key, found

    def load(self) -> None:
        """Read rows and bookmark, so that later calls need not wait for them."""
        self._load_bookmark()
        self._load()

    def _load(self) -> pl.DataFrame:
        """All rows; read once, and again when another run has written them."""
        if self._rows is None:
            try:
                found = self._store.get(self._key)
            except ObjectMissing:
                self._version, self._rows = None, SCHEMA.to_frame()
                return self._rows
            try:
                rows = pl.read_parquet(io.BytesIO(found.data))
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise CorruptCheckpoint(
                    f"{self.uri}: not a parquet file that can be read; nothing was changed"
                ) from error
            if rows.schema != SCHEMA:
                raise CorruptCheckpoint(f"{self.uri}: not a quarantine; its columns must be {', '.join(SCHEMA)}")
            self._version, self._rows = found.version, rows
        return self._rows

    def versions(self, objects: Sequence[str]) -> Mapping[str, str | None]:
        """See `Quarantine.versions`."""
        rows = self._load()
        if not rows.height or not objects:
            return {}
        found = rows.select(object=_OBJECT, version="version", begun=pl.col("error_type") == BEGUN).filter(
            pl.col("object").is_in(pl.Series(objects, dtype=pl.String).implode())
        )
        versions: dict[str, str | None] = {}
        for key, version, begun in found.iter_rows():
            versions[key] = version if not begun and same_version(versions.get(key, version), version) else None
        return versions

    def entries(self) -> pl.DataFrame:
        """See `Quarantine.entries`."""
        return _shown(self._load())

    def begin(self, objects: Sequence[str]) -> None:
        """See `Quarantine.begin`."""
        origins = [single_origin(key) for key in objects]
        added = pl.DataFrame({ORIGIN_COLUMN: origins, "error_type": BEGUN}, schema_overrides={ORIGIN_COLUMN: pl.String})
        self._replace((), added.select(*(name if name in added else pl.lit(None).alias(name) for name in SCHEMA)))

    def settle(
        self, reread: Iterable[str], rejections: Sequence[Rejection], *, run_id: str, at: datetime
    ) -> QuarantineState:
        """See `Quarantine.settle`."""
        added = pl.DataFrame([(*rejection, run_id, at) for rejection in rejections], schema=SCHEMA, orient="row")
        rows = self._replace(sorted(reread), added)
        return QuarantineState(uri=self.uri, rows=_shown(rows).height)

    def drop(self, entries: pl.DataFrame) -> int:
        """See `Quarantine.drop`."""
        chosen = _shown(entries.select(SCHEMA.names()).cast(SCHEMA))
        dropped = 0

        def marked(before: pl.DataFrame) -> pl.DataFrame:
            nonlocal dropped
            there = before.join(chosen, on=SCHEMA.names(), how="semi", nulls_equal=True)
            dropped = there.height
            others = before.join(there, on=ORIGIN_COLUMN, how="anti")
            return pl.concat([others, there.with_columns(error_type=DROPPED + pl.col("error_type"))])

        self._change(marked)
        return dropped

    def dropped(self) -> pl.DataFrame:
        """See `Quarantine.dropped`."""
        kind = pl.col("error_type").str.strip_prefix(DROPPED)
        return self._load().filter(_IS_DROPPED).with_columns(error_type=kind)

    def _replace(self, reread: Sequence[str], added: pl.DataFrame) -> pl.DataFrame:
        """Replace the rows of some objects; what was dropped and comes again at the same version stays dropped."""
        added = added.cast(SCHEMA).unique(ORIGIN_COLUMN, keep="last", maintain_order=True)
        gone = _OBJECT.is_in(pl.Series(reread, dtype=pl.String).implode())
        gone |= pl.col(ORIGIN_COLUMN).is_in(added[ORIGIN_COLUMN].implode())

        def replaced(before: pl.DataFrame) -> pl.DataFrame:
            dropped = before.filter(_IS_DROPPED)
            again = added.filter(pl.col("error_type") != BEGUN)
            still = dropped.join(again, on=[ORIGIN_COLUMN, "version"], how="semi", nulls_equal=True)
            return pl.concat([before.filter(~gone), still, added.join(still, on=ORIGIN_COLUMN, how="anti")])

        return self._change(replaced)

    def _change(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
        """Put other rows in the place of those there are, in one atomic write; returns them."""
        for attempt in range(TRIES):
            before = self._load()
            after = change(before).sort(ORIGIN_COLUMN)
            if after.equals(before):
                return before
            buffer = io.BytesIO()
            after.write_parquet(buffer, compression="zstd")
            try:
                self._version = self._store.put(self._key, buffer.getvalue(), expected=self._version)
            except CommitConflict:
                self._rows = None
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))  # noqa: S311 - not a secret
                continue
            self._rows = after
            return after
        raise CommitConflict(f"{self.uri}: other runs were faster {TRIES} times in a row; run again")

    @property
    def bookmark(self) -> Mapping[str, Any]:
        """See `Quarantine.bookmark`. A damaged one counts as none: it only saves work."""
        return self._load_bookmark()[1]

    def _load_bookmark(self) -> tuple[str | None, Mapping[str, Any]]:
        if self._bookmark is None:
            try:
                found = self._store.get(self._bookmark_key)
            except ObjectMissing:
                self._bookmark = (None, {})
                return self._bookmark
            try:
                content = json.loads(found.data)
            except (ValueError, RecursionError):
                content = {}
            self._bookmark = (found.version, content if isinstance(content, dict) else {})
        return self._bookmark

    def leave(self, bookmark: Mapping[str, Any]) -> None:
        """See `Quarantine.leave`. When another run has left one meanwhile, neither can be trusted to know of all."""
        version, before = self._load_bookmark()
        if bookmark == before:
            return
        try:
            self._put_bookmark(bookmark, version)
        except CommitConflict:
            self._bookmark = None
            try:
                self._put_bookmark({}, self._load_bookmark()[0])
            except CommitConflict:
                return  # the third run does the same as this one would

    def _put_bookmark(self, bookmark: Mapping[str, Any], expected: str | None) -> None:
        data = json.dumps(bookmark, sort_keys=True, indent=1).encode()
        self._bookmark = (self._store.put(self._bookmark_key, data, expected=expected), dict(bookmark))


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are entries: those of records that await someone."""
    return rows.filter(pl.col("error_type") != BEGUN, ~_IS_DROPPED)
