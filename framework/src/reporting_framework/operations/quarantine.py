"""Entries of a report's quarantine and the current records behind them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework._text.messages import did_you_mean, one_line
from reporting_framework.errors import PluginError
from reporting_framework.execution.pipeline import Pipeline, prepared
from reporting_framework.execution.planning import check_replayable
from reporting_framework.operations.source_keys import source_key_of
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Batch,
    object_of,
)
from reporting_framework.plugin_api.source_keys import with_natural_keys
from reporting_framework.storage.versions import same_version

if TYPE_CHECKING:
    from reporting_framework.metadata.quarantine import ParquetQuarantine
    from reporting_framework.metadata.store import MetadataStore

_log = logging.getLogger(__name__)

GROUP = ["error_type", "field"]
"""Columns that entries are grouped by."""


class EntryFilter(NamedTuple):
    """Filter of quarantine entries; conditions that are set must all match.

    Attributes:
        kind: Error type.
        field: Field with the error; "" for errors without a field.
        source_key: Source key, its object, or a glob of source keys.
        exact: Treat `source_key` as a name even if it looks like a glob.
    """

    kind: str | None = None
    field: str | None = None
    source_key: str | None = None
    exact: bool = False

    def of(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Return the matching entries in their order."""
        if self.kind is not None:
            entries = entries.filter(pl.col("error_type") == self.kind)
        if self.field is not None:
            entries = entries.filter(pl.col("field").fill_null("") == self.field)
        if self.source_key is not None:
            fits = [self._fits(source_key) for source_key in entries[SOURCE_KEY]]
            entries = entries.filter(pl.Series(fits, dtype=pl.Boolean))
        return entries

    def _fits(self, source_key: str) -> bool:
        """Return whether this source key matches.

        A name that contains ``*`` or ``[`` also matches itself.
        """
        wanted = self.source_key or ""
        return wanted in (source_key, object_of(source_key)) or (
            not self.exact and fnmatchcase(source_key, wanted)
        )


@contextmanager
def metadata_store(
    pipeline: Pipeline, *, changing: bool = False
) -> Iterator[MetadataStore]:
    """Open the metadata store of a report, for its quarantine, and close it afterwards.

    Args:
        pipeline: Pipeline of the report.
        changing: True if the caller will change the store, see `prepared`.

    Raises:
        PluginError: The report has no metadata store.
    """
    with prepared(pipeline, changing=changing):
        if pipeline.metadata is not None:
            yield pipeline.metadata
            return
    names = ", ".join(sink.name for sink in pipeline.sinks)
    raise PluginError(
        f"report {pipeline.report}: no sink keeps a quarantine ({names}); set the"
        " report's metadata to the URI of a folder"
    )


def entries_of(
    pipeline: Pipeline,
    quarantine: ParquetQuarantine,
    choice: EntryFilter,
    *,
    discarded: bool = False,
) -> pl.DataFrame:
    """Return the matching entries: discarded ones if `discarded`, else the others.

    A type or field that no entry has is logged, as it may be a typing error.
    """
    entries = quarantine.discarded() if discarded else quarantine.entries()
    for what, wanted, column in (
        ("type", choice.kind, "error_type"),
        ("field", choice.field, "field"),
    ):
        existing = entries[column].drop_nulls().unique().sort().to_list()
        if wanted and existing and wanted not in existing:
            _log.warning(
                "no record in quarantine has the %s %s%s; known values: %s",
                what,
                one_line(wanted, 80),
                did_you_mean(wanted, existing),
                one_line(", ".join(existing)),
            )
    if choice.source_key:
        exact = choice._replace(exact=True)
        if (meant := exact.of(entries)).height:
            return meant  # an existing key wins over a file of the same name
        key = source_key_of(pipeline.source, choice.source_key)
        choice = exact._replace(source_key=key) if key != choice.source_key else choice
    return choice.of(entries)


def objects_of(entries: pl.DataFrame) -> list[str]:
    """Return the objects of entries, each once, in order."""
    return sorted(set(map(object_of, entries[SOURCE_KEY])))


