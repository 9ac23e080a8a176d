"""Runs on Spark: the same bytes as with the engine `local`, whatever happens to executors."""

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from reporting_framework import AccessDenied, Split, TransientError, run_report
from reporting_object_store.json_source import source
from reporting_spark.engine import SparkEngine
from tests.plugins.spark.works import Dies, Work
from tests.support.pyspark import LEAKS

EVENTS = Path(__file__).parents[3] / "examples" / "visit-events"
CLUSTER = "local-cluster[2,1,1024]"

pytestmark = [pytest.mark.slow, *LEAKS]
pytest.importorskip("pyspark", reason="hatch run spark:test installs pyspark")


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")


def splits(count):
    return [Split(str(number), {}) for number in range(count)]


def results(work, count=8, master="local[2,4]", **settings):
    engine = SparkEngine(SparkEngine.Settings(master=master, **settings))
    try:
        return list(engine.map(work, splits(count), parallelism=1, stop=lambda: False))
    finally:
        engine.close()


def bytes_below(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.parquet")
    }


@pytest.mark.parametrize("master", ["local[2]", CLUSTER])
def test_a_run_gives_the_same_bytes_as_with_the_engine_local(
    tmp_path, monkeypatch, master
):
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    tables = []
    for name, engine in (
        ("local", {"use": "local"}),
        ("spark", {"use": "spark", "master": master}),
    ):
        result = run_report(
            "event-log-checkpoint",
            {
                "source": str(EVENTS),
                "checkpoint": str(tmp_path / name / "events.parquet"),
                "engine": engine,
            },
        )
        assert (result.accepted, result.rejected, result.complete) == (290, 13, True)
        tables.append(bytes_below(tmp_path / name))
    here, there = tables
    assert here["events.parquet"] == there["events.parquet"]
    rejected = [
        pl.read_parquet(each["_quarantine/events.parquet"]).drop(
            "run_id", "rejected_at"
        )
        for each in tables
    ]
    assert rejected[0].equals(rejected[1])


def test_one_example_has_the_same_hash_with_each_engine_of_the_command_line(tmp_path):
    engines = {
        "alone": [],
        "processes": ["--engine", "processes"],
        "spark": ["--engine", "spark", "--set", "engine.master=local[2]"],
    }
    shutil.copytree(EVENTS, tmp_path / "events")
    hashes = set()
    for name, words in engines.items():
        table = f"{name}/e.parquet"
        command = ["--source", "events/", "--checkpoint", table, *words]
        program = str(Path(sys.executable).with_name("reporting-run"))
        subprocess.run(
            [program, "event-log-checkpoint", *command],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        hashes.add(hashlib.sha256((tmp_path / table).read_bytes()).hexdigest())
    assert len(hashes) == 1


REPORT = """
[reports.numbers]
source    = {{ use = "object-store-json", uri = "{home}/in/", include = "*.json" }}
validator = {{ use = "pydantic", model = "tests.plugins.spark.works:Event" }}
sinks     = [{{ use = "parquet-checkpoint", uri = "{home}/{name}/numbers.parquet" }}]
"""


def test_a_run_is_the_same_if_an_executor_is_killed_and_a_slow_task_starts_twice(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(source, "SPLIT_FILES", 10)
    monkeypatch.setenv("PYTHONPATH", str(EVENTS.parents[1]))
    (tmp_path / "in").mkdir()
    for number in range(120):
        path = tmp_path / "in" / f"{number:03}.json"
        path.write_text(f'{{"number": {number}}}')
    config = {
        "spark.executorEnv.MARKS": str(tmp_path),
        # a Java of an earlier test has the variables of its start
        "spark.executorEnv.PYTHONPATH": str(EVENTS.parents[1]),
        "spark.speculation": "true",
        "spark.speculation.interval": "100ms",
        "spark.speculation.task.duration.threshold": "3s",
    }
    tables = {}
    for name, engine in (
        ("local", {"use": "local", "max_workers": 0}),
        ("spark", {"use": "spark", "master": CLUSTER, "config": config}),
    ):
        file = tmp_path / f"{name}.toml"
        file.write_text(REPORT.format(home=tmp_path, name=name))
        monkeypatch.setenv("REPORTING_CONFIG", str(file))
        result = run_report("numbers", {"engine": engine})
        assert (result.records_read, result.accepted) == (120, 120)
        tables[name] = (tmp_path / name / "numbers.parquet").read_bytes()
    assert tables["local"] == tables["spark"]
    happened = {path.name for path in tmp_path.iterdir()}
    assert {"killed", "slow", "fast"} <= happened


def submitted(code, folder, **variables):
    """A process that runs code by `spark-submit`, or by Python if there are variables."""
    script = folder / "script.py"
    script.write_text(code)
    import pyspark

    cluster = Path(pyspark.__file__).parent
    program = cluster / "bin" / "spark-submit"
    command = [sys.executable] if variables else [str(program), "--master", "local[1]"]
    places = {"SPARK_HOME": str(cluster), "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(
        [*command, str(script)],
        env={**os.environ, **places, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


STARTED = """
from reporting_spark.session import open_session
from reporting_spark.settings import SparkEngineSettings
session, is_new = open_session(SparkEngineSettings(config={"spark.x": "y"}))
get = session.sparkContext.getConf().get
print(is_new, get("spark.ui.enabled"), get("spark.x"))
session.stop()
"""


def test_a_process_of_spark_submit_keeps_its_properties(tmp_path):
    done = submitted(STARTED, tmp_path)
    assert done.stdout.splitlines()[-1:] == ["True None y"], done.stderr


def test_java_that_is_missing(tmp_path):
    done = submitted(STARTED, tmp_path, JAVA_HOME=str(tmp_path))
    assert "engine spark: Spark did not start (JAVA_GATEWAY_EXITED)" in done.stderr


def test_work_is_done_in_other_processes_and_logged_here(caplog):
    caplog.set_level(logging.INFO, logger="tests.spark")
    found = results(Work())
    assert sorted(result.split.id for result in found) == [str(n) for n in range(8)]
    assert os.getpid() not in {result.accepted for result in found}
    said = sorted(
        each.getMessage() for each in caplog.records if each.name == "tests.spark"
    )
    assert said == [f"split {number}" for number in range(8)]


def test_a_process_that_is_killed_loses_and_doubles_nothing(tmp_path):
    found = results(Work(folder=tmp_path))
    assert (tmp_path / "killed").exists()
    assert sorted(result.split.id for result in found) == [str(n) for n in range(8)]


def test_processes_that_keep_dying_are_an_error():
    with pytest.raises(TransientError, match="the executors did not finish it"):
        results(Dies(), 1)


def test_an_error_of_the_work_is_raised_as_it_is():
    with pytest.raises(AccessDenied) as raised:
        results(Work(error="s3://bucket/key: denied"))
    assert str(raised.value) == "s3://bucket/key: denied"
    assert type(raised.value.__cause__) is ValueError


def test_the_handler_of_ctrl_c_stays_and_a_session_of_the_process_too():
    from pyspark.sql import SparkSession

    before = signal.getsignal(signal.SIGINT)
    own = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    signal.signal(signal.SIGINT, before)
    try:
        assert len(results(Work(), 2, master=None)) == 2
        assert own.sparkContext.parallelize([1, 2]).count() == 2, "it was not stopped"
    finally:
        own.stop()
    assert len(results(Work(), 1, master="local[1]")) == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert SparkSession.getActiveSession() is None
