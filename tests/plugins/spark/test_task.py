"""Work of an executor, in this process: what it sends for a split."""

import logging
import pickle
import sys

import pytest

from reporting_framework import AccessDenied, PluginError, Split
from reporting_framework.builtin.processes.sent_errors import received
from reporting_framework.builtin.processes.sent_logs import levels
from reporting_framework.builtin.processes.work import divided
from reporting_spark.engine import SparkEngine, _Jobs
from reporting_spark.task import SplitTask
from tests.plugins.spark.works import Requests, Work


@pytest.fixture
def root(monkeypatch):
    """The root logger as it was, also its handlers."""
    monkeypatch.setattr("reporting_spark.task._process._logs", None)
    handlers = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = handlers


def messages(work, *ids, key="one"):
    task = SplitTask(key, pickle.dumps(divided(work).first_part()), levels())
    task = pickle.loads(pickle.dumps(task))
    return [
        pickle.loads(each) for each in task([pickle.dumps(Split(id, {})) for id in ids])
    ]


@pytest.mark.usefixtures("root")
def test_parts_come_before_logs_and_the_end_for_each_split(caplog):
    caplog.set_level(logging.INFO, logger="tests.spark")
    found = messages(Work(), "a", "b")
    assert [kind for kind, _ in found] == ["part", "log", "done"] * 2
    assert [what.source_keys for kind, what in found if kind == "part"] == [
        ["a"],
        ["b"],
    ]
    assert [what["msg"] for kind, what in found if kind == "log"] == [
        "split a",
        "split b",
    ]


@pytest.mark.usefixtures("root")
def test_an_error_is_a_message_with_its_type_and_its_cause():
    *_, (kind, what) = messages(Work(error="s3://bucket/key: denied"), "a", key="two")
    error = received(what)
    assert (kind, type(error), str(error)) == (
        "error",
        AccessDenied,
        "s3://bucket/key: denied",
    )
    assert type(error.__cause__) is ValueError


@pytest.mark.usefixtures("root")
def test_plugins_are_built_once_for_all_splits_of_a_work():
    built = []

    class Counted:
        def __reduce__(self):
            return _count, (len(built),)

    first = SplitTask("three", pickle.dumps(Counted()), {})
    _counted.clear()
    for _ in range(2):
        list(first([pickle.dumps(Split("a", {}))]))
    assert len(_counted) == 1
    list(SplitTask("four", pickle.dumps(Counted()), {})([pickle.dumps(Split("a", {}))]))
    assert len(_counted) == 2


_counted = []


def _count(number):
    _counted.append(number)
    return lambda split: iter(())


def test_without_splits_spark_is_not_started():
    assert list(SparkEngine().map(Work(), [], parallelism=1, stop=lambda: False)) == []
    found = SparkEngine().map(
        Work(), [Split("a", {})], parallelism=1, stop=lambda: True
    )
    assert list(found) == []
    SparkEngine().close()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(PluginError) as raised:
        list(
            SparkEngine().map(
                Work(), [Split("a", {})], parallelism=1, stop=lambda: False
            )
        )
    assert str(raised.value) == (
        "engine spark: package pyspark is not installed; install"
        " reporting-spark[pyspark], or start the program by spark-submit"
    )


@pytest.mark.usefixtures("root")
def test_requests_of_an_executor_are_in_the_result_of_their_split(monkeypatch):
    work = divided(Requests())
    task = SplitTask("five", pickle.dumps(work.first_part()), {})

    def sent(jobs, split):
        return list(task([pickle.dumps(split)]))

    monkeypatch.setattr(_Jobs, "_messages", sent)
    for split in (Split("a", {}), Split("b", {})):
        result = _Jobs(None, work, task)(split)
        assert result.source_keys == [split.id]
        assert result.traffic == {"get": 2, "bytes_read": 5}
