"""Maintenance of a table for `reporting state`: backup, removal and restoration.

A backup is another table of the same database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import StoredArtifact
from reporting_framework.storage.backup import changed, gone
from reporting_framework.tables.loading import INTERNAL
from reporting_framework.tables.table_columns import STATE

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

MAX_NAME = 63
"""Longest name in bytes that every database accepts; PostgreSQL truncates others."""


class TableMaintenance(NamedTuple):
    """Backup and removal of a table.

    Attributes:
        sink: Sink with the SQL dialect.
        database: Session of the statements.
    """

    sink: Database
    database: Session

    @property
    def _own(self) -> str:
        return self.sink.split(self.sink.settings.table)[-1]

    @property
    def _state(self) -> str:
        return self.sink.quote_table(self.sink.beside(STATE))

    def back_up(self, artifact: StoredArtifact, name: str) -> str:
        """Copy the rows to a new table, verify it, and return its name.

        Raises:
            CommitConflict: A run has written the table since `artifact` was returned.
        """
        sink, database = self.sink, self.database
        stamp = "".join(letter if letter.isalnum() else "_" for letter in name)
        own = f"{INTERNAL}{stamp}_{self._own}".encode()[:MAX_NAME]
        copy = sink.beside(own.decode(errors="ignore"))
        with database.transaction(sink.begin):
            self._check_unchanged(artifact)
            if sink.columns(database.cursor, copy):
                raise CommitConflict(
                    f"{sink.subject}: there is a backup {copy}; nothing was changed"
                )
            table, quoted = (
                sink.quote_table(sink.settings.table),
                sink.quote_table(copy),
            )
            database.run(f"CREATE TABLE {quoted} AS SELECT * FROM {table}")
            if self._rows(copy) != self._rows(sink.settings.table):
                raise changed(artifact)
        return copy

    def remove(self, artifact: StoredArtifact) -> None:
        """Remove the table and its source state in one step.

        The number of its commits is kept, as concurrent runs compare it.

        Raises:
            CommitConflict: A run has written the table since `artifact` was returned.
        """
        sink, database = self.sink, self.database
        with database.transaction(sink.begin):
            self._check_unchanged(artifact)
            database.run(f"DROP TABLE {sink.quote_table(sink.settings.table)}")
            database.run(
                f"UPDATE {self._state} SET state = NULL WHERE name = ?", self._own
            )

    def restore_command(self, copy: str) -> str:
        """Return statements that copy a backup to the next run's new table."""
        table = self.sink.quote_table(self.sink.settings.table)
        name = self.sink.quote_table(copy)
        columns = ", ".join(
            map(self.sink.quote, self.sink.columns(self.database.cursor, copy))
        )
        literal = self._own.replace("'", "''")
        return (
            f"-- once the next run has made the table:\nDELETE FROM {table};"
            f" INSERT INTO {table} ({columns}) SELECT {columns} FROM {name};"
            f" UPDATE {self._state} SET version = version + 1, state = NULL"
            f" WHERE name = '{literal}';"
        )

    def _check_unchanged(self, artifact: StoredArtifact) -> None:
        """Lock the table for other runs, and compare its version."""
        sink, database = self.sink, self.database
        if not sink.columns(database.cursor, sink.settings.table):
            raise gone(artifact)
        if not sink.columns(database.cursor, sink.beside(STATE)):
            raise changed(artifact)
        database.run(
            f"UPDATE {self._state} SET version = version WHERE name = ?", self._own
        )
        found = database.rows(
            f"SELECT version FROM {self._state} WHERE name = ?", self._own
        )
        if [str(version) for (version,) in found] != [artifact.version]:
            raise changed(artifact)

    def _rows(self, table: str) -> int:
        return self.database.number(
            f"SELECT count(*) FROM {self.sink.quote_table(table)}"
        )
