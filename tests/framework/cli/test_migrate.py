"""`reporting migrate`: a checkpoint becomes a Delta table, and back."""

import json

import polars as pl
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake

from reporting_framework.cli.main import reporting

CHECKPOINT = '{ use = "parquet-checkpoint", uri = "out/visits.parquet" }'
TABLE = '{ use = "delta-table", uri = "out/visits" }'
BACK = '{ use = "parquet-checkpoint", uri = "out/back.parquet" }'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose source has a state, versions and deletes."""
    write_deltalake(tmp_path / "in", pl.DataFrame({"id": [1, 2, 3], "n": [1, 2, 3]}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(sink):
    with open("reporting.toml", "w") as file:
        file.write(
            "[reports.visits]\n"
            'write_mode = "upsert"\n'
            'metadata = "meta/"\n'
            'source = { use = "delta-table", uri = "in", primary_key = ["id"] }\n'
            'validator = { use = "frame" }\n'
            f"sinks = [{sink}]\n"
        )


def invoke(*words, code=0):
    done = CliRunner().invoke(reporting, words, prog_name="reporting")
    assert done.exit_code == code, done.output
    return done.output


def run():
    result = json.loads(invoke("run", "visits", "--quiet", "--format", "json"))
    return [result[name] for name in ("records_read", "inserted", "updated", "deleted")]


def rows():
    sql = "SELECT id, n, _version, _deleted_at FROM visits ORDER BY source_key"
    return invoke("sql", "visits", "--format", "csv", sql)


def test_a_table_is_migrated_and_back_with_its_versions_and_state(project):
    configure(CHECKPOINT)
    run()
    DeltaTable(project / "in").delete("id = 2")
    assert run() == [0, 0, 0, 1]
    before = rows()
    for old, new in ((CHECKPOINT, TABLE), (TABLE, BACK)):
        configure(new)
        assert "2 rows from" in invoke("migrate", "visits", "--from", old)
        assert rows() == before
        assert "has a table already" in invoke(
            "migrate", "visits", "--from", old, code=1
        )
    assert run() == [0, 0, 0, 0]  # it continues from the state
    write_deltalake(project / "in", pl.DataFrame({"id": [4], "n": [4]}), mode="append")
    assert run() == [1, 1, 0, 0]


def test_what_cannot_be_migrated_is_refused(project):
    configure(TABLE)
    assert "has no table at the place" in invoke(
        "migrate", "visits", "--from", CHECKPOINT, code=1
    )
    for text in ("out/visits.parquet", '{ uri = "a" }'):
        assert "expected a sink as in reporting.toml" in invoke(
            "migrate", "visits", "--from", text, code=2
        )
