"""Interfaces of the quarantine and the history that a sink keeps beside its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from reporting_framework.plugin_api.records import (
        Rejection,
    )
    from reporting_framework.plugin_api.result import QuarantineState, RunRecord


class Quarantine(Protocol):
    """Place where what was read and not kept is set down.

    It lies beside a sink's outputs, and has the source's bookmark with it.
    """

    def versions(self, objects: Sequence[str]) -> Mapping[str, str | None]:
        """Return those of `objects` that are in quarantine.

        Each comes with the version it was read at.

        None: unknown, or begun and never settled; to be read again.
        """
        ...

    @property
    def bookmark(self) -> Mapping[str, Any]:
        """What the source left behind at the end of the last run."""
        ...

    def entries(self) -> pl.DataFrame:
        """Return all that is set down and was neither replayed nor discarded.

        It is in the order of `source_key`.

        Columns: `source_key`, `version`, `error_type`, `field`, `run_id` (String) and
        `rejected_at` (Datetime us UTC).
        """
        ...

    def mark_in_progress(self, objects: Sequence[str]) -> None:
        """Set down, before any commit, that these objects may be taken in part.

        They are objects of several records.

        Until `replace_entries`, they count as not accounted for, so that a run which
        dies between two commits is made good by the next one.
        """
        ...

    def replace_entries(
        self,
        reread: Iterable[str],
        rejections: Sequence[Rejection],
        *,
        run_id: str,
        at: datetime,
    ) -> QuarantineState:
        """Replace what is set down for the objects `reread` by `rejections`.

        This is one atomic write.

        Args:
            reread: Objects that this run has read again, or named to
                `mark_in_progress`.
            rejections: What this run did not keep.
            run_id: The run.
            at: When the run began (aware, UTC).
        """
        ...

    def discard(self, entries: pl.DataFrame) -> int:
        """Set these entries aside for good, in one atomic write; how many that were.

        They are no longer among `entries` nor counted, and stay accounted for:
        `versions` names their objects at the version they were read at, so that an
        object comes back only when it changes. `replace_entries` leaves a discarded
        record as it is when it was rejected again at that version.

        Args:
            entries: Rows of `entries`. One that is not there any more just as it was
                shown is left alone.
        """
        ...

    def discarded(self) -> pl.DataFrame:
        """Return what was discarded and is still accounted for, as `entries` gives it.

        Each entry comes with the reason that it had.
        """
        ...

    def save_hints(self, bookmark: Mapping[str, Any]) -> None:
        """Keep the source's bookmark for the next run.

        It only saves work: losing it never loses a record.
        """
        ...


class History(Protocol):
    """Account of what a report's runs did, and of which run brought a row in.

    It is kept beside a sink's outputs.
    """

    def records(self) -> Sequence[RunRecord]:
        """What the last runs left behind, the newest first.

        How many are kept is bounded.
        """
        ...

    def newest(self) -> Iterator[RunRecord]:
        """Yield the same records one by one, the run that ended last first.

        Those not asked for are not parsed.
        """
        ...

    def add_rows(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Take in what this run is about to commit.

        Called any number of times before `write`, thread-safe.

        Args:
            source_keys: Source keys of accepted rows.
            versions: Version of each one's object.
        """
        ...

    def flush(self, *, run_id: str, validator: str, at: datetime) -> None:
        """Set down what was noted, before any commit.

        A run that dies afterwards has then told where its rows came from.

        Args:
            run_id: The run.
            validator: Name of its validator.
            at: When the run began (aware, UTC).
        """
        ...

    def add_run(self, record: RunRecord) -> None:
        """Add the record of a run that is over, and let go of the oldest.

        Losing it never loses a row.
        """
        ...

    def lineage(self, source_keys: Sequence[str]) -> pl.DataFrame:
        """Return where rows came from, the newest run first.

        There is one row for each of `source_keys` and run that set it down.

        Columns: `source_key`, `version`, `run_id`, `validator` (String) and `at`
        (Datetime us UTC).
        """
        ...
