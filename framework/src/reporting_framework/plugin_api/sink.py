"""Base class of sinks."""

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
        CompactResult,
        Split,
        StagedPart,
        StoredArtifact,
        WriteMode,
    )


class ParquetFile(Protocol):
    """File of a table, in the version that it had when its footer was read.

    It may be read from any thread.
    """

    @property
    def uri(self) -> str:
        """URI of the file, for messages."""
        ...

    @property
    def schema(self) -> pl.Schema:
        """Columns of the file."""
        ...

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes of that version from `start` on.

        Raises:
            StorageUnavailable: The file was replaced by another version, or reading
                failed after retries.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class Sink(Plugin):
    """Base class of sinks, which store accepted rows.

    A sink needs `stage` and `commit`; all other methods have defaults.

    Attributes:
        write_modes: Write modes that it supports. With ``upsert`` and ``replace``,
            staged frames have two more columns, `VERSION` and `DELETED_AT`.
    """

    write_modes: ClassVar[frozenset[WriteMode]] = frozenset({"append"})

    @optional
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        """Prepare for rows; called once, before all other methods.

        Args:
            schema: Columns of the report, which every staged frame has.
            mode: Write mode of the run, one of `write_modes`.
            primary_key: Key columns of the source (`Source.primary_key`); may be empty.

        Raises:
            SettingsError: The schema lacks a column that the settings name.
        """

    @classmethod
    @optional
    def check_schema(
        cls, settings: Any, schema: pl.Schema, mode: WriteMode = "append"
    ) -> None:
        """Check that rows of this schema fit the settings, for ``reporting lint``.

        The method must not look up or open anything. `open` should call it, so that
        both refuse the same.

        Args:
            settings: Settings of the sink.
            schema: Columns of the report.
            mode: Write mode of the report's runs, one of `write_modes`.

        Raises:
            SettingsError: The schema lacks a column that the settings name.
        """

    @property
    def row_key(self) -> Sequence[str]:
        """Columns that identify a row of its table; empty: the source key.

        Of several records with one key, the newest is the row.
        """
        return ()

    @optional
    def load_state(self) -> Mapping[str, Any] | None:
        """Return the state that was committed with the rows, `None` if there is none.

        Called after `open`. A sink that overrides it must store `CommitContext.state`
        in the same atomic step as the rows; the source then starts from this state.

        Raises:
            CorruptCheckpoint: The stored state cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means "none".
            StorageUnavailable: Reading failed after retries.
        """
        return None

    @optional
    def ledger(self) -> Ledger | None:
        """Return the ledger of the rows that the sink has, or `None` if it keeps none.

        Sinks without a ledger are committed before sinks with a ledger, and may receive
        the same rows again: they must ignore repeated rows.

        Raises:
            CorruptCheckpoint: The table cannot be read, or cannot be converted to the
                schema without loss.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            StorageUnavailable: Reading failed after retries.
        """
        return None

    @abstractmethod
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """Stage rows for `commit`, without making them visible.

        The method must be repeatable and thread-safe.

        Args:
            frame: At least one row, in the schema given to `open`.
            split: The split that the rows were read from.
            part: Number of the batch within the split, from 0.
        """

    @abstractmethod
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """Make all staged parts visible, atomically for each output.

        With ``append``, rows whose source key is already in the table are left out.

        With ``upsert``, a row replaces older versions of its source key and never a
        newer version, in whatever order they are staged. A deleted row is a version
        too: except the source key, `VERSION` and `DELETED_AT`, its columns may be null.
        If a delete and a row have the same version, the delete wins. If two rows have
        the same version, the later row wins: the row of the later run, or of the later
        part in the order given. A row that a snapshot has deleted is restored if its
        version is read again.

        With ``replace``, the staged rows become the table, with one row for each source
        key, in its newest version.

        Called once, also without staged parts. If it raises, each output is either
        unchanged or committed as a whole.

        Args:
            staged_parts: Return values of `stage`, in the order of splits and parts.
            context: Further data of the commit.

        Raises:
            CommitConflict: Other runs changed the table before each retry.
        """

    @optional
    def metadata_location(self) -> MetadataLocation | None:
        """Return the default place of the report's metadata store.

        The first sink that returns a place decides, unless the report's settings name
        one; `None`: this sink has no such place. The method must not look up or open
        anything. `aws_permissions` must include the permissions for the place.
        """
        return None

    @optional
    def output_versions(self) -> Mapping[str, str | None]:
        """Return the version of each output, by a stable name.

        It is the version that this run has read or committed; if it has done neither,
        the present version. Hints of a source are ignored if a version has changed
        since they were saved. Called after `open`.
        """
        return {}

    # -- queries -----------------------------------------------------------------------

    @optional
    def scan(self) -> pl.LazyFrame | None:
        """Return the table as a lazy frame, or `None` if there is no table yet.

        Called after `open`. The frame has the columns of `open` first, in their order
        and types; further columns of the table follow. A query selects columns and rows
        before it collects the frame; the sink should read no more than these.

        Raises:
            CorruptCheckpoint: The table cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            NotSupported: The sink cannot be queried.
            StorageUnavailable: Reading failed after retries.
        """
        raise NotSupported(f"sink {self.name}: it cannot be queried")

    @optional
    def select_version(self, version: str) -> None:
        """Let `scan` and `parquet_files` return an earlier version of the table.

        Called after `open`, and never in a run.

        Args:
            version: Number of the version, or a time in ISO 8601: the version that the
                table had then.

        Raises:
            SettingsError: There is no such version, or it can no longer be read.
            NotSupported: The sink keeps no earlier versions.
        """
        raise NotSupported(f"sink {self.name}: it keeps no earlier versions")

    @optional
    def parquet_files(self) -> Sequence[ParquetFile]:
        """Return the files with the rows of `scan`, for query engines that read files.

        Returns an empty sequence if there is no table yet. Called after `open`.

        Readers must convert the columns of older files as `scan` does: a missing column
        is null, a text is parsed if the schema has a day, other types are cast.

        Raises:
            CorruptCheckpoint: A file cannot be read.
            AccessDenied: Reading was refused. Only a definite "not found" means
                "nothing yet".
            NotSupported: The table is not made of parquet files.
            StorageUnavailable: Reading failed after retries.
        """
        raise NotSupported(f"sink {self.name}: its table is not parquet files")

    @classmethod
    @optional
    def table_folder(cls, settings: Any) -> str | None:
        """Return the URI of the folder whose parquet files are the table, or `None`.

        The method must not look up or open anything.
        """
        return None

    # -- for the commands --------------------------------------------------------------

    @optional
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """Return the present outputs, then locks and leftovers.

        Called after `open`; it must not change anything. An artifact that cannot be
        read is returned without its number of rows.
        """
        return ()

    @optional
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        """Copy each artifact to a place next to it, verify it, and return the copies.

        The copies are returned as URIs, in the order of the artifacts.

        Args:
            stored_artifacts: Artifacts that `stored_artifacts` returned.
            name: Name of the backup, which no other backup has.

        Raises:
            CommitConflict: An artifact has changed since `stored_artifacts` returned
                it.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")

    @optional
    def compact(self) -> CompactResult:
        """Merge small files of the table into few files; no row changes.

        Called after `open`, never during a run of the same sink. Other runs may commit
        meanwhile, and lose no row. A second call changes nothing. A killed call leaves
        the table as it was, or compacted.

        Raises:
            CommitConflict: Other runs changed the table before each retry.
            NotSupported: The sink has no files to merge.
        """
        raise NotSupported(f"sink {self.name}: it cannot be compacted")

    @optional
    def restore_command(self, copy: str) -> str | None:
        """Return the command to restore a copy; `None`: copy it over the original.

        Args:
            copy: Copy that `back_up` returned.
        """
        return None

    @optional
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        """Remove these artifacts, each only if it still has the version given.

        Several outputs are removed in several steps. If the report has a metadata
        store, a marker there is written first and removed last, so that the rest of a
        table is never mistaken for the whole table.

        Raises:
            CommitConflict: An artifact has changed. It was kept, and so were the
                artifacts after it.
            NotSupported: The sink cannot be reset.
        """
        raise NotSupported(f"sink {self.name}: it cannot be reset")
