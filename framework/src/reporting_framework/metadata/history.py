"""History of a report's runs.

It is a small file of run records, and the source keys of each run's rows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl
from pydantic import ValidationError

from reporting_framework.errors import (
    CommitConflict,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.metadata.lineage import MAX_FILES, Lineage
from reporting_framework.metadata.schemas import (
    Schemas,
    key_in,
    key_text,
    schemas_in,
    schemas_text,
    schemas_text_in,
)
from reporting_framework.plugin_api.result import RunRecord
from reporting_framework.storage import (
    Location,
    TooLargeError,
    call_within,
    commit_attempts,
    open_store,
)

LOG = "runs.ndjson"
"""Name of the file of run records: a header line, and one line for each run, oldest
first.
"""

LARGEST = 1024 * 1024
"""Maximum size of that file in bytes: every run reads and writes it."""

HUGE = 16 * LARGEST
"""Size in bytes above which the file cannot be the framework's and is not read."""

TIMEOUT_SECONDS = 10.0
"""Seconds to wait for this file before a run begins."""

FORMAT = 1

_log = logging.getLogger(__name__)


class _Stored(NamedTuple):
    """The file as it was read.

    Attributes:
        version: Its version, or None if it does not exist yet.
        files: Number of files of source keys written since the last merge, as counted
            by runs.
        lines: One line for each run, parsed only on demand.
        head: Its header line, empty if there is none.
    """

    version: str | None = None
    files: int = 0
    lines: tuple[bytes, ...] = ()
    head: bytes = b""


