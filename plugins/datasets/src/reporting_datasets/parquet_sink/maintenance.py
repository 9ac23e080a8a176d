"""Maintenance of a dataset: its backup, its removal, and health checks."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest import Manifest, Retired
from reporting_datasets.parquet_sink.manifest_store import ManifestStore
from reporting_datasets.parquet_sink.place import Place
from reporting_datasets.settings import ParquetDatasetSettings
from reporting_framework import SOURCE_KEY, Sink
from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import backup, same_version, write_check

MAX_WORKERS = 16
"""Number of files that are copied or checked at once: each is a round trip."""


class DatasetMaintenance(Sink):
    """Part of the sink ``parquet-dataset`` for its maintenance.

    `reporting state` and `reporting doctor` use it.
    """

    def __init__(self, settings: ParquetDatasetSettings) -> None:
        self.settings = settings
        self.place = Place.parse(settings.uri)
        self.manifests = ManifestStore(self.place)
        self._schema = pl.Schema()
        self._opened: Manifest | None = None

    def _read_once(self) -> Manifest:
        """Return the manifest that the run has opened."""
        if self._opened is None:
            self._opened = self.manifests.read()
        return self._opened

    def _present(self) -> Manifest:
        """Return the same, without the contents of a table that a reset removes."""
        manifest = self._read_once()
        return manifest if manifest.exists else Manifest()

    @override
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        manifest = self.manifests.read()
        leftovers = backup.leftovers([self.place.home.join(self.place.manifest).parent])
        if manifest.version is None:
            return list(leftovers)
        return [
            StoredArtifact(
                "output",
                self.place.folder.uri,
                manifest.rows - manifest.deleted,
                manifest.size,
                manifest.resets or manifest.version,
                manifest.newest,
                self.manifests.store.modified(self.place.manifest),
            ),
            *leftovers,
        ]

    @override
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        return [self._copied(artifact, name) for artifact in stored_artifacts]

    def _copied(self, artifact: StoredArtifact, name: str) -> str:
        """Copy all files of the manifest and compare them; return the copy's URI."""
        manifest = self._unchanged(artifact)
        store, to = self.manifests.store, f"{backup.BACKUP_FOLDER}/{name}"
        manifest_copy = f"{to}/{self.place.manifest}"
        if store.head(manifest_copy) is not None:
            raise CommitConflict(
                f"{store.location.join(to).uri}: a backup of this name exists; choose"
                " another name; nothing was changed"
            )
        keys = [self.place.key(file.key) for file in manifest.files]

        def copy(key: str) -> None:
            store.copy(key, f"{to}/{key}")
            if store.digest(key).sha256 != store.digest(f"{to}/{key}").sha256:
                raise backup.changed(artifact)

        with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-copy") as pool:
            list(pool.map(copy, keys))
        copy(self.place.manifest)
        self._unchanged(artifact)
        return store.location.join(f"{to}/{self.place.name}").uri

    @override
    def restore_command(self, copy: str) -> str:
        home, target = copy.rpartition("/")[0], self.place.home.uri
        if copy.startswith("s3://"):
            return shlex.join(["aws", "s3", "cp", "--recursive", home, target])
        return shlex.join(["cp", "-rp", f"{home}/.", target])

    def _unchanged(self, artifact: StoredArtifact) -> Manifest:
        """Return the manifest, in the version of the artifact.

        Raises:
            CommitConflict: It has another version, or there is none.
        """
        manifest = self.manifests.read()
        if artifact.uri != self.place.folder.uri or manifest.version is None:
            raise backup.gone(artifact)
        version = manifest.resets or manifest.version
        if not same_version(version, artifact.version):
            raise backup.changed(artifact)
        return manifest

    @override
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        for artifact in stored_artifacts:
            with self.manifests.store.lock(self.place.manifest):
                self._remove(artifact)
        self._opened = None

    def _remove(self, artifact: StoredArtifact) -> None:
        """Remove a dataset; its manifest without files is the marker of that.

        The table is gone in one step. Whoever finds the marker removes the rest.
        """
        manifest = self._unchanged(artifact)
        if manifest.resets is None:
            retired = [Retired(file.key, 0) for file in manifest.files]
            emptied = replace(
                manifest,
                number=manifest.number + 1,
                files=(),
                schemas=(),
                fits=None,
                state=None,
                retired=(*manifest.retired, *retired),
                resets=manifest.version,
            )
            version = self.manifests.publish(emptied, manifest.version)
            manifest = replace(emptied, version=version)
        self.manifests.remove_retired(manifest, -time.time())
        store = self.manifests.store
        # In a folder, the lock is held, and a conditional delete would wait for it.
        store.delete(
            self.place.manifest, if_version=manifest.version if store.remote else None
        )

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {
            "dataset": self._check_files,
            "conditional writes": partial(write_check.written, self.manifests.store)
            if write
            else write_check.unknown_without_writing,
        }

    def _check_files(self) -> CheckResult:
        """Read all files, and compare them with their checksums and the manifest."""
        manifest = self.manifests.read()
        if not manifest.exists:
            return CheckResult("ok", "there is none yet")
        files = DataFiles(self.place, self._schema)
        for file in manifest.files:
            files.check(file)
        uri = self.place.folder.uri
        keys = [
            files.rows(manifest, file).select(SOURCE_KEY) for file in manifest.files
        ]
        rows = manifest.rows
        if keys:
            counts = pl.concat(keys).select(
                pl.len(), keys=pl.col(SOURCE_KEY).n_unique()
            )
            found, distinct = counts.collect(engine="streaming").row(0)
            if (found, distinct) != (rows, rows):
                return CheckResult(
                    "fail",
                    f"{uri}: {found:,} rows with {distinct:,} source keys; the manifest"
                    f" has {rows:,}",
                    "keep a copy, then reset the report: the next run reads everything",
                )
        live = rows - manifest.deleted
        return CheckResult(
            "ok", f"{uri}: {live:,} rows in {len(manifest.files):,} files"
        )
