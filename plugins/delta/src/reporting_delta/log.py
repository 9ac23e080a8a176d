"""Log of a Delta table: opening it, and committing to the version that was opened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import (
    AddAction,
    RemoveAction,
    create_table_with_add_actions,
)

from reporting_delta.place import DeltaPlace
from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    CorruptCheckpoint,
    LocationError,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage import open_store, storage_error, system_problem

COMMIT = "reporting"
"""Name in the information about a commit under which its id is kept."""

STATE = "reporting.state"
"""Application of the transaction whose version is the number of the source state."""

RESET = "reporting.reset"
"""Application of the transaction whose version is the table's after its last reset."""


DEFAULTS = {"delta.checkpointInterval": "10"}
"""Properties of new tables. To open a table, all commits since the last checkpoint of
the log are read one by one; by default, delta-rs makes one every 100 commits.
"""


_OUTSIDE = ("object store", "Generic S3 error", "HTTP error", "timed out")
"""Signs in errors of delta-rs that the storage, and not the table, is at fault."""


class Write(NamedTuple):
    """Content of a commit.

    Attributes:
        id: Unique id.
        added: Files that are added.
        removed: Files that are removed.
        state: Number of the source state, `None`: it stays as it is.
        reset: Whether the table is reset.
        replaces: Whether all files and columns are replaced; `removed` is then not
            needed.
    """

    id: str
    added: Sequence[AddAction] = ()
    removed: Sequence[RemoveAction] = ()
    state: int | None = None
    reset: bool = False
    replaces: bool = False


class DeltaLog:
    """Log of the table at a place.

    A commit is written as the version after the one of the handle, and only if there is
    none yet. delta-rs may rebase a commit on later versions, as it does not know that
    the rows were chosen by what is in the table; so it may not try again.

    Args:
        place: Places of the table.
    """

    def __init__(self, place: DeltaPlace) -> None:
        self.place = place

    @property
    def uri(self) -> str:
        """URI of the table."""
        return self.place.folder.uri

    def open(self, version: int | datetime | None = None) -> DeltaTable | None:
        """Return the table in its present version, `None` if there certainly is none.

        Args:
            version: An earlier version, or a time at which it was the present one.

        Raises:
            CorruptCheckpoint: The log cannot be read.
            AccessDenied: Reading was refused.
            StorageUnavailable: Reading failed after retries.
        """
        try:
            return self._open(version)
        except ReportingError as error:
            if self._is_absent():
                return None
            if isinstance(error, AccessDenied) or version is not None:
                raise
        return self._open(version)  # another run may just have made the table

    def _open(self, version: int | datetime | None) -> DeltaTable:
        with self.reading():
            number = version if isinstance(version, int) else None
            handle = DeltaTable(self.uri, number, self.place.storage_options)
            if isinstance(version, datetime):
                self._load(handle, version)
            return handle

    def _load(self, handle: DeltaTable, moment: datetime) -> None:
        """Load the version that the table had at a time.

        Raises:
            CorruptCheckpoint: There was none; delta-rs would load the first one.
        """
        handle.load_as_version(moment)
        begun = self.commit_info(handle.version()).get("timestamp", 0)
        if begun > moment.timestamp() * 1000:
            raise CorruptCheckpoint(f"{self.uri}: there was no table at that time")

    def _is_absent(self) -> bool:
        try:
            pages = open_store(self.place.log).list()
            return not any(page for page in pages)
        except LocationError:
            return True  # there is no folder yet

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise errors of delta-rs as the framework's."""
        try:
            yield
        except (DeltaError, OSError) as error:
            raise self._problem(error) from error

    def _problem(self, error: Exception) -> ReportingError:
        problem = storage_error(error, self.uri)
        if not isinstance(problem, StorageUnavailable):
            return problem
        outside = any(sign in str(error) for sign in _OUTSIDE)
        if outside or isinstance(error, OSError) or system_problem(error) is not None:
            return problem
        return CorruptCheckpoint(
            f"{self.uri}: not a Delta table that can be read; restore it, or move it"
            " away; nothing was changed"
        )

    # -- commits -----------------------------------------------------------------------

    def create(
        self,
        schema: Schema,
        partition_by: Sequence[str],
        properties: Mapping[str, str],
        write: Write,
    ) -> int:
        """Make the table, with its first rows; return its version.

        Raises:
            CommitConflict: There is one.
        """
        with self.committing():
            create_table_with_add_actions(
                self.uri,
                schema,
                list(write.added),
                partition_by=list(partition_by),
                configuration={**DEFAULTS, **properties},
                storage_options=self.place.storage_options,
                commit_properties=_properties(write, 0),
            )
        return 0

    def commit(self, handle: DeltaTable, schema: Schema, write: Write) -> int:
        """Commit to the version of the handle; return the new version.

        Raises:
            CommitConflict: The table has a later version.
        """
        version = handle.version() + 1
        with self.committing():
            handle.create_write_transaction(
                [*write.added, *([] if write.replaces else write.removed)],
                "overwrite" if write.replaces else "append",
                schema,
                handle.metadata().partition_columns,
                commit_properties=_properties(write, version),
            )
        return version

    def add_columns(self, handle: DeltaTable, fields: Sequence[Field]) -> None:
        """Add columns, null in all rows; the handle then has that version.

        Raises:
            CommitConflict: The table has a later version.
        """
        with self.committing():
            handle.alter.add_columns(
                list(fields), commit_properties=CommitProperties(max_commit_retries=0)
            )
            handle.update_incremental()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Raise errors of a commit as the framework's."""
        try:
            yield
        except CommitFailedError as error:
            raise CommitConflict(
                f"{self.uri}: another run has committed it; run again"
            ) from error
        except (DeltaError, OSError) as error:
            if "already exists" in str(error):
                raise CommitConflict(
                    f"{self.uri}: another run has made it; run again"
                ) from error
            raise self._problem(error) from error

    def landed(self, write: Write, after: int) -> int | None:
        """Return the version of a commit whose answer may be lost, `None`: it failed.

        Args:
            write: The commit.
            after: Version that it was made for, -1: there was no table.
        """
        handle = self.open()
        if handle is None or handle.version() <= after:
            return None
        for version in range(after + 1, handle.version() + 1):
            if self.commit_info(version).get(COMMIT) == write.id:
                return version
        return None

    def commit_info(self, version: int) -> Mapping[str, Any]:
        """Return the information about a commit, empty if the log has it no more.

        `DeltaTable.history` numbers commits by the version of the handle, and lists
        later ones too.
        """
        store = open_store(self.place.log)
        try:
            lines = store.get(f"{version:020}.json").data.splitlines()
        except ObjectMissing:
            return {}
        found = (json.loads(line).get("commitInfo") for line in lines)
        return next(filter(None, found), {})


def _properties(write: Write, version: int) -> CommitProperties:
    marks = []
    if write.state is not None:
        marks.append(Transaction(STATE, write.state))
    if write.reset:
        marks.append(Transaction(RESET, version))
    metadata: dict[str, Any] = {COMMIT: write.id}
    return CommitProperties(metadata, max_commit_retries=0, app_transactions=marks)


def encoded(state: Mapping[str, Any]) -> bytes:
    """Return a source state as the content of its file."""
    return json.dumps({"state": state}, ensure_ascii=False).encode()
