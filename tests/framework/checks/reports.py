"""A report of frames with checks: a source of given frames, the validator for frames, and a real table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
    PipelineSpec,
    PluginRef,
    Sink,
    Source,
    Split,
)
from reporting_framework.builtin.engine import LocalEngine, LocalEngineSettings
from reporting_framework.builtin.frame_settings import FrameSettings
from reporting_framework.builtin.frame_validator import FrameValidator
from reporting_framework.execution.pipeline import Pipeline, metadata_of
from reporting_framework.execution.report_checks import bind_checks
from reporting_framework.execution.runner import run
from reporting_framework.execution.source_schema import source_schema_of
from reporting_framework.plugin_api.report import CheckRef
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.plugin_api.source import PlanStats
from reporting_framework.testing.fakes import lifecycle
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from reporting_object_store.settings import ParquetCheckpointSettings
from tests.framework.tables.databases import SqliteTable

NOW = datetime.now(UTC).replace(microsecond=0)
MOMENT = pl.Datetime("us", "UTC")

COLUMNS = pl.Schema(
    {
        "id": pl.Int64(),
        "sku": pl.String(),
        "price": pl.Float64(),
        "day": pl.Date(),
        "at": MOMENT,
    }
)


class Given(Source):
    """Source of given frames, each a split; columns `key`, `version` and `gone` are not the report's."""

    name, output_format, versions_ordered = "given", "frames", True

    def __init__(
        self,
        frames: Sequence[pl.DataFrame],
        *,
        schema: pl.Schema = COLUMNS,
        snapshot: bool = False,
        stopped: bool = False,
    ) -> None:
        self.frames, self.columns = list(frames), schema
        self.snapshot, self.stopped = snapshot, stopped

    def schema(self) -> pl.Schema:
        return self.columns

    def plan(self, progress: object) -> Iterable[Split]:
        return [
            Split(str(number), {"number": number}) for number in range(len(self.frames))
        ]

    def plan_replay(self, keys: Sequence[str]) -> Iterable[Split]:
        return self.plan(None)

    def plan_stats(self) -> PlanStats:
        return PlanStats(
            snapshot=self.snapshot, exhausted=not self.stopped, stopped=self.stopped
        )

    def read(self, split: Split) -> Iterable[Batch]:
        frame = self.frames[split.data["number"]]
        live, gone = frame.filter(~pl.col("gone")), frame.filter("gone")
        deletes = gone.select(
            pl.col("key").alias(SOURCE_KEY),
            pl.col("version").alias(VERSION),
            pl.lit(NOW, MOMENT).alias(DELETED_AT),
        )
        yield Batch(
            source_keys=live["key"],
            versions=live["version"],
            frame=live.select(self.columns.names()),
            deletes=deletes if gone.height else None,
        )


def rows(*records: dict[str, Any]) -> pl.DataFrame:
    """Return records as a frame; each has a source key of its own unless it says another."""
    plain = {
        "id": 1,
        "sku": "A",
        "price": 1.0,
        "day": NOW.date(),
        "at": NOW,
        "version": "1",
        "gone": False,
    }
    full = [{"key": f"k{record.get('id', 1)}", **plain, **record} for record in records]
    schema = {
        **COLUMNS,
        "key": pl.String(),
        "version": pl.String(),
        "gone": pl.Boolean(),
    }
    return pl.DataFrame(full, schema=schema)


def parquet(folder: Path) -> Sink:
    """Return a checkpoint in a folder."""
    settings = ParquetCheckpointSettings(
        uri=str(folder / "table.parquet"), timestamp="at"
    )
    return ParquetCheckpoint(settings)


def sqlite(folder: Path) -> Sink:
    """Return a table of SQLite in a folder."""
    settings = SqliteTable.Settings(
        path=str(folder / "table.db"), table="rows", timestamp="at"
    )
    return SqliteTable(settings)


def keyed_sqlite(folder: Path) -> Sink:
    """Return a table of SQLite with a primary key of its own."""
    settings = SqliteTable.Settings(
        path=str(folder / "table.db"),
        table="rows",
        timestamp="at",
        primary_key=["id"],
    )
    return SqliteTable(settings)


def report(
    folder: Path,
    source: Source,
    *checks: dict[str, Any],
    mode: str = "append",
    sinks: Callable[[Path], Sink] | Sequence[Sink] = parquet,
    references: dict[str, Pipeline] | None = None,
    contract: str | None = None,
    rules: FrameSettings | None = None,
) -> Pipeline:
    """Return a report with checks, as they are written in a file."""
    validator = FrameValidator(rules or FrameSettings())
    made = [sinks(folder)] if callable(sinks) else list(sinks)
    metadata = metadata_of("prices", str(folder / "meta"), made)
    columns = source_schema_of("prices", source.schema(), contract, metadata)
    validator.bind(columns.taken)
    built = Pipeline(
        report="prices",
        source=source,
        validator=validator,
        transforms=(),
        sinks=made,
        write_modes=[mode] * len(made),
        engine=LocalEngine(LocalEngineSettings()),
        schema=validator.schema,
    ).guarded()
    built = built._replace(metadata=metadata, source_schema=columns)
    if not checks:
        return built
    refs = [
        CheckRef(check["check"], {k: v for k, v in check.items() if k != "check"})
        for check in checks
    ]
    others = references or {}
    none = PluginRef("none")
    spec = PipelineSpec(
        none,
        none,
        [none],
        checks=refs,
        references=dict.fromkeys(others, PipelineSpec(none, none, [none])),
    )
    return bind_checks(built, spec, lambda name, _: others[name])


def execute(pipeline: Pipeline, **how: Any) -> RunResult:
    """Run a report."""
    return run(pipeline, lifecycle=lifecycle(*how.pop("observers", ())), **how)


def outcomes(result: RunResult) -> dict[str, bool | None]:
    """Return whether each check passed, by its kind."""
    return {outcome.check: outcome.passed for outcome in result.checks}
