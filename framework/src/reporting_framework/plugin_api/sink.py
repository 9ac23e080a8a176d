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

    from reporting_framework.plugin_api.ledger import Ledger
    from reporting_framework.plugin_api.metadata import MetadataLocation
    from reporting_framework.plugin_api.records import (
        CommitResult,
        Split,
        StagedPart,
        StoredArtifact,
        WriteMode,
    )


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
        one, whatever the order. A deleted row is a version of which all columns but the
        source key, `VERSION` and `DELETED_AT` may be null; of a delete and a row of one
        version the delete wins. Of two rows of one version the later one wins: that of
        a later run, or of a later part in the order given. A row that a snapshot has
        deleted is there again if its version is read again.
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
    def metadata_location(self) -> MetadataLocation | None:
        """Return where a report keeps its metadata unless its settings say so.

        The first sink that returns a place decides; `None`: this sink has no such
        place. It looks nothing up and opens nothing. What the place needs in AWS is
        among `aws_permissions`.
        """
        return None

    @optional
    def output_versions(self) -> Mapping[str, str | None]:
        """Return the version of each output, by a name that stays.

        It is the version that this run has read or committed; if it has done neither,
        the version that is there now. Hints of a source are ignored if a version has
        changed since they were saved. Called after `open`.
        """
        return {}

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
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """Return its outputs, then locks and leftovers, as they are now.

        Called after `open`; it changes nothing. Something that cannot be read as what
        it should be is returned without its rows.
        """
        return ()

    @optional
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        """Copy these artifacts beside them, compare, and return where each copy is.

        Args:
            stored_artifacts: As `stored_artifacts` gave them.
            name: Name of the backup; there is none of it yet.

        Raises:
            CommitConflict: One has changed since it was looked at.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")

    @optional
    def restore_command(self, copy: str) -> str | None:
        """Return what to do to have a copy back, `None`: copy it over the original.

        Args:
            copy: As `back_up` gave it.
        """
        return None

    @optional
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        """Remove these artifacts, each only in the version that it was looked at.

        Several outputs are removed in several steps. If the report has a metadata
        store, a marker there comes first and goes last: a table of which a part was
        removed must not be taken for the whole.

        Raises:
            CommitConflict: One has changed since. It was left, and so were those that
                come after it.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")
