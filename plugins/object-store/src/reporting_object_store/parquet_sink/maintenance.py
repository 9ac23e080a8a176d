"""Maintenance of a checkpoint: its files, their backups, and health checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from typing_extensions import override

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import Location, backup, same_version, write_check
from reporting_object_store.parquet_sink.checkpoint_store import CheckpointFiles

MAX_WORKERS = 16
"""Number of files that are inspected at once: each is a round trip."""


class CheckpointMaintenance(CheckpointFiles):
    """Part of the sink ``parquet-checkpoint`` for its maintenance.

    `reporting state` and `reporting doctor` use it.
    """

    @override
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-look") as pool:
            artifacts = [*pool.map(self._artifact, self._keys())]
        outputs = [artifact for artifact in artifacts if artifact is not None]
        state = self._source_state(known=bool(outputs))
        folders = dict.fromkeys(self._folders())
        return [*outputs, *state, *backup.leftovers(folders)]

    def _source_state(self, *, known: bool) -> Iterator[StoredArtifact]:
        """Yield the source state that is in a file of its own.

        It is one of the outputs, so that it is removed with the table.

        Args:
            known: Whether there are files of rows.
        """
        state = self._state_file
        if self.layout.columns and (entry := state.store.head(state.key)) is not None:
            yield StoredArtifact(
                "output",
                state.uri,
                0 if known else None,
                entry.size,
                entry.version,
                None,
                state.store.modified(state.key),
            )

    def _artifact(self, key: str) -> StoredArtifact | None:
        """Return one output; without its number of rows if it cannot be read."""
        entry = self.store.head(key)
        if entry is None:
            return None
        artifact = StoredArtifact(
            "output",
            self.store.location.join(key).uri,
            None,
            entry.size,
            entry.version,
            None,
            self.store.modified(key),
        )
        with suppress(CorruptCheckpoint):
            file = self._file_of(key)
            if same_version(file.version, entry.version):
                artifact = artifact._replace(
                    rows=file.rows - file.deleted, newest=file.newest
                )
        return artifact

    def _folders(self) -> Iterator[Location]:
        """Yield the folders in which runs write files."""
        yield self.layout.folder.join(self.layout.template).parent
        yield from (self.layout.folder.join(key).parent for key in self._keys())

    @override
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        return backup.back_up(self._places(stored_artifacts), self.store, name)

    @override
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        for store, key, artifact in reversed(self._places(stored_artifacts)):
            store.delete(key, if_version=artifact.version or "")

    def _places(self, stored_artifacts: Sequence[StoredArtifact]) -> list[backup.Place]:
        """Return these artifacts unchanged, each with its store and key."""
        state = self._state_file
        known = {
            state.uri: (state.store, state.key),
            **{
                self.store.location.join(key).uri: (self.store, key)
                for key in self._keys()
            },
        }
        places = []
        for artifact in stored_artifacts:
            if artifact.uri not in known:
                raise backup.gone(artifact)
            places.append(backup.Place(*known[artifact.uri], artifact))
        backup.check_unchanged(places)
        return places

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {
            "checkpoint": self._check_files,
            "conditional writes": partial(write_check.written, self.store)
            if write
            else write_check.unknown_without_writing,
        }

    def _check_files(self) -> CheckResult:
        files = [self._file_of(key) for key in self._keys()]
        for file in files:
            file.check()
        rows, places = (
            sum(file.rows for file in files),
            [file.uri for file in files if file.version is not None],
        )
        more = f" and {len(places) - 1:,} more" if places[1:] else ""
        if again := [
            (file.uri, twice)
            for file in files
            if (twice := file.rows - file.distinct())
        ]:
            return CheckResult(
                "fail",
                f"{again[0][0]}: {sum(twice for _, twice in again):,} of {rows:,} rows"
                " have a key that another row has",
                "keep a copy, then reset the checkpoint: the next run reads everything",
            )
        live = rows - sum(file.deleted for file in files)
        return CheckResult(
            "ok", f"{places[0]}{more}: {live:,} rows" if places else "there is none yet"
        )
