"""The history of a report's runs.

It is a small file of run records, and the source keys of the rows of each run.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
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
from reporting_framework.plugin_api.result import RunRecord
from reporting_framework.storage import (
    Location,
    TooLargeError,
    call_within,
    commit_attempts,
    open_store,
)

LOG = "runs.ndjson"
"""Name of the file of run records: a line that says what it is, and one for each run,
the oldest first.
"""

LARGEST = 1024 * 1024
"""Bytes of that file, at the most: every run reads and writes it."""

HUGE = 16 * LARGEST
"""Bytes over which the file is none of ours; it is not read."""

TIMEOUT_SECONDS = 10.0
"""Seconds that a run waits for this file before it begins."""

FORMAT = 1

_log = logging.getLogger(__name__)


class _Stored(NamedTuple):
    """The file as it was read.

    Attributes:
        version: Its version, or None when there is none yet.
        files: How many files of source keys were written since they were last merged,
            as far as runs have told.
        lines: One for each run; they are looked into only when somebody asks.
    """

    version: str | None = None
    files: int = 0
    lines: tuple[bytes, ...] = ()


class RunHistory:
    """Account of what a report's runs did, and of which run brought a row in.

    Losing all of it never loses a row: what was taken is in the outputs.

    Args:
        folder: Where it is.
        most: How many runs' records are kept.
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
        """Where the records are."""
        return self._store.location.join(LOG).uri

    def load(self) -> None:
        """Read the file, so that later calls need not wait for it.

        What fails is tried again when it is needed.

        Where the storage hangs, it is given up, and so is whatever is to be written.
        """
        try:
            call_within(TIMEOUT_SECONDS, self._load, "reporting-history")
        except TimeoutError:
            self._silent = True
        except Exception:  # whatever it is, it comes again
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
                    "%s: too large to be records of runs; the next run begins it anew",
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
                )
        return self._stored

    def records(self) -> Sequence[RunRecord]:
        """Return the records of the last runs, the newest first, so many at most.

        A damaged line is skipped; fields of a newer version are left out.
        """
        return sorted(
            self.newest(),
            key=lambda record: (record.started_at, record.run_id),
            reverse=True,
        )

    def newest(self) -> Iterator[RunRecord]:
        """Yield the same records one by one, the run that ended last first.

        Those not asked for are not parsed.
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
                "%s: %d lines are no records of runs; passed over", self.uri, damaged
            )

    def add_rows(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Take in what this run is about to commit.

        Called any number of times before `flush`, thread-safe.

        Args:
            source_keys: Source keys of accepted rows.
            versions: Version of each one's object.
        """
        self._lineage.add_rows(source_keys, versions)

    def flush(self, *, run_id: str, validator: str, at: datetime) -> None:
        """Write what `add_rows` was given, before any commit.

        A run that dies afterwards has then recorded where its rows came from.

        Args:
            run_id: The run.
            validator: Name of its validator.
            at: When the run began (aware, UTC).
        """
        self._check()
        self._written += self._lineage.flush(run_id=run_id, validator=validator, at=at)

    def lineage(self, source_keys: Sequence[str]) -> pl.DataFrame:
        """Return where rows came from, the newest run first.

        There is one row for each of `source_keys` and run that recorded it.

        Columns: `source_key`, `version`, `run_id`, `validator` (String) and `at`
        (Datetime us UTC).
        """
        return self._lineage.of(source_keys)

    def add_run(self, record: RunRecord) -> None:
        """Add the record of a run that is over, and remove the oldest.

        Every so many runs, the files of source keys are merged first.

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
            data = self._bounded([*log.lines, line], files)
            try:
                self._store.put(LOG, data, if_version=log.version)
            except CommitConflict:
                self._stored = None
                continue
            self._stored, self._written = None, 0
            return
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _merge(self) -> int:
        """How many small files of source keys there are now.

        What fails is tried again so many runs later.
        """
        try:
            return self._lineage.merge()
        except ReportingError as error:
            _log.warning(
                "files of source keys could not be merged, none is lost (to delete"
                " needs s3:DeleteObject): %s",
                error,
            )
            return 0

    def _bounded(self, lines: Sequence[bytes], files: int) -> bytes:
        """The file with the last of these lines, as many as may be kept.

        The very last in any case.
        """
        kept: list[bytes] = []
        size = 0
        for line in reversed(lines[-self._most :]):
            size += len(line) + 1
            if kept and size > LARGEST:
                break
            kept.append(line)
        head = json.dumps({"history": FORMAT, "files": files}).encode()
        return b"\n".join([head, *reversed(kept), b""])

    def clear(self) -> None:
        """Discard what was added and not written."""
        self._lineage.clear()


def _files_in(line: bytes) -> int | None:
    """Return what the first line says of the files of source keys.

    It is None where this is not that line.
    """
    try:
        content = json.loads(line)
        return max(0, int(content["files"])) if "history" in content else None
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
