"""Runs reported to Dagster by its protocol: parameters in the environment, messages in a file."""

import json
import subprocess
import sys

import pytest
from dagster_pipes import PipesContext, encode_param

from reporting_dagster_pipes import plugin
from reporting_dagster_pipes.assets import asset_of
from reporting_dagster_pipes.facts import data_version_of
from reporting_framework import CheckFailed, CheckRef, PipelineSpec, PluginRef
from reporting_framework.config.file import Config
from reporting_framework.execution.report_checks import bind_checks
from reporting_framework.execution.runner import run
from reporting_framework.plugin_api.result import Output, RunResult
from reporting_framework.registry.registry import load_plugins
from tests.support.plugins import checkpoint, event, name_of, pipeline, source

CONTEXT = {
    "asset_keys": ["warehouse/test"],
    "code_version_by_asset_key": {},
    "provenance_by_asset_key": {},
    "partition_key": None,
    "partition_key_range": None,
    "partition_time_window": None,
    "run_id": "1",
    "job_name": "job",
    "retry_number": 0,
    "extras": {},
}


@pytest.fixture
def dagster(tmp_path, monkeypatch):
    """A process that Dagster has started; the messages that it was sent, and the settings of the observer."""

    class Dagster:
        def __init__(self):
            self.settings = {}

        def start(self, **context):
            parameters = {
                "DAGSTER_PIPES_CONTEXT": {"data": CONTEXT | context},
                "DAGSTER_PIPES_MESSAGES": {"path": str(tmp_path / "messages")},
            }
            (tmp_path / "messages").touch()
            for name, value in parameters.items():
                monkeypatch.setenv(name, encode_param(value))

        @property
        def messages(self):
            lines = (tmp_path / "messages").read_text().splitlines()
            found = [json.loads(line) for line in lines]
            return [(each["method"], each["params"]) for each in found]

        def run(self, *checks, **how):
            made = pipeline(source(tmp_path / "in"), checkpoint(tmp_path / "x.parquet"))
            none = PluginRef("none")
            spec = PipelineSpec(none, none, [none], checks=checks)
            registry = load_plugins([])
            registry.register(plugin, "reporting-dagster-pipes:dagster-pipes")
            registry.add_reports(Config(observers={"dagster-pipes": self.settings}))
            made = bind_checks(made, spec, None) if checks else made
            return run(made, lifecycle=registry.lifecycle(), **how)

    for variable in ("DAGSTER_PIPES_CONTEXT", "DAGSTER_PIPES_MESSAGES"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "in").mkdir()
    for number in range(2):
        (tmp_path / "in" / name_of(number)).write_bytes(event(number))
    (tmp_path / "in" / name_of(9)).write_bytes(b'{"study": "SECRET-VALUE"}')
    PipesContext.set(None)
    yield Dagster()
    if PipesContext.is_initialized():
        PipesContext.get().close()
    PipesContext.set(None)


UNIQUE = CheckRef("unique", {"columns": "number"})


def test_an_asset_is_materialized_with_its_counts_and_version(dagster):
    dagster.start()
    result = dagster.run(UNIQUE)
    [opened, (method, asset)] = dagster.messages
    assert (opened[0], method) == ("opened", "report_asset_materialization")
    assert asset["asset_key"] == "warehouse/test"
    assert asset["data_version"] == result.outputs[0].version
    found = {name: value["raw_value"] for name, value in asset["metadata"].items()}
    assert found["dagster/row_count"] == found["new_rows"] == found["accepted"] == 2
    assert (found["records_read"], found["rejected"], found["complete"]) == (3, 1, True)
    assert found["dagster/uri"] == result.outputs[0].uri
    assert found["rejections"] == [{"type": "missing", "field": "number", "count": 1}]
    assert "SECRET" not in json.dumps(dagster.messages)


def test_checks_are_reported_where_the_settings_say_so(dagster):
    dagster.start()
    dagster.settings = {"checks": True}
    high = CheckRef("range", {"column": "number", "max": 0, "severity": "warn"})
    dagster.run(UNIQUE, high)
    checks = [params for method, params in dagster.messages if "check" in method]
    assert [(each["check_name"], each["passed"], each["severity"]) for each in checks] == [
        ("unique_number", True, "ERROR"),
        ("range_number", False, "WARN"),
    ]  # fmt: skip
    assert checks[1]["metadata"]["failing"]["raw_value"] == 1


