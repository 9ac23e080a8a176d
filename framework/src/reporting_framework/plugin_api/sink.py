"""The base class of sinks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from reporting_framework.errors import NotSupported
from reporting_framework.plugin_api.base import Plugin, optional
from reporting_framework.plugin_api.records import ROWS_ONLY, CommitContext

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.metadata import History, Quarantine
    from reporting_framework.plugin_api.records import (
        CommitResult,
        Split,
        StagedPart,
        StoredArtifact,
        WriteMode,
    )
    from reporting_framework.plugin_api.source import Ledger


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


class Sink(Plugin):
    """Base class of sinks: where accepted rows go.

    A sink needs `stage` and `commit`; all else has a default.

    Attributes:
        write_modes: Write modes that it can do. With ``upsert`` and ``replace``, staged
            frames have two more columns, `VERSION` and `DELETED_AT`.
    """

    write_modes: ClassVar[frozenset[WriteMode]] = frozenset({"append"})

    @optional
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        """Prepare for rows; called first, once, before anything is read.

        Args:
            schema: Columns of the report; those of every frame that will be staged.
            mode: What runs do to the table; one of `write_modes`.
            primary_key: Columns that the source says are its key; there may be none.

        Raises:
            SettingsError: The schema lacks a column that the settings name.
        """

    @optional
    def load_state(self) -> Mapping[str, Any] | None:
        """Return the state that was committed with the rows, `None` if there is none.

        Called after `open`. A sink that overrides it keeps `CommitContext.state` in
        the same atomic step as the rows; a source then starts from there.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means "none".
            StorageUnavailable: Reading failed after retries.
        """
        return None

    @optional
    def ledger(self) -> Ledger | None:
        """Return what this sink already holds, or None if it keeps no account of that.

        A sink without a ledger is committed before those that have one, and may be
        given the same rows again: it must ignore repeated rows.

        Raises:
            CorruptCheckpoint: What is there cannot be read, or cannot be brought to the
                schema without loss.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        return None

    @abstractmethod
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """Put the rows where `commit` will find them, without making them visible.

        Repeatable, thread-safe.

        Args:
            frame: At least one row, in the schema given to `open`.
            split: Where the rows come from.
            part: Number of the batch within the split, from 0.
        """

    @abstractmethod
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """Make all staged parts visible, atomically for each output.

        With ``append``, rows whose source key is already there are left out. With
        ``upsert``, a row replaces older versions of its source key and never a newer
        one, whatever the order; of two rows of one version the later one wins: that of
        a later run, or of a later part in the order given. A deleted row is a version
        of which all columns but the source key, `VERSION` and `DELETED_AT` may be null.
        With ``replace``, the staged rows become the table, the newest version of each
        source key once.

        Called once, also with no staged parts. When it raises, nothing visible has
        changed but whole outputs.

        Args:
            staged_parts: What `stage` has returned, in the order of splits and parts.
            context: What else belongs to the commit.

        Raises:
            CommitConflict: Other runs kept winning the race.
        """

    @optional
    def quarantine(self) -> Quarantine | None:
        """Return the quarantine beside this sink's outputs, or None if it has none."""
        return None

    @optional
    def history(self) -> History | None:
        """Return the history beside this sink's outputs, or None if it has none.

        Called after `open`, in a run before `ledger`, which may then read it along with
        the rest. A dry run only reads it. What the history raises is logged, and never
        fails a run.
        """
        return None

    # -- queries -----------------------------------------------------------------------

    @optional
    def scan(self) -> pl.LazyFrame | None:
        """Return what it holds, lazily, or None if there is nothing yet.

        Called after `open`, whose columns it has, in their order and types; others that
        are there follow. A query picks columns and rows before the frame is collected;
        no more than those should be read.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            NotSupported: The sink cannot be queried.
            StorageUnavailable: Reading failed after retries.
        """
        raise NotSupported(f"sink {self.name}: it cannot be queried")

    @optional
    def parquet_files(self) -> Sequence[ParquetFile]:
        """Return the files whose rows are those of `scan`; other engines read them.

        There are none if there is nothing yet. Called after `open`.

        Whoever reads the files does with an older file's columns what `scan` does: a
        missing one is null, a text in place of a day is parsed, another type is cast.

        Raises:
            CorruptCheckpoint: What is there cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            NotSupported: The table is not made of parquet files.
            StorageUnavailable: Reading failed after retries.
        """
        raise NotSupported(f"sink {self.name}: its table is not parquet files")

    @classmethod
    @optional
    def table_folder(cls, settings: Any) -> str | None:
        """Return the URI of the folder whose parquet files are the table, if it is so.

        It looks nothing up and opens nothing.
        """
        return None

    # -- for the commands --------------------------------------------------------------

    @optional
    def belongings(self) -> Sequence[StoredArtifact]:
        """Return all that it keeps, as it is now, outputs first.

        Called after `open`; it changes nothing. Something that cannot be read as what
        it should be is returned without its rows.
        """
        return ()

    @optional
    def back_up(self, belongings: Sequence[StoredArtifact], name: str) -> Sequence[str]:
        """Copy these belongings beside them, compare, and return where each copy is.

        Args:
            belongings: As `belongings` gave them.
            name: Name of the backup; there is none of it yet.

        Raises:
            CommitConflict: One has changed since it was looked at.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")

    @optional
    def remove(self, belongings: Sequence[StoredArtifact]) -> None:
        """Remove these belongings, each only in the version that it was looked at.

        A sink with several of them writes a marker before it removes anything, and
        removes the marker last: a table of which a part was removed must not be taken
        for the whole. See `unfinished_reset`.

        Raises:
            CommitConflict: One has changed since. It was left, and so were those that
                come after it.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")

    @optional
    def unfinished_reset(self) -> str | None:
        """Describe a reset that has begun and not ended, `None` if there is none.

        Called after `open`.
        """
        return None

    @optional
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

    @optional
    def shelve(self, kind: str, name: str, data: bytes, *, content_type: str) -> str:
        """Put a small file beside the outputs, such as a page, and return its URI.

        It is one atomic step, whatever was there. Called after `open`.

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
            NotSupported: The sink keeps no other files.
            StorageUnavailable: Writing failed after retries.
        """
        raise NotSupported(f"sink {self.name}: it keeps no files beside its outputs")
