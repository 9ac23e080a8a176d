"""Origin of a row, or the reason that a record is missing.

The origin of a row is its object, the version that was read, the run and the validator.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import polars as pl

from reporting_framework._text.messages import redacted
from reporting_framework.errors import AccessDenied, PluginError, ReportingError
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.pipeline import NO_METADATA, close_source
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.execution.progress import ledger_of
from reporting_framework.operations.source_keys import source_key_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    object_of,
)
from reporting_framework.plugin_api.source import (
    Absence,
)
from reporting_framework.query.filters import RowFilter

if TYPE_CHECKING:
    from reporting_framework.metadata.quarantine import ParquetQuarantine
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.result import RunRecord
    from reporting_framework.registry.registry import Registry

_log = logging.getLogger(__name__)

MAX_WORKERS = 16
"""Number of objects checked in parallel; each check is a round trip."""

Now = Literal["unchanged", "changed since", "there", "gone", "denied", "unknown"]
"""State of an object.

``there``: it exists, and the version that was read is not known. ``unknown``: it was
not checked, or the check failed.
"""

_OBJECT = pl.col(SOURCE_KEY).str.replace(r"#[0-9]+$", "")


class LoadEvent(NamedTuple):
    """A run that announced a row that it was about to commit.

    Attributes:
        run_id: Id of the run.
        at: Start of the run (UTC).
        version: Version of the object that it read.
        validator: Name of its validator.
        plugin: The validator's distribution and version, if the run's record still
            exists.
        status: Status of the run; `None` if it has no record, because the record
            expired or the run was killed.
    """

    run_id: str
    at: datetime
    version: str | None
    validator: str
    plugin: str | None = None
    status: str | None = None


class RowProvenance(NamedTuple):
    """A row of the table and its origin.

    Attributes:
        source_key: Source key of the row.
        uri: URI of its object, if the source knows it.
        values: Values of the requested columns.
        runs: Runs that loaded the row, newest first; empty if no run announced it.
        now: State of its object.
        version: Version of the row, in a table that is upserted to.
        deleted_at: Time of its delete, in such a table.
    """

    source_key: str
    uri: str | None
    values: Mapping[str, Any]
    runs: Sequence[LoadEvent]
    now: Now = "unknown"
    version: str | None = None
    deleted_at: datetime | None = None


class QuarantineMatch(NamedTuple):
    """A rejected record in quarantine."""

    source_key: str
    uri: str | None
    version: str | None
    error_type: str
    field: str | None
    run_id: str
    at: datetime
    now: Now = "unknown"


class ProvenanceResult(NamedTuple):
    """Result of a trace.

    Attributes:
        rows: Rows of the table.
        more: Number of further rows that match.
        aside: Records in quarantine.
        announced: Runs that announced the source key and did not commit it, if it is
            neither in the table nor in quarantine.
        history: True if the report keeps a history.
        now: State of the object, if the source key is in neither.
        absence: Reason that it is in neither, if the source knows it.
    """

    rows: Sequence[RowProvenance] = ()
    more: int = 0
    aside: Sequence[QuarantineMatch] = ()
    announced: Sequence[LoadEvent] = ()
    history: bool = True
    now: Now = "unknown"
    absence: Absence | None = None

    @property
    def nothing(self) -> bool:
        """True if no row and no rejected record was found."""
        return not self.rows and not self.aside


class ProvenanceReader:
    """Reader of a report's table, quarantine, history and source objects.

    Args:
        check: Check the current state of the objects.

    Raises:
        ReportingError: As in `pipeline.assemble`.
    """

    def __init__(
        self,
        report: str,
        composition: PipelineSpec,
        registry: Registry,
        *,
        check: bool = True,
    ) -> None:
        self._pipeline = assemble(report, composition, registry, columns="stored")
        close_source(self._pipeline)
        self._check = check
        for _ in self._pipeline.open_sinks():
            pass
        if self._pipeline.metadata is None:
            _log.warning("report %s: %s", report, NO_METADATA)
        self._history = self._pipeline.history
        self._records: Mapping[str, RunRecord] = {}
        if self._history is not None:
            self._records = {
                record.run_id: record for record in self._history.records()
            }

    def rows(self, selection: RowFilter, limit: int) -> ProvenanceResult:
        """Trace the rows that a filter selects.

        Raises:
            PluginError: None of the sinks can be read.
            SettingsError: A column does not exist, or a value does not fit its type.
            ReportingError: Reading failed.
        """
        table = self._table()
        if table is None:
            return ProvenanceResult(history=self._history is not None)
        wanted = list(dict.fromkeys(column for column, _ in selection.where))
        return self._traced(selection.of(table), wanted, limit)

    def source_key(self, key: str, limit: int) -> ProvenanceResult:
        """Trace a record, or all records of an object.

        `key` may also be the object's URI or the path of its file, see
        `source_keys.source_key_of`.

        Raises:
            ReportingError: As in `rows`.
        """
        result = self._provenance(key, limit)
        named = source_key_of(self._pipeline.source, key)
        if not (result.rows or result.aside) and named != key:
            key, result = named, self._provenance(named, limit)
        if result.rows or result.aside:
            return result
        if (outside := self._why_outside(key)) is not None:
            return result._replace(absence=outside)
        announced = self._loads([key]).get(key, [])
        now = self._now({object_of(key): {load.version for load in announced}})
        become = now.get(object_of(key), "unknown")
        absence = (
            self._absence(object_of(key))
            if become in ("there", "changed since", "unchanged")
            else None
        )
        return result._replace(announced=announced, now=become, absence=absence)

    def _provenance(self, key: str, limit: int) -> ProvenanceResult:
        """Return the rows and rejected records of a key, or of an object."""
        matching = pl.col(SOURCE_KEY).eq(key) | _OBJECT.eq(key)
        table = self._table()
        result = (
            self._traced(table.filter(matching), [], limit)
            if table is not None
            else ProvenanceResult(history=self._history is not None)
        )
        return result._replace(aside=self._rejected_rows(matching, limit))

    def _table(self) -> pl.LazyFrame | None:
        pipeline = self._pipeline
        sink = next((sink for sink in pipeline.sinks if supports(sink, "scan")), None)
        if sink is None:
            names = ", ".join(sink.name for sink in pipeline.sinks)
            raise PluginError(
                f"report {pipeline.report}: no table can be read from its sinks"
                f" ({names}); add a sink that can, such as parquet-checkpoint"
            )
        if pipeline.metadata is not None:
            pipeline.metadata.warn_of_reset()
        return sink.scan()

    def _traced(
        self, rows: pl.LazyFrame, columns: Sequence[str], limit: int
    ) -> ProvenanceResult:
        reading = Owner(self._pipeline.report, "reading", "the table")
        there = call(reading, rows.collect_schema)
        known = [
            (pl.col(name) if name in there else pl.lit(None)).alias(f"\0{name}")
            for name in (SOURCE_KEY, VERSION, DELETED_AT)
        ]
        shown = rows.select(*known, *columns)
        total, frame = call(
            reading, pl.collect_all, [rows.select(pl.len()), shown.head(limit)]
        )
        source_keys = frame[f"\0{SOURCE_KEY}"].to_list()
        brought = self._loads(source_keys)
        versions: dict[str, set[str | None]] = {}
        for source_key in source_keys:
            versions.setdefault(object_of(source_key), set()).update(
                load.version for load in brought.get(source_key, ())
            )
        now = self._now(versions)
        traced = [
            RowProvenance(
                source_key,
                self._uri(source_key),
                dict(zip(columns, values, strict=True)),
                brought.get(source_key, []),
                now.get(object_of(source_key), "unknown"),
                version,
                deleted_at,
            )
            for source_key, version, deleted_at, *values in frame.iter_rows()
        ]
        return ProvenanceResult(
            traced,
            max(0, total.item() - len(traced)),
            history=self._history is not None,
        )

    def _rejected_rows(self, matching: pl.Expr, limit: int) -> list[QuarantineMatch]:
        """Return the matching quarantined records with the state of their objects."""
        if self._pipeline.metadata is None:
            return []
        quarantine = self._pipeline.metadata.quarantine
        records = _all_of(quarantine).filter(matching).head(limit)
        now = self._now({object_of(row[0]): {row[1]} for row in records.iter_rows()})
        return [
            QuarantineMatch(
                key,
                self._uri(key),
                version,
                kind,
                field,
                run,
                at,
                now.get(object_of(key), "unknown"),
            )
            for key, version, kind, field, run, at in records.iter_rows()
        ]

    def _loads(self, source_keys: Sequence[str]) -> dict[str, list[LoadEvent]]:
        """Return the runs that loaded each of these source keys, newest first."""
        if self._history is None or not source_keys:
            return {}
        rows = self._history.lineage(source_keys)
        loads: dict[str, list[LoadEvent]] = {}
        for source_key, version, run_id, validator, at in rows.iter_rows():
            record = self._records.get(run_id)
            steps = (
                [step for step in record.steps if step.role == "validator"]
                if record
                else []
            )
            plugin = f"{steps[0].distribution} {steps[0].version}" if steps else None
            status = record.status if record else None
            loads.setdefault(source_key, []).append(
                LoadEvent(run_id, at, version, validator, plugin, status)
            )
        return loads

    def _uri(self, source_key: str) -> str | None:
        uri = self._pipeline.source.object_uri(object_of(source_key))
        return None if uri is None else redacted(uri)

    def _why_outside(self, key: str) -> Absence | None:
        """Return why a URI or a file's path is no object of the source; else `None`."""
        uris = self._pipeline.source.source_uris()
        if not uris:
            return None
        path = key.startswith("/") and all(uri.startswith("/") for uri in uris)
        if not path and not re.match(r"[a-z0-9]+://", key):
            return None
        return Absence(
            "outside the source",
            f"it is not below {' or '.join(uris)}, the place that the report reads",
        )

    def _absence(self, name: str) -> Absence | None:
        """Return why the source did not read an existing object."""
        pipeline, source = self._pipeline, self._pipeline.source
        if not supports(source, "absence"):
            return None
        ledger = ledger_of(pipeline)
        last = max(
            (run.started_at for run in self._records.values() if not run.replay),
            default=None,
        )
        return source.absence(name, ledger, last)

    def _now(self, objects: Mapping[str, set[str | None]]) -> dict[str, Now]:
        """Return the state of each object, compared with the versions read."""
        source = self._pipeline.source
        if not self._check or not supports(source, "object_version"):
            return {}

        def object_status(name: str) -> Now:
            try:
                version = source.object_version(name)
            except AccessDenied:
                return "denied"
            except ReportingError:
                return "unknown"
            if version is None:
                return "gone"
            known = objects[name] - {None}
            return (
                ("unchanged" if version in known else "changed since")
                if known
                else "there"
            )

        with ThreadPoolExecutor(
            MAX_WORKERS, thread_name_prefix="reporting-look"
        ) as pool:
            return dict(zip(objects, pool.map(object_status, objects), strict=True))


def _all_of(quarantine: ParquetQuarantine) -> pl.DataFrame:
    """Return all entries; the error type of discarded ones says so."""
    discarded = quarantine.discarded().with_columns(
        error_type="discarded: " + pl.col("error_type")
    )
    return pl.concat([quarantine.entries(), discarded])
