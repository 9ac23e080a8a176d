"""Commit of ``replace``: staged rows become the table."""

from __future__ import annotations

from collections.abc import Mapping

from reporting_framework.plugin_api.records import UpsertCounts
from reporting_framework.storage import commit_attempts, row_versions
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.commit_results import CommittedFile
from reporting_object_store.parquet_sink.file_commit import FileCommit
from reporting_object_store.parquet_sink.resolution import FilePlan, resolve
from reporting_object_store.parquet_sink.rewrite import write_rows


class ReplaceCommit(FileCommit):
    """One commit of staged rows that become the table.

    The table gets the newest version of each source key. A file without staged rows
    becomes empty.
    """

    def run(self) -> Mapping[str, CommittedFile]:
        """Commit each file, until the table is exactly the rows of this run.

        Another run may write its own files meanwhile. The run that writes last detects
        this, and writes the other's files again: the table has the rows of one run.

        Raises:
            CommitConflict: Other runs kept writing.
        """
        empty = {key: self._none(key) for key in self.files}
        self._resolution = resolve(
            empty,
            self._pieces,
            self._sink.timestamp,
            self._area.folder(),
            hard=True,
        )
        done: dict[str, CommittedFile] = {}
        left = [*self.files]
        for _ in commit_attempts(self._sink.layout.folder.uri):
            for key in left:
                again = key in done or key not in self.files
                one = self._sink.attempt(self._known(key, done), self._write)
                done[key] = one._replace(overtaken=again or one.overtaken)
            if not self._sink.layout.columns:
                break
            known = {key: one.file for key, one in done.items()}
            left = sorted(self._sink.changed(known))
            if not left:
                break
        return done

    def _known(self, key: str, done: Mapping[str, CommittedFile]) -> Checkpoint:
        """Return a file as this run knows it; open a file that it does not know."""
        if key in done:
            return done[key].file
        return self.files.get(key) or self._sink.opened(key)

    def _write(self, file: Checkpoint, overtaken: bool) -> CommittedFile:
        plan = self._resolution.plans.get(file.key) or FilePlan.nothing()
        state = self._state_after(file)
        if file.version is None and not plan.kept and state is None:
            return CommittedFile(file, overtaken=overtaken)
        rows = self._staged_rows(file.key, self._resolution.skipped)
        with file.store.temp_path(file.key) as scratch:
            written = write_rows(
                (frame.drop(row_versions.VERSION_COLUMNS) for frame in rows),
                self._sink.schema,
                scratch,
                file.timestamp,
                self._settings.compression,
                state,
            )
            done = self._put(file, scratch, written, state)
        counts = UpsertCounts(inserted=written.rows)
        return CommittedFile(done, counts, plan.duplicates, overtaken)
