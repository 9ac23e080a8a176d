"""Promises of an observer, which implements lifecycle hooks."""

from __future__ import annotations

import copy
import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from reporting_framework.errors import StepFailed
from reporting_framework.execution.runner import run
from reporting_framework.plugin_api.records import Batch, Rejection, Split, SplitResult
from reporting_framework.plugin_api.result import RunResult, Step
from reporting_framework.registry.observers import LIFECYCLE_HOOKS, Lifecycle
from reporting_framework.registry.registry import load_plugins
from reporting_framework.testing.contracts.base import (
    CANARY,
    assert_no_value_shown,
    few,
)
from reporting_framework.testing.fakes import (
    SCHEMA,
    GivenRecords,
    KeptRows,
    WithoutStudy,
    batch,
    event,
    pipeline,
)

MOMENT = {"run_id", "seconds"}
"""Fields of a result that differ from run to run."""

STEPS = [Step(role="source", name="test-given", distribution="test", version="1")]


class ObserverContract:
    """Promises of an observer.

    The suite calls it with real runs: successful, partial and failing runs.

    Required:
        plugin: Class attribute: the module or object that implements the hooks, or a
            class that is called without arguments to make one. Not needed if `observer`
            is given.

    Optional:
        observer: Fixture: the object that implements the hooks.
    """

    plugin: ClassVar[Any]

    @pytest.fixture
    def observer(self) -> Any:
        """Return the object that implements the hooks."""
        return self.plugin() if isinstance(self.plugin, type) else self.plugin

    @pytest.fixture
    def output(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> Callable[[], Mapping[str, str]]:
        """Return a function that returns all log lines and printed text, by place."""
        caplog.set_level(logging.DEBUG, logger="reporting_framework")

        def read() -> Mapping[str, str]:
            out, err = capfd.readouterr()
            return {"the log": caplog.text, "stdout": out, "stderr": err}

        return read

    def test_it_can_be_registered(self, observer: Any) -> None:
        """Check that it implements lifecycle hooks, and no unknown hooks."""
        registry = load_plugins([])
        registry.register(observer)
        hooks = [name for name in LIFECYCLE_HOOKS if hasattr(observer, name)]
        assert hooks, (
            f"an observer implements at least one of {', '.join(LIFECYCLE_HOOKS)}"
        )

    @pytest.mark.parametrize("kind", ["good", "mixed", "empty"])
    def test_it_does_not_raise(self, observer: Any, kind: str) -> None:
        """Check the calls of a real run; the framework would only log an error."""
        with (watched := _Watched(observer)) as lifecycle:
            for _ in range(2):
                _ran(kind, lifecycle)
        assert not watched.raised, f"an observer does not raise: {few(watched.raised)}"

    def test_it_does_not_raise_when_a_run_fails(self, observer: Any) -> None:
        """Check the calls of a failing run, with any error at any time."""
        with (watched := _Watched(observer)) as lifecycle:
            _failed(lifecycle)
            for error in (KeyboardInterrupt(), MemoryError(), _Silent()):
                lifecycle.run_failed(report="other", run_id="1", error=error)
        assert not watched.raised, (
            f"an observer does not raise when a run fails: {few(watched.raised)}"
        )

    @pytest.mark.parametrize("kind", ["good", "mixed"])
    def test_a_run_is_the_same_without_it(self, observer: Any, kind: str) -> None:
        """Check that result and split results are the same without the observer."""
        alone, observed = (
            _ran(kind, load_plugins([]).lifecycle()),
            _ran(kind, _Watched(observer).lifecycle),
        )
        due, actual = (
            alone.model_dump(exclude=MOMENT),
            observed.model_dump(exclude=MOMENT),
        )
        changed = [name for name in due if due[name] != actual[name]]
        assert not changed, (
            f"a run is the same with an observer and without: {few(changed)} differ"
        )

    def test_it_changes_nothing_that_it_gets(self, observer: Any) -> None:
        """Check that it does not modify split results and rejections."""
        split_result = SplitResult(
            Split("s", {"a": 1}),
            ["a.json"],
            1,
            [Rejection("b.json", "1", "missing", "x")],
        )
        before, lifecycle = copy.deepcopy(split_result), _Watched(observer).lifecycle
        lifecycle.run_started(
            report="test", run_id="1", inputs=["s3://in/a"], steps=STEPS, schema=SCHEMA
        )
        lifecycle.split_finished(
            report="test",
            run_id="1",
            split=split_result.split,
            split_result=split_result,
        )
        lifecycle.records_rejected(
            report="test", run_id="1", rejections=split_result.rejections
        )
        assert split_result == before, "an observer changes nothing that it receives"

    def test_it_keeps_no_outcome(self, observer: Any) -> None:
        """Check that it retains no split result, which would hold memory."""
        gc.collect()
        before = {
            id(candidate)
            for candidate in gc.get_objects()
            if type(candidate) is SplitResult
        }
        _ran("mixed", _Watched(observer).lifecycle)
        gc.collect()
        kept = [
            candidate
            for candidate in gc.get_objects()
            if type(candidate) is SplitResult and id(candidate) not in before
        ]
        assert not kept, f"an observer keeps no split result: {len(kept)} are held"

    def test_no_value_is_shown(
        self, observer: Any, output: Callable[[], Mapping[str, str]]
    ) -> None:
        """Check that no value is shown, not even from the message of an error."""
        watched = _Watched(observer).lifecycle
        _failed(watched)
        watched.run_failed(report="test", run_id="1", error=ValueError(CANARY))
        assert_no_value_shown(output())


class _Silent(BaseException):
    """Error without a message."""


class _Watched(logging.Handler):
    """Observer and its errors, which the framework only logs."""

    def __init__(self, observer: Any) -> None:
        super().__init__(logging.WARNING)
        self.raised: list[str] = []
        registry = load_plugins([])
        registry.register(observer)
        self.lifecycle = registry.lifecycle()

    def __enter__(self) -> Lifecycle:
        logging.getLogger("reporting_framework.registry.observers").addHandler(self)
        return self.lifecycle

    def __exit__(self, *_: object) -> None:
        logging.getLogger("reporting_framework.registry.observers").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Record the error."""
        self.raised.append(record.getMessage().partition(": ")[2].partition(";")[0])


def _ran(kind: str, lifecycle: Lifecycle) -> RunResult:
    """Run a small report with an observer."""
    batches: dict[str, Iterator[Batch]] = {
        "good": iter([batch(1, 2), batch(3)]),
        "mixed": iter([_mixed()]),
        "empty": iter([Batch()]),
        "failing": _failing(),
    }
    given = GivenRecords(
        {}
        if kind == "empty"
        else {"first": batches[kind], "second": [batch(7, key="more.ndjson")]}
    )
    return run(
        pipeline(given, KeptRows(), transforms=[WithoutStudy("beta")]),
        lifecycle=lifecycle,
    )


def _mixed() -> Batch:
    """Return records that are kept, rejected and filtered."""
    payloads = [
        event(1),
        CANARY.encode(),
        event(2, study="beta"),
        b'{"study": "' + CANARY.encode() + b'"}',
    ]
    return Batch([f"mixed.ndjson#{line}" for line in range(1, 5)], ["1"] * 4, payloads)


def _failing() -> Iterator[Batch]:
    yield _mixed()
    raise ValueError(CANARY)


def _failed(lifecycle: Lifecycle) -> None:
    """Run a report that fails with a value in its error, with an observer."""
    try:
        _ran("failing", lifecycle)
    except StepFailed:
        return
    raise AssertionError("the run fails")
