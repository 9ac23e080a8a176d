"""The table that a foreign key refers to: read as it is stored, whatever became of the source of its report."""

import shutil

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting_run

CONFIG = """
[reports.shops]
source    = { use = "files", uri = "shops/" }
validator = { use = "frame" }
sinks     = [{ use = "parquet-dataset", uri = "out/shops/" }]

[reports.prices]
source    = { use = "files", uri = "prices/" }
validator = { use = "frame" }
checks    = [{ check = "foreign_key", columns = "shop", report = "shops", to = "name" }]
sinks     = [{ use = "parquet-dataset", uri = "out/prices/" }]
"""


def run(name):
    return CliRunner().invoke(reporting_run, [name], prog_name="reporting-run")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(CONFIG)
    for name, text in (("shops", "name\nA\n"), ("prices", "sku,shop\nX,A\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.csv").write_text(text)
    return tmp_path


@pytest.mark.parametrize("history", [True, False])
def test_the_source_of_the_other_report_is_not_needed(place, history):
    assert run("shops").exit_code == 0
    shutil.rmtree(place / "shops")
    (place / "shops").write_text("no folder")  # its source cannot be read
    if not history:
        shutil.rmtree(place / "out" / "_runs")
    done = run("prices")
    assert (done.exit_code, done.stderr) == (0, "")
    (place / "prices" / "2.csv").write_text("sku,shop\nY,B\n")
    done = run("prices")
    assert done.exit_code == 1
    assert "rows whose key is not in report shops: 1 of 1" in done.stderr


def test_columns_of_the_other_table_that_do_not_fit_are_refused(place):
    (place / "shops" / "1.csv").write_text("name\n7\n")
    assert run("shops").exit_code == 0
    shutil.rmtree(place / "out" / "_runs")
    done = run("prices")
    assert done.exit_code == 2
    assert "column shop is String, and name of report shops is Int64" in done.stderr


def test_a_report_that_has_not_run_has_no_keys(place):
    done = run("prices")
    assert done.exit_code == 1
    assert "rows whose key is not in report shops: 1 of 1" in done.stderr
