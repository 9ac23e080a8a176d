"""Columns of a source: what changed, and what a contract makes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework._text.messages import one_line
from reporting_framework.errors import ReportingError, SchemaChanged, SettingsError
from reporting_framework.execution.pipeline import NO_METADATA
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.result import SchemaChange

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.recorder import Recorder
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.report import Contract
    from reporting_framework.plugin_api.source import Source

_log = logging.getLogger(__name__)

MAX_NAMED = 5
"""Maximum number of changes that a message names."""

POSITION = "position"
"""Hint with the position from which the next reading will begin."""

NO_COLUMNS = (
    "source or validator takes no columns from the source; use a source that knows its"
    " columns, with the validator frame"
)
"""Explanation for a contract without columns, with the fix."""


class SourceSchema(NamedTuple):
    """Columns of a source, and those of them that a report takes.

    Attributes:
        source: Columns that the source has.
        taken: Columns that the validator was given.
        contract: Contract mode of the report, if it has one.
    """

    source: pl.Schema
    taken: pl.Schema
    contract: Contract | None = None


def columns_of(source: Source, metadata: MetadataStore | None) -> pl.Schema | None:
    """Return the columns of a source, `None` if it does not know them.

    A source that sees only a sample is given the columns of the last run first. If
    these cannot be read, it goes on without them.

    Args:
        source: The source, guarded.
        metadata: Metadata store of the report.

    Raises:
        ReportingError: The columns cannot be looked up.
    """
    history = metadata.history if metadata is not None else None
    if history is not None and supports(source, "use_known_columns"):
        try:
            known = history.schemas()
        except ReportingError as error:
            known = None
            _log.warning("which columns the last run had is not known: %s", error)
        if known is not None:
            source.use_known_columns(known[0])
            _use_position(source, metadata)
    return source.schema()


def _use_position(source: Source, metadata: MetadataStore | None) -> None:
    """Give a source the position at which its sample may begin, if it is known."""
    if metadata is None or not supports(source, "use_last_position"):
        return
    try:
        position = metadata.stored_hints().get(POSITION)
    except ReportingError as error:
        _log.debug("where the last reading ended is not known: %s", error)
        return
    if isinstance(position, dict):
        source.use_last_position(position)


def source_schema_of(
    report: str,
    columns: pl.Schema | None,
    contract: Contract | None,
    metadata: MetadataStore | None,
) -> SourceSchema | None:
    """Return the columns of a source, `None` if it does not know them.

    Args:
        report: Name of the report.
        columns: Columns that the source has.
        contract: Contract mode of the report.
        metadata: Metadata store of the report.

    Raises:
        SchemaChanged: The contract is ``evolve``, and the type of a column cannot be
            widened.
        SettingsError: There is a contract, and no columns or no history to compare
            them with.
        ReportingError: There is a contract, and the history cannot be read.
    """
    if contract is None:
        return None if columns is None else SourceSchema(columns, columns)
    if columns is None:
        raise SettingsError(f"report {report}: contract: {NO_COLUMNS}")
    if metadata is None or metadata.history is None:
        raise SettingsError(f"report {report}: contract: {NO_METADATA}")
    taken = columns
    if contract != "freeze" and (known := metadata.history.schemas()) is not None:
        from reporting_framework.execution.schema_widening import (
            widened,
        )  # only a contract needs it

        taken = known[1]
        if contract == "evolve":
            taken = widened(report, taken, columns)
    return SourceSchema(columns, taken, contract)


def schema_changes(
    pipeline: Pipeline, recorder: Recorder | None = None
) -> list[SchemaChange]:
    """Return what changed at the source since the last run; each change is logged.

    With the contract ``discard``, every run compares with the columns that the report
    takes.

    Args:
        pipeline: The report.
        recorder: Recorder of the run, for a run that is refused.

    Raises:
        SchemaChanged: The contract is ``freeze``, and something changed.
        ReportingError: There is a contract, and the history cannot be read.
    """
    schema = pipeline.source_schema
    if schema is None or pipeline.history is None:
        return []
    try:
        known = pipeline.history.schemas()
    except ReportingError as error:
        if schema.contract is not None:
            raise
        _log.warning("whether the source has other columns is not known: %s", error)
        return []
    if known is None:
        return []
    before = known[1] if schema.contract == "discard" else known[0]
    changes = list(compared(before, schema.source))
    if not changes:
        return []
    subject = f"report {pipeline.report}: the columns of the source changed"
    if schema.contract == "freeze":
        if recorder is not None:
            recorder.use_history()
        raise SchemaChanged(
            f"{subject}: {sentence(changes)}; contract is freeze, and nothing was read:"
            " restore the source, or accept its columns by one run with contract"
            " evolve",
            changes,
        )
    effect = "; contract is discard, and the table keeps its columns"
    _log.warning(
        "%s: %s%s",
        subject,
        sentence(changes),
        effect if schema.contract == "discard" else "",
    )
    return changes


def compared(before: pl.Schema, now: pl.Schema) -> Iterator[SchemaChange]:
    """Yield columns that appeared, vanished or changed their type."""
    for name, dtype in now.items():
        if name not in before:
            yield SchemaChange(column=name, change="added", after=str(dtype))
        elif before[name] != dtype:
            yield SchemaChange(
                column=name,
                change="retyped",
                before=str(before[name]),
                after=str(dtype),
            )
    for name, dtype in before.items():
        if name not in now:
            yield SchemaChange(column=name, change="removed", before=str(dtype))


def sentence(changes: Sequence[SchemaChange]) -> str:
    """Return changes in words."""
    texts = [change_text(change) for change in changes[:MAX_NAMED]]
    more = len(changes) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def change_text(change: SchemaChange) -> str:
    """Return a change in words."""
    name = one_line(change.column, 80)
    if change.change == "added":
        return f"{name} is new ({change.after})"
    if change.change == "removed":
        return f"{name} is gone ({change.before})"
    return f"{name} is {change.after}, not {change.before}"
