"""The how-to pages of orchestrators: the code of each page, run by the orchestrator itself, in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.playing import DOCS, blocks
from tests.support.packages import InstallError, environment

PROGRAM = Path(sys.executable).with_name("reporting-run")

DAGSTER = """
import json
from definitions import defs

job = defs.get_implicit_global_asset_job_def()
done = job.execute_in_process(raise_on_error=False)
[made] = done.get_asset_materialization_events()
values = {name: value.value for name, value in made.materialization.metadata.items()}
checks = {each.check_name: each.passed for each in done.get_asset_check_evaluations()}
version = made.materialization.tags["dagster/data_version"]
print(json.dumps([done.success, values, checks, version], default=str))
"""


@pytest.fixture
def page(tmp_path):
    """A function that writes the files of a page and gives what runs a program in an environment with packages."""

    def write(name, *requirements):
        for block in blocks((DOCS / "how-to" / name).read_text()):
            if block.title:
                path = tmp_path / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
        try:
            python = environment(*requirements)
        except InstallError as error:
            pytest.skip(str(error))

        def run(*arguments, **variables):
            done = subprocess.run(
                [python, *arguments],
                cwd=tmp_path,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(tmp_path),
                    "REPORTING_RUN": str(PROGRAM),
                    **variables,
                },
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return run

    return write


@pytest.mark.slow
def test_dagster_shows_an_asset_with_its_rows_and_checks(page):
    run = page("run-in-dagster.md", "dagster>=1.13,<2")
    results = [json.loads(run("-c", DAGSTER).splitlines()[-1]) for _ in range(2)]
    for success, values, checks, _ in results:
        assert success
        assert values["dagster/row_count"] == 1
        assert values["dagster/uri"].endswith("tables/orders.parquet")
        assert checks == {"unique_number": True}
    (_, first, _, version), (_, second, _, later) = results
    assert (first["rejected"], first["new_rows"], second["new_rows"]) == (1, 1, 0)
    assert version == later


@pytest.mark.slow
def test_airflow_runs_the_report_and_is_its_parent(page, tmp_path):
    run = page(
        "run-in-airflow.md",
        "apache-airflow>=3.3,<4",
        "apache-airflow-providers-openlineage>=2,<3",
    )
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    variables = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": '{"type": "console"}',
        "REPORTS": str(tmp_path),
        "REPORTING_OPENLINEAGE": f"file://{tmp_path}/events.ndjson",
    }
    run("-m", "airflow", "db", "migrate", **variables)
    done = run("-m", "airflow", "dags", "test", "orders", **variables)
    assert "1 new orders, 1 rejected" in done
    [first, _] = events(tmp_path)
    assert "parent" not in first["run"]["facets"]
    run("-m", "airflow", "dags", "test", "orders_with_lineage", **variables)
    parents = [each["run"]["facets"]["parent"] for each in events(tmp_path)[2:]]
    assert [each["job"]["name"] for each in parents] == ["orders_with_lineage.run"] * 2
    assert {each["root"]["job"]["name"] for each in parents} == {"orders_with_lineage"}


def events(folder):
    lines = (folder / "events.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines]


PREFECT = """
import json
from prefect.testing.utilities import prefect_test_harness
from flow import orders

with prefect_test_harness(server_startup_timeout=400):
    print(json.dumps(orders()))
"""


@pytest.mark.slow
def test_prefect_runs_the_report_in_a_flow(page, tmp_path):
    run = page("run-in-prefect.md", "prefect>=3.9,<4")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    variables = {"REPORTS": str(tmp_path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    result = json.loads(run("-c", PREFECT, **variables).splitlines()[-1])
    assert (result["status"], result["accepted"], result["rejected"]) == ("ok", 1, 1)
    assert (tmp_path / "tables" / "orders.parquet").is_file()
