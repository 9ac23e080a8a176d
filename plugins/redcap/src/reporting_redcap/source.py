"""Source ``redcap``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    Batch,
    Permission,
    PlanStats,
    ReadFailure,
    RecordSource,
    RunLedger,
    Shape,
    Split,
    TransientError,
)
from reporting_framework.plugin_api.records import CheckResult
from reporting_redcap.api import RedcapApi
from reporting_redcap.batches import batch_of, only
from reporting_redcap.credentials import credentials_of, permissions_of
from reporting_redcap.in_flight import in_order
from reporting_redcap.keys import record_of
from reporting_redcap.layout import Layout
from reporting_redcap.project import ProjectInfo, describe
from reporting_redcap.queries import RecordQueries, report_rows
from reporting_redcap.settings import READ_AT, RedcapSettings
from reporting_redcap.state import Reading, wants_full
from reporting_redcap.times import SERVER_FORMAT, increment_begin

REPORT_ROWS = 10_000
"""Rows of a batch of a saved report."""

MAX_AHEAD = 2
"""Answers that are parsed, or wait, while as many requests as allowed are in flight."""

_log = logging.getLogger(__name__)


class Redcap(RecordSource):
    """Records or a saved report of a REDCap project.

    The first request asks for the ids of the records, further ones for chunks of
    records. The version of a row is the time of the server when the run began to read.
    """

    name: ClassVar[str] = "redcap"
    Settings: ClassVar[type[RedcapSettings]] = RedcapSettings
    output_format: ClassVar[Shape] = "frames"
    versions_ordered = True

    def __init__(self, settings: RedcapSettings) -> None:
        super().__init__(settings)
        self._full = self._stopped = self._empty = False

    @classmethod
    @override
    def aws_permissions(cls, settings: RedcapSettings) -> Sequence[Permission]:
        return permissions_of(settings)

    @property
    @override
    def primary_key(self) -> Sequence[str]:
        return self._layout.key

    @override
    def schema(self) -> pl.Schema:
        schema = self._layout.typing.schema
        if self.settings.read_at:
            schema[READ_AT] = pl.Datetime("us", "UTC")
        return schema

    # -- planning ----------------------------------------------------------------------

    @override
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        after = self._start(ledger)
        self._full = after is None and self.settings.date_begin is None
        return [Split(self.name, {"after": after})]

    @override
    def _start(self, ledger: RunLedger) -> Mapping[str, Any] | None:
        """Return the state that a run goes on from; a report is read as a whole."""
        whole = self.settings.report_id is not None
        if whole or wants_full(ledger.state, self.settings):
            return None
        return ledger.state

    @override
    def plan_stats(self) -> PlanStats:
        whole = self._full and not self._stopped
        nothing = whole and self._empty
        snapshot = whole and self.settings.infer_deletes and not nothing
        return PlanStats(
            exhausted=True,
            snapshot=snapshot,
            stopped=self._stopped,
            warnings=[self._nothing_found()] if nothing else (),
        )

    def _nothing_found(self) -> str:
        kept = "; no row was deleted" if self.settings.infer_deletes else ""
        return (
            f"{self._subject}: a full scan found no record{kept}; check filter_logic,"
            " events and the rights of the token; if there is none any more, reset the"
            " report"
        )

    @override
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        state = self._start(ledger)
        if self.settings.report_id is not None:
            return ["Reads the whole report."]
        if state is None:
            return ["Reads all records."]
        if (reading := Reading.of(state)).last is not None:
            return ["Goes on reading records, from where a run was stopped."]
        begin = increment_begin(reading.began_at, self.settings)
        return [f"Reads records that were changed since {begin}, time of the server."]

    # -- reading -----------------------------------------------------------------------

    @override
    def pages(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        report = self.settings.report_id is not None
        found = False
        for batch in self._report() if report else self._records(after):
            found = found or bool(len(batch.source_keys) or batch.rejected)
            yield batch
        self._empty = not found

    def _records(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield chunks of records, in the order of their ids."""
        self._layout  # noqa: B018 - it checks the settings before anything is read
        reading = self._reading(after)
        ids = self._queries.ids(reading.begin)
        if reading.last is not None:
            ids = [each for each in ids if each > reading.last]
        size = self.settings.chunk_records
        chunks = [ids[at : at + size] for at in range(0, len(ids), size)]
        if not chunks and (reading.full or reading.last is not None):
            position = reading.after(None)  # nothing is left: the reading ends
            yield self._batch(pl.DataFrame())._replace(position=position)
        last = chunks[-1] if chunks else None
        if (most := self.settings.max_records) is not None and most < len(ids):
            chunks = chunks[: -(-most // size)]
        self._stopped = bool(chunks) and chunks[-1] is not last
        at_once = self.settings.parallelism
        at_once += min(at_once, MAX_AHEAD)  # the client limits the requests
        frames = in_order(self._queries.rows, chunks, at_once)
        for chunk, frame in zip(chunks, frames, strict=True):
            position = reading.after(None if chunk is last else chunk[-1])
            yield self._batch(frame)._replace(position=position)

    def _reading(self, after: Mapping[str, Any] | None) -> Reading:
        """Return the reading that begins now, or the one that was stopped.

        Raises:
            SettingsError: Source keys cannot be compared with those of the state.
        """
        project, settings = self._project, self.settings
        new = self._new_reading(project.key)._replace(full=True)
        if settings.date_begin is not None:
            new = new._replace(begin=settings.date_begin.strftime(SERVER_FORMAT))
        if after is None:
            return new
        known = Reading.of(after)
        if known.project != project.number:
            return new
        known.check_key(project, self._subject)
        if known.last is not None:
            return known
        begin = increment_begin(known.began_at, settings)
        return new._replace(begin=begin, full=False, scanned=known.scanned)

    def _new_reading(self, key: Sequence[str]) -> Reading:
        project = self._project
        began = project.asked_at.isoformat()
        of = self.settings.fingerprint
        return Reading(project.number, key, began, settings=of)

    def _report(self) -> Iterator[Batch]:
        texts = self._report_texts
        reading = self._new_reading(self._layout.key)
        reading = reading._replace(scanned=reading.began)
        for part in texts.iter_slices(REPORT_ROWS):
            yield self._batch(part)._replace(position=reading._asdict())

    def _batch(self, texts: pl.DataFrame) -> Batch:
        """Return rows as a batch; those with a value of a wrong type are rejected."""
        if texts.is_empty():
            return Batch(frame=self.schema().to_frame())
        at = self._project.asked_at
        return batch_of(texts, self._layout, at, read_at=self.settings.read_at)

    # -- replay ------------------------------------------------------------------------

    @override
    def plan_replay(self, objects: Sequence[str]) -> Iterator[Split]:
        size = self.settings.chunk_records
        for at in range(0, len(objects), size):
            data = {"source_keys": list(objects[at : at + size])}
            yield Split(f"{self.name}/replay/{at}", data)

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        if "source_keys" in split.data:
            return self._replayed(split.data["source_keys"])
        return super().read(split)

    def _replayed(self, wanted: Sequence[str]) -> Iterator[Batch]:
        try:
            if self.settings.report_id is not None:
                texts = self._report_texts
            else:
                ids = dict.fromkeys(map(record_of, wanted))
                texts = self._queries.rows(list(ids))
            batch = self._batch(texts)
        except TransientError as error:
            _log.warning("rows not read: %s", error)
            yield Batch(unread=[ReadFailure(key, "unavailable") for key in wanted])
            return
        yield only(batch, wanted)

    # -- for the commands --------------------------------------------------------------

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {"source": self._check_project}

    def _check_project(self) -> CheckResult:
        project = self._project
        return CheckResult(
            "ok", f"project {project.number}: {len(project.columns)} columns"
        )

    @override
    def source_uris(self) -> Sequence[str]:
        settings = self.settings
        place = settings.url or f"ssm:{settings.parameter_path}"
        what = "records" if settings.report_id is None else settings.report_id
        return [f"{place}#{what}"]

    @override
    def close(self) -> None:
        if "_api" in vars(self):
            self._api.close()
            for name in ("_api", "_queries", "_layout"):
                vars(self).pop(name, None)

    # -- what is behind it -------------------------------------------------------------

    @property
    def _subject(self) -> str:
        return f"source {self.name}"

    @cached_property
    def _api(self) -> RedcapApi:
        credentials = credentials_of(self.settings, self._subject)
        return RedcapApi(self.settings, credentials, self._subject)

    @cached_property
    def _project(self) -> ProjectInfo:
        return describe(self._api)

    @cached_property
    def _queries(self) -> RecordQueries:
        return RecordQueries(self._api, self._project, self.settings)

    @cached_property
    def _report_texts(self) -> pl.DataFrame:
        self._project  # noqa: B018 - its time is that of the server before the report
        return report_rows(self._api, str(self.settings.report_id))

    @cached_property
    def _layout(self) -> Layout:
        names = None
        if self.settings.report_id is not None:
            names = self._report_texts.columns
        return Layout(self._api, self._project, self.settings, names)
