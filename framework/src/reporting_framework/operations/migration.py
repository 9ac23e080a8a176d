"""Migration of a report's table to another sink: rows, versions and source state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from reporting_framework.errors import CommitConflict, ObjectMissing, PluginError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.plugin_building import plugin_of
from reporting_framework.execution.plugin_errors import call, owner_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    VERSION,
    CommitContext,
    Split,
    StagedPart,
)
from reporting_framework.storage.row_versions import VERSION_COLUMNS

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import CommitResult, WriteMode
    from reporting_framework.plugin_api.report import PluginRef
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.registry.registry import Registry

PART_ROWS = 262_144
"""Number of rows that are read and staged at once."""


class Migrated(NamedTuple):
    """Result of a migration.

    Attributes:
        sink: Name of the sink that has the rows now.
        result: Result of its commit.
        left_out: Columns of the old table that the report no longer has.
    """

    sink: str
    result: CommitResult
    left_out: Sequence[str]


def migrate(pipeline: Pipeline, old: PluginRef, registry: Registry) -> Migrated:
    """Copy the table of another sink into the first sink of a report, in one commit.

    The old table stays as it is. No run of the report may go on meanwhile.

    Args:
        pipeline: The report, with its new sink.
        old: The sink that has the rows, as the report named it before.
        registry: The plugins.

    Raises:
        CommitConflict: The new sink has rows already.
        ObjectMissing: The old sink has no table.
        PluginError: A sink cannot be read.
    """
    with prepared(pipeline, changing=True) as sinks:
        new, mode = sinks[0], pipeline.modes[0]
        _check_empty(pipeline.report, new)
        source = plugin_of(pipeline.report, "sink", old, registry)
        pipeline.open_sink(source, mode)
        try:
            return _copied(pipeline, source, new, mode)
        finally:
            source.close()


def _check_empty(report: str, sink: Sink) -> None:
    """Refuse a sink that has rows, or that does not show whether it has any.

    Raises:
        CommitConflict: It has rows.
        PluginError: It cannot be read.
    """
    if not supports(sink, "scan"):
        raise PluginError(
            f"report {report}: sink {sink.name} cannot be read, so a table cannot be"
            " migrated to it; choose another sink"
        )
    ledger = call(owner_of(sink), sink.ledger)
    found = call(owner_of(sink), sink.scan)
    if found is not None or (ledger is not None and ledger.rows):
        raise CommitConflict(
            f"report {report}: sink {sink.name} has a table already, and nothing was"
            f" changed; reset it first: reporting state {report} reset"
        )


def _copied(pipeline: Pipeline, old: Sink, new: Sink, mode: WriteMode) -> Migrated:
    report, owner = pipeline.report, owner_of(new)
    rows = call(owner_of(old), old.scan)
    if rows is None:
        raise ObjectMissing(
            f"report {report}: sink {old.name} has no table at the place given; check"
            " its settings"
        )
    columns = _columns(pipeline.schema, mode)
    present = call(owner_of(old), rows.collect_schema)
    wanted = rows.select(
        pl.col(name).cast(kind) if name in present else pl.lit(None, kind).alias(name)
        for name, kind in columns.items()
    )
    split, staged = Split("migration", {}), list[StagedPart]()
    begin = 0
    while True:
        part = call(owner_of(old), wanted.slice(begin, PART_ROWS).collect)
        if not part.height:
            break
        staged.append(call(owner, new.stage, part, split, len(staged)))
        begin += part.height
    state = call(owner_of(old), old.load_state)
    context = CommitContext(state=state, at=datetime.now(UTC))
    result = call(owner, new.commit, staged, context)
    kept = {*columns, *VERSION_COLUMNS}
    return Migrated(new.name, result, [name for name in present if name not in kept])


def _columns(schema: pl.Schema, mode: WriteMode) -> dict[str, Any]:
    """Return the columns of staged rows, those of versions last."""
    if mode == "append":
        return dict(schema)
    return {
        **schema,
        VERSION: VERSION_COLUMNS[VERSION],
        DELETED_AT: VERSION_COLUMNS[DELETED_AT],
    }
