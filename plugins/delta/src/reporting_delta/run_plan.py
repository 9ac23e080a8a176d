"""Plan of the commit of a run: which staged files stay, and which rows are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reporting_datasets.parquet_sink.partitions import Partitions
from reporting_datasets.parquet_sink.planning import RunPlanner
from reporting_datasets.staging import Piece, StagingArea
from reporting_delta.adoption import MAX_SMALL, Adoption
from reporting_delta.commit import Planned
from reporting_delta.data_files import DeltaFiles
from reporting_delta.settings import DeltaTableSinkSettings
from reporting_delta.snapshot import Snapshot
from reporting_delta.staging import Staged, StagedFile
from reporting_delta.writing import DeltaWriter
from reporting_framework import CommitContext, WriteMode
from reporting_framework.storage import parquet_errors


class RunPlan:
    """Plan of the commit of a run, made again for each version that it is tried on.

    Args:
        settings: Settings of the sink.
        mode: Write mode.
        staged: Staged parts.
        context: Further data of the commit.
        opened: Version that the run has opened.
        area: Staging area for rows that are written again.
        writer: Writer of data files.
        files_of: Function that returns the reader of the files of a version, or of
            staged files for it, which may have the columns of versions.
        check: Function that refuses a version that the rows do not fit.
    """

    def __init__(
        self,
        settings: DeltaTableSinkSettings,
        mode: WriteMode,
        staged: Sequence[Staged],
        context: CommitContext,
        opened: Snapshot,
        area: StagingArea,
        writer: DeltaWriter,
        *,
        files_of: Callable[[Snapshot, bool], DeltaFiles],
        check: Callable[[Snapshot], None],
    ) -> None:
        self._settings, self._mode = settings, mode
        self._versions = mode != "append"
        self._context, self._opened = context, opened
        self._area, self._writer = area, writer
        self._files_of, self._check = files_of, check
        self._staged = [file for part in staged for file in part.files]
        self._superseded = sum(part.superseded for part in staged)
        self._adoption: Adoption | None = None

    def planned(self, present: Snapshot, overtaken: bool) -> Planned:
        """Plan the change of a version; see `DeltaCommit.plan`."""
        self._check(present)
        settings, files = self._settings, self._files_of(present, False)
        adopted = self._adopted(files, present)
        reader = self._files_of(present, self._versions)
        pieces = [
            self._piece(reader, staged)
            for number, staged in enumerate(self._staged)
            if number not in adopted
        ]
        planner = RunPlanner(
            files,
            Partitions(settings.partition_by),
            files.schema,
            self._mode,
            self._area.join(pieces, versions=self._versions),
            self._context,
            self._area,
            self._writer,
            settings.target_file_bytes,
            settings.deletes == "hard",
            settings.partition_by,
            self._opened.manifest.state,
            deletes_stay=not settings.partition_by,
        )
        change = planner.change(present.manifest, overtaken)
        kept = [self._staged[number] for number in sorted(adopted)]
        counts = change.counts
        more = sum(file.rows for file, _ in kept)
        return Planned(
            change._replace(
                counts=counts._replace(inserted=counts.inserted + more),
                duplicates=change.duplicates + self._superseded,
            ),
            kept,
        )

    def _adopted(self, files: DeltaFiles, present: Snapshot) -> set[int]:
        """Return the numbers of the staged files that stay as they are.

        With ``replace``, files have the columns by which the newest row is found, so
        none does.
        """
        if self._mode == "replace":
            return set()
        if self._adoption is None:
            small = self._settings.target_file_bytes / MAX_SMALL
            self._adoption = Adoption(files, self._staged, small)
        return self._adoption.chosen(present.manifest)

    def _piece(self, reader: DeltaFiles, staged: StagedFile) -> Piece:
        """Return the rows of a staged file, to be written again."""
        with parquet_errors.reading(reader.uri(staged.file)):
            frame = reader.scan([staged.file]).collect()
        return self._area.add(frame, versions=self._versions)
