"""`reporting compact`: small files are merged, and a report without any says so."""

import json
import shutil

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting

CONFIG = """
[reports.prices]
source    = {{ use = "object-store-json", uri = "in/" }}
validator = {{ use = "pydantic", model = "compact_shop:Price" }}
sinks     = [{sinks}]
metadata  = "meta/"
"""
DATASET = '{ use = "parquet-dataset", uri = "out/prices/", partition_by = ["year"] }'
CSV = '{ use = "csv", uri = "out/prices.csv" }'
MODEL = """
from pydantic import BaseModel


class Price(BaseModel):
    year: int
    price: float
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project with a report; the function writes its sinks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "compact_shop.py").write_text(MODEL)
    (tmp_path / "in").mkdir()

    def configure(*sinks):
        text = CONFIG.format(sinks=", ".join(sinks))
        (tmp_path / "reporting.toml").write_text(text)
        for number in range(4):
            record = json.dumps({"year": 2020 + number % 2, "price": number})
            (tmp_path / "in" / f"{number}.json").write_text(record)
            run("run", "prices")
        return tmp_path

    return configure


def run(*arguments, code=0):
    done = CliRunner().invoke(reporting, arguments, prog_name="reporting")
    assert done.exit_code == code, done.output
    return done.output


def test_small_files_are_merged_once(shop):
    folder = shop(DATASET, CSV)
    uri = folder / "out" / "prices"
    assert run("compact", "prices") == (
        f"prices: {uri}: 4 files merged into 2\nprices: sink csv has no files to merge\n"
    )
    assert len([*uri.rglob("*.parquet")]) == 2
    assert run("compact", "prices").startswith(f"prices: {uri}: 2 files, unchanged\n")
    assert json.loads(run("compact", "prices", "--format", "json")) == {
        "report": "prices",
        "outputs": [
            {
                "sink": "parquet-dataset",
                "uri": str(uri),
                "files_before": 2,
                "files_after": 2,
            }
        ],
    }
    assert "4" in run("sql", "prices", "select count(*) from prices", "--format", "csv")


def test_a_report_without_files_to_merge_says_so(shop):
    shop(CSV)
    assert "none of its sinks can be compacted (csv); only" in run(
        "compact", "prices", code=2
    )


def test_a_reset_and_a_restored_copy(shop):
    """The commands that a reset prints bring back the table, with its manifest."""
    folder = shop(DATASET)
    before = run("sql", "prices", "select * from prices order by price")
    output = run("state", "prices", "reset", "--yes")
    assert not [*(folder / "out" / "prices").rglob("*.parquet")]
    assert "4 rows" not in run("state", "prices", "show")
    [copy] = (folder / "out" / "_backup").iterdir()
    assert str(copy) in output
    shutil.copytree(copy, folder / "out", dirs_exist_ok=True)
    assert run("sql", "prices", "select * from prices order by price") == before
    assert "4 rows" in run("state", "prices", "show")


def test_a_sink_has_a_mode_of_its_own(shop):
    """Without source keys a CSV file can only be replaced."""
    own = '{ use = "csv", uri = "out/p.csv", mode = "replace", source_key = false }'
    folder = shop(own)
    lines = (folder / "out" / "p.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("year,price", 5)
