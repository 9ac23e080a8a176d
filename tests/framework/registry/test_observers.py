"""Observers: told in order, with the arguments they ask for, and none of them can do harm."""

import logging

import polars as pl
import pytest

from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.markers import hookimpl
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.registry.registry import load_plugins

STARTED = {
    "report": "r",
    "run_id": "1",
    "inputs": ["s3://b/in"],
    "steps": [],
    "schema": pl.Schema(),
}
RESULT = RunResult(report="r", run_id="1", status="ok", complete=True)


class Notes:
    """An observer that notes what it is told."""

    def __init__(self):
        self.told = []

    @hookimpl
    def reporting_run_started(self, report, inputs):
        self.told.append(("started", report, inputs))

    @hookimpl
    def reporting_split_finished(self, run_id, split, split_result):
        self.told.append(("split", run_id, split, split_result))

    @hookimpl
    def reporting_records_rejected(self, rejections):
        self.told.append(("rejected", rejections))

    @hookimpl
    def reporting_run_finished(self, result):
        self.told.append(("finished", result))

    @hookimpl
    def reporting_run_failed(self, report, error):
        self.told.append(("failed", report, error))


class Failing:
    """An observer that raises whenever it is told."""

    def __init__(self, error):
        self.error = error

    @hookimpl
    def reporting_run_started(self):
        raise self.error

    @hookimpl
    def reporting_split_finished(self):
        raise self.error


def test_an_observer_is_told_of_everything_with_the_arguments_it_asks_for():
    registry, notes, error = load_plugins([]), Notes(), ValueError()
    registry.register(notes)
    lifecycle = registry.lifecycle()
    lifecycle.run_started(**STARTED)
    lifecycle.split_finished(report="r", run_id="1", split="s", split_result="o")
    lifecycle.records_rejected(report="r", run_id="1", rejections=["x"])
    lifecycle.run_finished(result=RESULT)
    lifecycle.run_failed(report="r", run_id="1", error=error)
    assert notes.told == [
        ("started", "r", ["s3://b/in"]),
        ("split", "1", "s", "o"),
        ("rejected", ["x"]),
        ("finished", RESULT),
        ("failed", "r", error),
    ]


def test_a_failing_observer_is_logged_once_by_type_only_and_stops_neither_the_others_nor_the_run(
    caplog,
):
    registry, before, after = load_plugins([]), Notes(), Notes()
    registry.register(before)
    registry.register(Failing(ValueError("SECRET-VALUE")), "failing")
    registry.register(after)
    lifecycle = registry.lifecycle()
    with caplog.at_level(logging.DEBUG):
        lifecycle.run_started(**STARTED)
        for _ in range(3):
            lifecycle.split_finished(
                report="r", run_id="1", split="s", split_result="o"
            )
    assert [len(before.told), len(after.told)] == [4, 4]
    assert [record.getMessage() for record in caplog.records] == [
        "observer failing: reporting_run_started raised ValueError; the run goes on",
        "observer failing: reporting_split_finished raised ValueError; the run goes on",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_ctrl_c_passes():
    registry = load_plugins([])
    registry.register(Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        registry.lifecycle().run_started(**STARTED)


def test_an_observer_does_not_end_the_process(caplog):
    registry = load_plugins([])
    registry.register(Failing(SystemExit(3)), "leaving")
    registry.lifecycle().run_started(**STARTED)
    assert caplog.messages == [
        "observer leaving: reporting_run_started raised SystemExit; the run goes on"
    ]


def test_an_observer_with_a_hook_that_there_is_not_is_refused():
    class Misspelt:
        @hookimpl
        def reporting_run_stated(self):
            """Never called."""

    with pytest.raises(
        PluginError,
        match="no hook reporting_run_stated; did you mean reporting_run_started",
    ):
        load_plugins([]).register(Misspelt())


def test_an_observer_of_one_registry_is_unknown_to_another():
    notes = Notes()
    load_plugins([]).register(notes)
    load_plugins([]).lifecycle().run_started(**STARTED)
    assert notes.told == []
