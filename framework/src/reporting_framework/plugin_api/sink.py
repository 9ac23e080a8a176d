"""The interface of a sink, and its optional interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.metadata import Quarantine
    from reporting_framework.plugin_api.records import (
        CommitResult,
        Split,
        StagedPart,
        StoredArtifact,
    )
    from reporting_framework.plugin_api.source import Ledger


class Sink(Plugin, Protocol):
    """Where accepted rows go."""

    def open(self, schema: pl.Schema) -> None:
        """Called first, once, before anything is read.

        Args:
            schema: Schema of every frame that will be staged.

        Raises:
            SettingsError: The schema lacks a column that the settings name.
        """
        ...

    def ledger(self) -> Ledger | None:
        """What this sink already holds, or None when it keeps no account of that.

        What has a ledger is the account of what was taken. So a sink that has none is
        committed before those that have one, and may be given the same rows again: it
        must make nothing more of them.

        Raises:
            CorruptCheckpoint: What is there cannot be read, or cannot be brought to the
                schema without loss.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """Put the rows where `commit` will find them, without making them visible.

        Repeatable, thread-safe.

        Args:
            frame: At least one row, in the schema given to `open`.
            split: Where the rows come from.
            part: Number of the batch within the split, from 0.
        """
        ...

    def commit(self, staged_parts: Sequence[StagedPart]) -> CommitResult:
        """Make all staged parts visible, atomically for each output.

        Rows whose source key is already there are left out.

        Called once, also with no staged parts. When it raises, nothing visible has
        changed but whole outputs.

        Raises:
            CommitConflict: Other runs kept winning the race.
        """
        ...

    def close(self) -> None:
        """Remove all that was staged.

        Called at the end of every run, also after a commit; errors are logged.
        """
        ...

    def quarantine(self) -> Quarantine | None:
        """The quarantine beside this sink's outputs, or None when it has none."""
        ...


@runtime_checkable
class Readable(Protocol):
    """What a sink has besides when what it holds can be asked for as a table."""

    def scan(self) -> pl.LazyFrame | None:
        """What it holds, lazily, or None where there is nothing yet.

        Called after `open`, whose columns it has, in their order and types; others that
        are there follow. A query picks columns and rows before the frame is collected:
        where they lie, no more than those should be read.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...


@runtime_checkable
class Filed(Protocol):
    """Optional interface of a sink whose table is parquet files below one folder.

    Its table is all the parquet files there.
    """

    @classmethod
    def table_folder(cls, settings: Any) -> str:
        """Return the URI of that folder under these settings.

        This looks nothing up and opens nothing.
        """
        ...


class ParquetFile(Protocol):
    """One file of a table, in the version that it had when it was looked into.

    Read from any thread.
    """

    @property
    def uri(self) -> str:
        """Where it is, for messages."""
        ...

    @property
    def schema(self) -> pl.Schema:
        """The columns that it has."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """These bytes of that version.

        Raises:
            StorageUnavailable: Another version has taken its place, or reading failed
                after retries.
        """
        ...

    def close(self) -> None:
        """Give it up."""
        ...


@runtime_checkable
class ParquetBacked(Readable, Protocol):
    """Optional interface of a readable sink whose table is parquet files.

    Other engines then read them themselves.
    """

    def parquet_files(self) -> Sequence[ParquetFile]:
        """The files whose rows are those of `scan`, none where there is nothing yet.

        Called after `open`.

        What `scan` makes of an older file's columns, who reads these makes of them too:
        one that is missing is null, a text in the place of a day is parsed, another
        type is cast.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        ...


@runtime_checkable
class Inspectable(Protocol):
    """Optional interface of a sink that can tell what it keeps.

    It is there for `reporting state REPORT`.
    """

    def belongings(self) -> Sequence[StoredArtifact]:
        """All that it keeps, as it is now, outputs first.

        Called after `open`; it changes nothing.

        What is there and cannot be read as what it should be is told without its rows,
        not raised.
        """
        ...


@runtime_checkable
class Resettable(Inspectable, Protocol):
    """Optional interface of a sink that can begin anew.

    It is there for `reporting state REPORT reset`.
    """

    def back_up(self, belongings: Sequence[StoredArtifact], name: str) -> Sequence[str]:
        """Copy these belongings beside them, and compare; where each copy is.

        Args:
            belongings: As `belongings` gave them.
            name: Name of the backup; there is none of it yet.

        Raises:
            CommitConflict: One has changed since it was looked at.
        """
        ...

    def remove(self, belongings: Sequence[StoredArtifact]) -> None:
        """Remove these belongings, each only in the version that it was looked at.

        Raises:
            CommitConflict: One has changed since. It was left, and so were those that
                come after it.
        """
        ...


@runtime_checkable
class Resuming(Resettable, Protocol):
    """Optional interface of a resettable sink whose reset leaves a marker.

    The marker is there while the reset is under way.

    `Resettable.remove` writes the marker before it removes anything and removes the
    marker last. Whatever finds the marker of a reset that was killed finishes the
    reset, or refuses: a table of which a part was removed must not be taken for the
    whole.
    """

    def unfinished_reset(self) -> str | None:
        """Describe a reset that has begun and not ended, `None` if there is none.

        Called after `open`.
        """
        ...

    def finish_reset(self, *, by_hand: bool) -> None:
        """Finish a reset that has begun and not ended, if there is one.

        Called after `open`, before `ledger`.

        Args:
            by_hand: Whether a person has asked for it, and so says that the process
                that began it is dead. Otherwise a run, a replay or a discard is about
                to write.

        Raises:
            CommitConflict: It is not certain that the process that began it is dead.
        """
        ...


@runtime_checkable
class Shelving(Protocol):
    """Optional interface of a sink that takes small files beside its outputs.

    Such a file is a page made of the outputs, for example.
    """

    def shelve(self, kind: str, name: str, data: bytes, *, content_type: str) -> str:
        """Put a file beside the outputs, in one atomic step, whatever was there.

        Its URI. Called after `open`.

        What reads the outputs as a table must not take the file for a part of it, and
        another checkpoint beside this one must not have the same place for it.

        Args:
            kind: What kind of file it is, such as ``reports``: a word that may name a
                folder.
            name: Its name among those of its kind, such as ``2024-01.html``.
            data: The bytes.
            content_type: Their media type.

        Raises:
            AccessDenied: Writing was refused.
            StorageUnavailable: Writing failed after retries.
        """
        ...