def test_a_run_that_fails_by_a_check_has_its_checks_and_no_materialization(dagster):
    dagster.start()
    dagster.settings = {"checks": True}
    with pytest.raises(CheckFailed):
        dagster.run(CheckRef("range", {"column": "number", "max": 0}))
    methods = [method for method, _ in dagster.messages]
    assert methods == ["opened", "report_asset_check"]


def test_a_dry_run_and_a_step_without_assets_report_nothing(dagster):
    dagster.start()
    dagster.run(dry_run=True)
    assert dagster.messages == []
    dagster.start(asset_keys=None)
    dagster.run()
    assert [method for method, _ in dagster.messages] == ["opened"]


def test_an_asset_is_materialized_once_in_a_step(dagster, caplog):
    dagster.start()
    dagster.run()
    dagster.run()
    methods = [method for method, _ in dagster.messages]
    assert methods == ["opened", "report_asset_materialization"]
    assert "materialized already in this step" in caplog.text


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "none of the step's assets (a, b) is its own; name one in the setting"),
        ({"assets": {"test": "c"}}, "none of the step's assets (a, b) is its own"),
        ({"asset": "SECRET"}, "asset: Extra inputs are not permitted; settings: assets"),
    ],
)  # fmt: skip
def test_an_asset_that_is_not_known_is_said_and_fails_no_run(
    dagster, settings, problem, caplog
):
    dagster.start(asset_keys=["a", "b"])
    dagster.settings = settings
    assert dagster.run().accepted == 2
    assert problem in caplog.text
    assert "SECRET" not in caplog.text
    assert "materialization" not in str(dagster.messages)


def test_a_session_of_the_caller_is_used_and_left_open(dagster):
    from dagster_pipes import open_dagster_pipes

    dagster.start()
    with open_dagster_pipes():
        dagster.run()
    methods = [method for method, _ in dagster.messages]
    assert methods == ["opened", "report_asset_materialization", "closed"]
    dagster.run()  # after the session
    assert len(dagster.messages) == 3


def test_nothing_happens_outside_of_dagster_and_nothing_is_imported(tmp_path):
    program = (
        "import sys; from reporting_dagster_pipes import plugin\n"
        "plugin.reporting_run_finished(None, None)\n"
        "plugin.reporting_run_failed('r', ValueError(), None)\n"
        "assert not {'dagster_pipes', 'reporting_dagster_pipes.observer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={})


def test_the_process_s_own_session_is_closed_at_its_end(dagster, tmp_path):
    import os

    dagster.start()
    program = (
        "import sys; from reporting_dagster_pipes import observer\n"
        "from reporting_framework import ObserverContext\n"
        "from reporting_framework.plugin_api.result import RunResult\n"
        "result = RunResult(report='test', run_id='1', status='ok', complete=True)\n"
        "observer.finished(result, ObserverContext())"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ))
    methods = [method for method, _ in dagster.messages]
    assert methods == ["opened", "report_asset_materialization", "closed"]


@pytest.mark.parametrize(
    ("report", "keys", "asset"),
    [
        ("visits", ["anything"], "anything"),
        ("visit-events", ["a", "warehouse/visit_events"], "warehouse/visit_events"),
        ("shop/orders", ["shop/orders", "old/orders"], "shop/orders"),
        ("shop/orders", ["customers", "orders"], "orders"),
        ("shop/orders", ["anything"], None),
        ("visits", ["x/visits", "y/visits"], None),
        ("mapped", ["x", "y"], "y"),
    ],
)
def test_the_asset_of_a_report_is_found_by_its_name(report, keys, asset):
    assert asset_of(report, keys, {"mapped": "y"}) == asset


def test_the_version_of_several_outputs_changes_with_each(dagster):
    def version(*versions):
        outputs = [
            Output(uri=f"s3://b/{at}", rows=1, new_rows=0, bytes=1, version=each)
            for at, each in enumerate(versions)
        ]
        return data_version_of(
            RunResult(
                report="r", run_id="1", status="ok", complete=True, outputs=outputs
            )
        )

    assert version() is version("a", None) is None
    assert version("a") == "a"
    assert version("a", "b") == version("a", "b") != version("a", "c")