class RunHistory:
    """Records of a report's runs, and of the run that added each row.

    Losing all of it never loses a row: the outputs hold what was accepted.

    Args:
        folder: Location of the history.
        most: Number of runs whose records are kept.
    """

    def __init__(self, folder: Location, most: int) -> None:
        self._store = open_store(folder)
        self._most = most
        self._lineage = Lineage(folder.join("rows"))
        self._stored: _Stored | None = None
        self._written = 0
        self._silent = False

    @property
    def uri(self) -> str:
        """URI of the file of run records."""
        return self._store.location.join(LOG).uri

    def load(self) -> None:
        """Read the file, so that later calls return at once.

        A failed read is repeated when the file is needed. If the storage hangs, the
        history is given up, writes included.
        """
        try:
            call_within(TIMEOUT_SECONDS, self._load, "reporting-history")
        except TimeoutError:
            self._silent = True
        except Exception:  # any error is raised again by the next read
            self._stored = None

    def _check(self) -> None:
        if self._silent:
            raise StorageUnavailable(
                f"{self.uri}: the storage did not answer within {TIMEOUT_SECONDS:g} s"
            )

    def _load(self) -> _Stored:
        self._check()
        if self._stored is None:
            try:
                stored = self._store.get(LOG, limit=HUGE)
            except ObjectMissing:
                self._stored = _Stored()
            except TooLargeError as error:
                _log.warning(
                    "%s: too large to be records of runs; the next run replaces it",
                    self.uri,
                )
                self._stored = _Stored(error.version)
            else:
                lines = stored.data.splitlines()
                files = _files_in(lines[0]) if lines else None
                self._stored = _Stored(
                    stored.version,
                    files or 0,
                    tuple(lines if files is None else lines[1:]),
                    b"" if files is None else lines[0],
                )
        return self._stored

    def primary_key(self) -> Sequence[str] | None:
        """Return the primary key of the source in the last run that committed.

        It is `None` if no run has recorded one.
        """
        if self._stored is None:
            self.load()
        return key_in(self._load().head)

    def records(self) -> Sequence[RunRecord]:
        """Return the records of the last runs, newest first.

        At most as many as the history keeps. A damaged line is skipped; fields of a
        newer version are left out.
        """
        return sorted(
            self.newest(),
            key=lambda record: (record.started_at, record.run_id),
            reverse=True,
        )

    def newest(self) -> Iterator[RunRecord]:
        """Yield the same records one by one, the run that ended last first.

        Records that are not asked for are not parsed.
        """
        damaged = 0
        for line in reversed(self._load().lines):
            try:
                record = RunRecord.model_validate_json(line, extra="ignore")
            except ValidationError:
                damaged += bool(line.strip())
            else:
                yield record
        if damaged:
            _log.warning(
                "%s: %d lines are not records of runs; skipped", self.uri, damaged
            )

    def schemas(self) -> Schemas | None:
        """Return the columns of the source in the last run that committed.

        They are the columns that the source had, and those that the report took;
        `None` if no run has recorded them.
        """
        if self._stored is None:
            self.load()
        return schemas_in(self._load().head)

    def add_rows(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Add rows that this run is about to commit.

        May be called any number of times before `flush`, from any thread.

        Args:
            source_keys: Source keys of accepted rows.
            versions: Version of each row's object.
        """
        self._lineage.add_rows(source_keys, versions)

    def flush(self, *, run_id: str, validator: str, at: datetime) -> None:
        """Write the added rows, before any commit.

        A run that dies afterwards has then recorded where its rows came from.

        Args:
            run_id: The run.
            validator: Name of its validator.
            at: Begin of the run (aware, UTC).
        """
        self._check()
        self._written += self._lineage.flush(run_id=run_id, validator=validator, at=at)

    def lineage(self, source_keys: Sequence[str]) -> pl.DataFrame:
        """Return the runs that recorded these rows, newest run first.

        The frame has one row for each of `source_keys` and run that recorded it.
        Columns: `source_key`, `version`, `run_id`, `validator` (String) and `at`
        (Datetime us UTC).
        """
        return self._lineage.of(source_keys)

    def add_run(
        self,
        record: RunRecord,
        schemas: Schemas | None = None,
        primary_key: Sequence[str] = (),
    ) -> None:
        """Add the record of a finished run, and remove the oldest records.

        From time to time, the files of source keys are merged first.

        Args:
            record: The record.
            schemas: Columns of the source, see `schemas`; `None`: keep the last ones.
            primary_key: Primary key of the source; empty: keep the last one.

        Raises:
            CommitConflict: Other runs kept winning the race.
        """
        line = record.model_dump_json(exclude_defaults=True).encode()
        merged = (
            self._merge() if self._load().files + self._written > MAX_FILES else None
        )
        for _ in commit_attempts(self.uri):
            log = self._load()
            files = log.files + self._written if merged is None else merged
            kept: dict[str, object] = {
                **(schemas_text(schemas) or schemas_text_in(log.head)),
                **key_text(primary_key or key_in(log.head)),
            }
            data = self._bounded([*log.lines, line], files, kept)
            try:
                self._store.put(LOG, data, if_version=log.version)
            except CommitConflict:
                self._stored = None
                continue
            self._stored, self._written = None, 0
            return
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _merge(self) -> int:
        """Merge small files of source keys, and return their number now.

        A failed merge is retried after the next `MAX_FILES` files.
        """
        try:
            return self._lineage.merge()
        except ReportingError as error:
            _log.warning(
                "files of source keys could not be merged, and none is lost; allow"
                " s3:DeleteObject if deleting was denied: %s",
                error,
            )
            return 0

    def _bounded(
        self, lines: Sequence[bytes], files: int, columns: Mapping[str, object]
    ) -> bytes:
        """Return the file's content with as many of the last lines as may be kept.

        The very last line is always kept.
        """
        kept: list[bytes] = []
        size = 0
        for line in reversed(lines[-self._most :]):
            size += len(line) + 1
            if kept and size > LARGEST:
                break
            kept.append(line)
        head = json.dumps({"history": FORMAT, "files": files, **columns}).encode()
        return b"\n".join([head, *reversed(kept), b""])

    def clear(self) -> None:
        """Discard added rows that were not written."""
        self._lineage.clear()


def _files_in(line: bytes) -> int | None:
    """Return the number of files of source keys from the header line.

    Return None if the line is not a header.
    """
    try:
        content = json.loads(line)
        return max(0, int(content["files"])) if "history" in content else None
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