def grouped(
    entries: pl.DataFrame, validators: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Count the entries for each reason, the most frequent reason first.

    Each row has the first and last time and one example of a source key.

    Args:
        entries: Result of `ParquetQuarantine.entries`.
        validators: Validators by run; if given, entries are also grouped by run and
            its validator.
    """
    keys = GROUP
    if validators is not None:
        known = pl.DataFrame(
            list(validators.items()),
            schema={"run_id": pl.String, "validator": pl.String},
            orient="row",
        )
        entries, keys = (
            entries.join(known, on="run_id", how="left"),
            [*GROUP, "run_id", "validator"],
        )
    return (
        entries.group_by(keys)
        .agg(
            pl.len().alias("count"),
            pl.col("rejected_at").min().alias("first"),
            pl.col("rejected_at").max().alias("last"),
            pl.col(SOURCE_KEY).min().alias("example"),
        )
        .sort("count", *keys, descending=[True, *(False for _ in keys)])
        .select(*keys, pl.col("count").cast(pl.Int64), "first", "last", "example")
    )


def validators_of(pipeline: Pipeline) -> dict[str, str]:
    """Return the validator of each run in the history."""
    history = pipeline.history
    records = history.records() if history is not None else ()
    return {
        run.run_id: used.name
        for run in records
        for used in run.steps
        if used.role == "validator"
    }


class QuarantinedRecord(NamedTuple):
    """A quarantined record in its current state.

    Attributes:
        source_key: Source key of the record.
        version: Current version of its object, or `None`.
        record: Content of the record, to be shown only to the person who asked for
            it; `None` if it no longer exists.
        note: Remark, for example that the object has changed; may be empty.
    """

    source_key: str
    version: str | None
    record: str | None
    note: str = ""


def read_records(
    pipeline: Pipeline, entries: pl.DataFrame
) -> Iterator[QuarantinedRecord]:
    """Yield the current records of these entries, each entry once.

    Raises:
        PluginError: The source cannot read single objects again.
    """
    source = pipeline.source
    check_replayable(pipeline)
    versions = dict(entries.select(SOURCE_KEY, "version").iter_rows())
    unread: dict[str, str] = {}
    for split in source.plan_replay(objects_of(entries)):
        for batch in source.read(split):
            unread.update(batch.unread)
            natural = source.natural_keys
            for record in _records(with_natural_keys(batch) if natural else batch):
                if record.source_key in versions:
                    before = versions.pop(record.source_key)
                    changed = (
                        f"its object has changed: version {before} was rejected, the"
                        f" current version is {record.version}"
                    )
                    yield (
                        record
                        if same_version(before, record.version)
                        else record._replace(
                            note="; ".join(filter(None, (record.note, changed)))
                        )
                    )
    for source_key in versions:
        reason = unread.get(object_of(source_key), unread.get(source_key))
        gone = {
            None: "the record no longer exists",
            "missing": "its object no longer exists",
        }
        yield QuarantinedRecord(
            source_key,
            None,
            None,
            gone.get(reason, f"its object could not be read: {reason}"),
        )


def _records(batch: Batch) -> Iterator[QuarantinedRecord]:
    """Yield the records of a batch as text."""
    for rejection in batch.rejected:
        note = (
            f"the source rejected it ({rejection.error_type}), so its values cannot be"
            " shown here; look at this source key in the source itself"
        )
        yield QuarantinedRecord(rejection.source_key, rejection.version, None, note)
    frame = batch.frame.iter_rows(named=True) if batch.frame is not None else ()
    texts = (
        [payload.decode("utf-8", "replace") for payload in batch.payloads]
        if batch.payloads is not None
        else [json.dumps(row, default=str, ensure_ascii=False) for row in frame]
    )
    for source_key, version, text in zip(
        batch.source_keys, batch.versions, texts, strict=True
    ):
        yield QuarantinedRecord(source_key, version, text)
