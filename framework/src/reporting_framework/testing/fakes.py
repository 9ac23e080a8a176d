"""Minimal parts of reports for running a plugin, and their assembly and execution."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import polars as pl
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict, override

from reporting_framework.builtin.engine import LocalEngine, LocalEngineSettings
from reporting_framework.execution.pipeline import Pipeline, metadata_of
from reporting_framework.execution.runner import run
from reporting_framework.plugin_api.engine import Engine
from reporting_framework.plugin_api.markers import hookimpl
from reporting_framework.plugin_api.records import (
    ROWS_ONLY,
    SOURCE_KEY,
    Batch,
    CommitContext,
    CommitResult,
    Rejection,
    Split,
    SplitResult,
    StagedPart,
    Validated,
)
from reporting_framework.plugin_api.result import Output, RunResult
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.plugin_api.sink import Sink
from reporting_framework.plugin_api.source import Source
from reporting_framework.plugin_api.transform import Transform
from reporting_framework.plugin_api.validator import Validator
from reporting_framework.registry.observers import Lifecycle
from reporting_framework.registry.registry import Registry

START = datetime(2024, 1, 1, tzinfo=UTC)


class Event(TypedDict):
    """Model of a record."""

    study: str
    number: int
    timestamp: datetime


SCHEMA = pl.Schema(
    {
        "study": pl.String(),
        "number": pl.Int64(),
        "timestamp": pl.Datetime("us", "UTC"),
        SOURCE_KEY: pl.String(),
    }
)
"""Schema of the frames of `EventValidator`."""


def event(number: int, *, study: str = "alpha", at: datetime | None = None) -> bytes:
    """Return a record on one line.

    Its time is `number` minutes after `START`, or `at`.
    """
    moment = at or START + timedelta(minutes=number)
    return json.dumps(
        {"study": study, "number": number, "timestamp": moment.isoformat()}
    ).encode()


def batch(*numbers: int, key: str = "given.ndjson", **more: Any) -> Batch:
    """Return a batch of valid events, one line of `key` for each number."""
    return Batch(
        source_keys=[f"{key}#{number}" for number in numbers],
        versions=["1"] * len(numbers),
        payloads=[event(number) for number in numbers],
        **more,
    )


class EventValidator(Validator):
    """Validator of payloads.

    It turns a record into an `Event`, or into a rejection with the first wrong field.
    """

    name: ClassVar[str] = "test-event"
    Settings: ClassVar[type[Settings]] = Settings
    schema: pl.Schema = SCHEMA
    _read = TypeAdapter(Event).validate_json

    @override
    def validate(self, batch: Batch) -> Validated:
        rows: list[tuple[Any, ...]] = []
        rejections: list[Rejection] = []
        for source_key, version, payload in zip(
            batch.source_keys, batch.versions, batch.payloads or (), strict=True
        ):
            try:
                record = type(self)._read(payload)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                field = str(first["loc"][0]) if first["loc"] else None
                rejections.append(Rejection(source_key, version, first["type"], field))
            else:
                rows.append(
                    (record["study"], record["number"], record["timestamp"], source_key)
                )
        return Validated(pl.DataFrame(rows, schema=SCHEMA, orient="row"), rejections)


class WithoutStudy(Transform):
    """Transform that drops the rows of one study."""

    name: ClassVar[str] = "test-without-study"
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, study: str) -> None:
        self.study = study

    @override
    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("study") != self.study)


class GivenRecords(Source):
    """Source of given records.

    `splits` holds the batches of each split by the split's id.
    """

    name: ClassVar[str] = "test-given"
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, splits: Mapping[str, Iterable[Batch]]) -> None:
        self.splits = splits

    def plan(self, ledger: object) -> Iterable[Split]:
        """See `Source.plan`. Like a push source, do not use the ledger."""
        return [Split(name, {}) for name in self.splits]

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        yield from self.splits[split.id]


class KeptRows(Sink):
    """Sink that keeps rows in memory, without a ledger.

    Attributes:
        rows: The committed rows.
    """

    name: ClassVar[str] = "test-kept"
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Any = None) -> None:
        self.rows: list[dict[str, Any]] = []

    def ledger(self) -> None:
        """See `Sink.ledger`."""

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        return StagedPart(frame.height, frame.to_dicts())

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        new = [row for staged_part in staged_parts for row in staged_part.data]
        self.rows += new
        return CommitResult(
            [
                Output(
                    uri="memory://kept", rows=len(self.rows), new_rows=len(new), bytes=0
                )
            ]
        )


class Notes:
    """Observer that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.split_results: list[SplitResult] = []
        self.rejections: list[Rejection] = []
        self.error: BaseException | None = None

    @hookimpl
    def reporting_run_started(self) -> None:
        """Record the start of the run."""
        self.calls.append("started")

    @hookimpl
    def reporting_split_finished(self, split_result: SplitResult) -> None:
        """Record the split's result."""
        self.calls.append("split")
        self.split_results.append(split_result)

    @hookimpl
    def reporting_records_rejected(self, rejections: Sequence[Rejection]) -> None:
        """Record the rejections."""
        self.calls.append("rejected")
        self.rejections += rejections

    @hookimpl
    def reporting_run_finished(self) -> None:
        """Record the end of the run."""
        self.calls.append("finished")

    @hookimpl
    def reporting_run_failed(self, error: BaseException) -> None:
        """Record the run's error."""
        self.calls.append("failed")
        self.error = error


def lifecycle(*observers: object) -> Lifecycle:
    """Return a lifecycle that calls these observers and no others.

    Installed plugins are not discovered.
    """
    registry = Registry()
    for observer in observers:
        registry.register(observer)
    return registry.lifecycle()


def pipeline(
    source: Source,
    *sinks: Sink,
    validator: Validator | None = None,
    transforms: Sequence[Transform] = (),
    engine: Engine | None = None,
    metadata: str | None = None,
) -> Pipeline:
    """Return these parts as a report's pipeline.

    Validator and engine default to `EventValidator` and the local engine. The metadata
    store is at `metadata`, or by default at the first sink's location.
    """
    built = Pipeline(
        report="test",
        source=source,
        validator=validator or EventValidator(),
        transforms=transforms,
        sinks=sinks,
        engine=engine or LocalEngine(LocalEngineSettings()),
        schema=SCHEMA,
    ).guarded()
    return built._replace(metadata=metadata_of("test", metadata, built.sinks))


def execute(pipeline: Pipeline, *observers: object, **how: Any) -> RunResult:
    """Run a pipeline, check that the counts add up, and return the result."""
    result = run(pipeline, lifecycle=lifecycle(*observers), **how)
    kept = result.accepted + result.rejected + result.filtered + result.duplicates
    assert result.records_read == kept, (
        "read = accepted + rejected + filtered + duplicates"
    )
    return result
