"""Checks of a report: made of its specification, and judged before the commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from reporting_framework.checks.base import RunFacts
from reporting_framework.checks.catalog import checks_of
from reporting_framework.checks.key_rules import ForeignKey
from reporting_framework.checks.resolution import (
    VERSION_COLUMNS,
    Prospect,
    Staged,
    live_rows,
    run_rows,
    table_rows,
)
from reporting_framework.errors import SettingsError
from reporting_framework.execution.pipeline import NO_METADATA, close, close_source
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import SOURCE_KEY, StagedPart
from reporting_framework.plugin_api.result import CheckOutcome
from reporting_framework.tables.staging import StagedFrames

if TYPE_CHECKING:
    from reporting_framework.checks.base import Check
    from reporting_framework.checks.rows import Rows
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.sink import Sink


NO_TABLE = (
    'none of the sinks can be read; set over = "run", or add a sink that can be read'
)
"""Explanation for a check of the table, with the fix."""


class JudgedTable(NamedTuple):
    """Table that checks judge: that of the first sink that can be read.

    Attributes:
        sink: The sink.
        mode: Its write mode.
        columns: Columns of the report.
        key: Columns that identify a row; empty: the source key.
    """

    sink: Sink
    mode: WriteMode
    columns: Sequence[str]
    key: Sequence[str] = ()


class ReportChecks:
    """Checks of one report.

    Args:
        report: Name of the report.
        checks: Its checks.
        schema: Columns of the rows that are staged for checks.
        table: The judged table, `None` if no sink can be read.
        references: Pipelines of other reports, by name.
    """

    def __init__(
        self,
        report: str,
        checks: Sequence[Check],
        schema: pl.Schema,
        table: JudgedTable | None,
        references: Mapping[str, Pipeline],
    ) -> None:
        self.checks = checks
        self._report, self._owner = report, Owner(report, "checks of", "rows")
        self._schema, self._table, self._references = schema, table, references
        self._area = StagedFrames()

    @property
    def blocking(self) -> frozenset[str]:
        """Names of the checks that stop the commit if they fail."""
        replaces = self._table is not None and self._table.mode == "replace"
        return frozenset(
            check.name for check in self.checks if check.blocks or replaces
        )

    def stage(self, frame: pl.DataFrame) -> StagedPart:
        """Keep the columns that checks read, on the local disk; thread-safe."""
        rows = frame.select(self._schema.names())
        return StagedPart(rows.height, call(self._owner, self._area.add, rows))

    def judge(
        self, parts: Sequence[StagedPart], prospect: Prospect, facts: RunFacts
    ) -> list[CheckOutcome]:
        """Judge all checks, on the staged rows and the table as it is now.

        Args:
            parts: What `stage` returned, in the order of the plan.
            prospect: How the commit changes the table; its mode is that of the table.
            facts: Facts about the run.

        Raises:
            ReportingError: A table cannot be read.
        """
        return call(self._owner, self._judge, parts, prospect, facts)

    def _judge(
        self, parts: Sequence[StagedPart], prospect: Prospect, facts: RunFacts
    ) -> list[CheckOutcome]:
        rows_staged = sum(part.rows for part in parts)
        staged = Staged(
            [part.data for part in parts], rows_staged, self._schema, self._area
        )
        outcomes: dict[str, CheckOutcome] = {}
        for over in ("run", "table"):
            checks = [check for check in self.checks if check.settings.over == over]
            if not checks:
                continue
            for check in checks:
                if isinstance(check, ForeignKey):
                    self._refer(check)
            outcomes |= _judged(checks, self._rows(over, staged, prospect), facts)
        return [outcomes[check.name] for check in self.checks]

    def _refer(self, check: ForeignKey) -> None:
        """Give a check the table that its keys must be in."""
        rows = self._reference_rows[check.settings.report]
        if rows is not None:
            bind_reference(self._report, check, self._schema, rows.collect_schema())
        check.reference = rows

    def _rows(self, over: str, staged: Staged, prospect: Prospect) -> Rows:
        if over == "run" or self._table is None:
            return run_rows(staged)
        sink, mode, columns, key = self._table
        prospect = prospect._replace(mode=mode)
        return table_rows(staged, sink.scan(), prospect, columns, key)

    @cached_property
    def _reference_rows(self) -> Mapping[str, pl.LazyFrame | None]:
        """Tables that foreign keys refer to, opened when they are first needed."""
        return {name: _rows_of(pipeline) for name, pipeline in self._references.items()}

    def close(self) -> None:
        """Remove staged rows, and close the tables that foreign keys refer to."""
        self._area.clear()
        for pipeline in self._references.values():
            close(pipeline)


def bind_checks(
    pipeline: Pipeline,
    composition: PipelineSpec,
    assemble: Callable[[str, PipelineSpec], Pipeline],
) -> Pipeline:
    """Return a pipeline with the checks of its composition.

    Args:
        pipeline: The report without checks.
        composition: Its specification.
        assemble: Function that assembles another report.

    Raises:
        ReportingError: The settings of a check are wrong, no sink can be read for the
            table, or another report cannot be assembled.
    """
    report, schema = pipeline.report, pipeline.schema
    checks = checks_of(report, composition.checks, schema)
    table = _judged_table(pipeline)
    for check in checks:
        over, kind = check.settings.over, check.kind
        if over == "table" and table is None:
            raise SettingsError(f"report {report}: check {kind}: {NO_TABLE}")
        if kind == "row_count_change" and pipeline.metadata is None:
            raise SettingsError(f"report {report}: check {kind}: {NO_METADATA}")
    references: dict[str, Pipeline] = {}
    for check in checks:
        if isinstance(check, ForeignKey):
            name = check.settings.report
            other = references.get(name) or _reference(
                report, name, composition, assemble
            )
            references[name] = other
            bind_reference(report, check, schema, other.schema or None)
    needed = {SOURCE_KEY, *(name for check in checks for name in check.columns)}
    needed |= set(table.key) if table is not None else set()
    staged = pl.Schema({name: schema[name] for name in schema if name in needed})
    if not pipeline.appends:
        staged = pl.Schema({**staged, **VERSION_COLUMNS})
    return pipeline._replace(
        checks=ReportChecks(report, checks, staged, table, references)
    )


def _judged_table(pipeline: Pipeline) -> JudgedTable | None:
    for sink, mode in zip(pipeline.sinks, pipeline.modes, strict=True):
        if supports(sink, "scan"):
            return JudgedTable(sink, mode, pipeline.schema.names(), sink.row_key)
    return None


def _reference(
    report: str,
    name: str,
    composition: PipelineSpec,
    assemble: Callable[[str, PipelineSpec], Pipeline],
) -> Pipeline:
    """Assemble another report for its table; its source is not asked."""
    spec = composition.references.get(name)
    if spec is None:
        raise SettingsError(
            f"report {report}: check foreign_key: report {name} is not known here; put"
            " its composition into references"
        )
    other = assemble(name, spec._replace(checks=(), references={}, contract=None))
    close_source(other)
    check_readable(report, name, other.sinks)
    return other


def check_readable(report: str, other: str, sinks: Sequence[Any]) -> None:
    """Check that a sink of another report can be read.

    Raises:
        SettingsError: None can.
    """
    if not any(supports(sink, "scan") for sink in sinks):
        raise SettingsError(
            f"report {report}: check foreign_key: none of the sinks of report {other}"
            " can be read; name a report with one that can"
        )


def bind_reference(
    report: str, check: ForeignKey, schema: pl.Schema, other: pl.Schema | None
) -> None:
    """Check that a foreign key fits the other table; see `ForeignKey`.

    Raises:
        SettingsError: It does not.
    """
    try:
        check.bind_reference(schema, other)
    except SettingsError as error:
        raise SettingsError(f"report {report}: {error}") from None


def _rows_of(pipeline: Pipeline) -> pl.LazyFrame | None:
    """Return the table of a report, without deleted rows; `None` if there is none."""
    for sink in pipeline.open_sinks():
        if supports(sink, "scan"):
            rows = sink.scan()
            return None if rows is None else live_rows(rows)
    return None


def _judged(
    checks: Sequence[Check], rows: Rows, facts: RunFacts
) -> dict[str, CheckOutcome]:
    """Judge the checks of one scope, by name."""
    wanted = [check.aggregates(facts) for check in checks]
    values: list[Any] = rows.measure([one for each in wanted for one in each])
    outcomes = {}
    for check, own in zip(checks, wanted, strict=True):
        given, values = values[: len(own)], values[len(own) :]
        verdict = check.judge(given, rows, facts)
        outcomes[check.name] = CheckOutcome(
            name=check.name,
            check=check.kind,
            columns=list(check.columns),
            over=check.settings.over,
            severity=check.settings.severity,
            passed=verdict.passed,
            measured=dict(verdict.measured),
            problem=verdict.problem,
        )
    return outcomes
