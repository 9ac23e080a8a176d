"""Source ``files``: tables in files of a bucket or folder."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_files.contents import version_of_rows
from reporting_files.file_state import TakenFile, merged_state, taken_files
from reporting_files.health_checks import described
from reporting_files.listing import listed_files, names_of
from reporting_files.reading import FileReader
from reporting_files.sampling import Sample, sample_files
from reporting_files.settings import MEBIBYTE, FilesSettings
from reporting_files.split_data import SplitData
from reporting_framework import (
    Absence,
    Batch,
    FinishedSplit,
    ObjectInfo,
    ObjectPlan,
    Permission,
    PlanStats,
    RunLedger,
    Source,
    Split,
    WriteMode,
)
from reporting_framework._text.messages import one_line
from reporting_framework.errors import LocationError, ReportingError
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import open_store, parse_location, permissions

SPLIT_FILES, SPLIT_BYTES = 2_000, 256 * MEBIBYTE
"""Most files in a split, and their size unless it is one larger file."""

_log = logging.getLogger(__name__)


class Files(Source):
    """Source of the records of files, each file taken once.

    The source state holds each file's version and number of records, so that a changed
    file is found.
    """

    name: ClassVar[str] = "files"
    Settings: ClassVar[type[FilesSettings]] = FilesSettings
    output_format = "frames"
    versions_ordered = True
    settings: FilesSettings

    def __init__(self, settings: FilesSettings) -> None:
        super().__init__(settings)
        self.store = open_store(settings.uri)
        self._reader = FileReader(self.store, settings)
        self._names = names_of(settings.include)
        self._listed: Iterator[list[ObjectInfo]] | None = None
        self._sample: Sample | None = None
        self._known = pl.Schema()
        self._plan = ObjectPlan(SPLIT_FILES, SPLIT_BYTES)
        self._rest: Iterator[ObjectInfo] = iter(())
        self._state: Mapping[str, Any] | None = None
        self._changed: dict[str, ObjectInfo] = {}
        self._replayed = False

    @property
    @override
    def parallelism(self) -> int:
        """Number of splits at once: more only hide the time of requests."""
        return 3 if self.store.remote else 1

    @property
    @override
    def write_modes(self) -> frozenset[WriteMode]:
        """Write modes that fit: rows can only be replaced by `upsert` or `replace`."""
        if self.settings.changed_files == "replace":
            return frozenset({"upsert", "replace"})
        return super().write_modes

    @override
    def use_known_columns(self, known: pl.Schema) -> None:
        self._known, self._sample = known, None

    @override
    def schema(self) -> pl.Schema | None:
        return self.sample().schema

    @override
    def schema_problem(self) -> str:
        uri, pattern = self.store.location.uri, self.settings.include
        if self.sample().files:
            first = self.sample().problem
            reason = f", such as {first}" if first else ""
            return f"{uri}: no file has columns that can be read{reason}; check format"
        fix = "check uri and include, or declare columns"
        problem = f"{uri}: no file matches include ({pattern})"
        if not self._names.ignored:
            return f"{problem}, as there are none; {fix}"
        other = one_line(self._names.samples[0], 80)
        return f"{problem}; other files: {self._names.ignored}, such as {other}; {fix}"

    def sample(self) -> Sample:
        """Return columns and formats of the first files; the result is kept.

        Raises:
            ReportingError: Files cannot be listed.
        """
        if self._sample is None:
            keys = [file.key for page in self._first_pages() for file in page]
            self._sample = sample_files(self.store, keys, self.settings, self._known)
            formats = ", ".join(self._sample.formats)
            _log.info("%s: format %s", self.store.location.uri, formats or "unknown")
        return self._sample

    def _first_pages(self) -> list[list[ObjectInfo]]:
        """Return the first files: all of a folder; of a bucket, one page with files.

        `plan` continues with the others.
        """
        listed = self._listed
        if listed is None:
            listed = listed_files(self.store, self._names)
        pages = []
        for page in listed:
            pages.append(page)
            if page and self.store.remote:
                break
        self._listed = chain(pages, listed)
        return pages

    @override
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        schema = self.schema() or pl.Schema()
        self._plan = ObjectPlan(SPLIT_FILES, SPLIT_BYTES)
        self._state = ledger.state
        listed, self._listed = self._listed, None
        if listed is None:
            self._names = names_of(self.settings.include)
            listed = listed_files(self.store, self._names)
        self._rest = self._due(listed, ledger)
        return self._splits(schema)

    def _due(
        self, pages: Iterable[list[ObjectInfo]], ledger: RunLedger
    ) -> Iterator[ObjectInfo]:
        """Yield the new files, then those that were changed.

        A file that the table has rows of and the state has not is read again, as it may
        have changed since: a run that another run has overtaken commits no state.
        """
        taken = taken_files(ledger.state)
        self._changed = {}
        stateless: dict[str, ObjectInfo] = {}

        def unknown() -> Iterator[list[ObjectInfo]]:
            for page in pages:
                files = [file for file in page if self._is_unknown(file, taken)]
                if ledger.rows and self.settings.changed_files == "replace":
                    stateless.update(
                        (file.key, file) for file in files if file.key not in taken
                    )
                yield files

        for file in self._plan.new_objects(unknown(), ledger, self.object_version):
            stateless.pop(file.key, None)
            yield file
        self._changed |= stateless
        self._plan.waiting += len(self._changed)
        yield from list(self._changed.values())

    def _is_unknown(self, file: ObjectInfo, taken: Mapping[str, TakenFile]) -> bool:
        """Return whether the ledger must decide; note a file that was changed."""
        known = taken.get(file.key)
        if known is None:
            return True
        if file.version in (known.version, known.refused):
            return False
        if self.settings.changed_files != "replace" and not known.records:
            return True  # nothing of it was taken
        if self.settings.changed_files != "ignore":
            self._changed[file.key] = file
        return False

    def _splits(self, schema: pl.Schema) -> Iterator[Split]:
        taken = taken_files(self._state)
        replaces = self.settings.changed_files == "replace"
        for split in self._plan.splits(self._rest):
            keys = split.data["keys"]
            changed = [key for key in keys if key in self._changed]
            replaced, refused = {}, {}
            for key in changed:
                old = taken.get(key, TakenFile(""))
                if replaces:
                    version = old.rows_version or old.version
                    replaced[key] = (old.records, version)
                else:
                    new = self._changed[key].version or ""
                    refused[key] = (new, old._replace(refused=new).to_json())
            data = SplitData(keys, schema, replaced, refused)
            yield split._replace(data=data.to_json())

    @override
    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        schema = pl.Schema()
        with suppress(LocationError):  # then each file is missing
            schema = self.schema() or schema
        self._replayed = True
        self._plan = ObjectPlan(SPLIT_FILES, SPLIT_BYTES)
        for split in self._plan.replay(objects):
            data = SplitData(split.data["keys"], schema)
            yield split._replace(data=data.to_json())

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        return self._reader.read(SplitData.from_json(split.data))

    @override
    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        return merged_state(self._state, [finished.position for finished in done])

    @override
    def plan_stats(self) -> PlanStats:
        """Return the statistics of a full listing; a folder is listed to its end."""
        if not self.store.remote:
            with suppress(ReportingError):  # the next run will fail with the same error
                deque(self._rest, maxlen=0)
                self._plan.ended |= not self._plan.waiting
        return PlanStats(
            self._names.ignored,
            tuple(self._names.samples),
            self._plan.waiting,
            self._plan.ended,
            self._names.repeated,
            "named" if self._replayed else "full",
        )

    @classmethod
    @override
    def aws_permissions(cls, settings: FilesSettings) -> Sequence[Permission]:
        return permissions.reading(parse_location(settings.uri))

    @override
    def source_uris(self) -> Sequence[str]:
        return [self.store.location.uri]

    @override
    def object_uri(self, name: str) -> str:
        return self.store.location.join(name).uri

    @override
    def object_version(self, name: str) -> str | None:
        entry = self.store.head(name)
        if entry is None or entry.version is None:
            return None
        return version_of_rows(self.store, name, entry.version, self.settings)

    @override
    def absence(
        self, name: str, ledger: RunLedger, last_run: datetime | None
    ) -> Absence | None:
        if self._names.reads(name):
            return None
        pattern = self.settings.include
        return Absence("not matched", f"its path does not match include ({pattern})")

    @override
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        return ["Lists all files, and reads those that were not taken yet."]

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {"source": partial(described, self)}

    @override
    def close(self) -> None:
        self._reader.close()
