"""Run of a report from the script of a job."""

import json
from pathlib import Path

import pytest

from reporting_framework.cli.cluster_job import glue_options, run_job
from reporting_framework.cli.context import CliContext


@pytest.fixture(autouse=True)
def _toy(toy):
    """Every test here has the toy report."""


@pytest.fixture
def used(monkeypatch) -> list[str]:
    """Names of the engines that runs were set up with; the engine `local` does their work."""
    names: list[str] = []
    resolve = CliContext.pipeline_spec

    def noted(self, *arguments):
        spec = resolve(self, *arguments)
        names.append(spec.engine.name)
        return spec._replace(engine=spec.engine._replace(name="local"))

    monkeypatch.setattr(CliContext, "pipeline_spec", noted)
    return names


def test_a_job_runs_the_report_as_the_command_line_does(capsys):
    options = ["--target", "x.txt", "--count", "3", "--format", "json"]
    assert run_job("toy", options, engine="local") == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 3
    assert Path("x.txt").read_text() == "0\n1\n2\n"
    assert run_job("toy", ["--counts", "3"], engine="local") == 2
    assert "No such option '--counts'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "config", "engine"),
    [
        ([], "", "spark"),
        (["--engine", "local"], "", "local"),
        ([], '[settings.toy]\nengine = "local"\n', "spark"),
        ([], '[settings.toy]\nengine = "processes"\n', "processes"),
    ],
)
def test_the_engine_is_spark_unless_another_one_is_chosen(
    used, options, config, engine
):
    chosen = ["--target", "x.txt", *options]
    assert run_job("toy", chosen, engine="spark", config=config) == 0
    assert used == [engine]


def test_the_configuration_of_the_script_applies_unless_another_is_named(
    tmp_path, capsys, monkeypatch
):
    ours = '[settings.toy]\ntarget = "ours.txt"\n'
    other = tmp_path / "other.toml"
    other.write_text('[settings.toy]\ntarget = "theirs.txt"\n')
    assert run_job("toy", [], engine="local", config=ours) == 0
    assert Path("ours.txt").exists()
    assert run_job("toy", ["--config", str(other)], engine="local", config=ours) == 0
    assert Path("theirs.txt").exists()
    Path("theirs.txt").unlink()
    monkeypatch.setenv("REPORTING_CONFIG", str(other))
    assert run_job("toy", [], engine="local", config=ours) == 0
    assert Path("theirs.txt").exists()


def test_options_among_the_arguments_of_glue():
    given = [
        "job.py",
        "--JOB_NAME",
        "toy",
        "--report-options",
        "--study 'a b' --full-scan",
    ]
    assert glue_options(given) == ["--study", "a b", "--full-scan"]
    assert glue_options(["job.py", "--JOB_NAME", "toy"]) == []
    assert glue_options(["job.py", "--report-options"]) == []
