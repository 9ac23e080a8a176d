"""The run that started a run, and the columns that columns come from: only what is known."""

import json
import os

import polars as pl
import pytest

from reporting_framework import run_report
from reporting_openlineage import sender
from reporting_openlineage.parent import Parent, RunOfJob, parent_of

ID, ROOT_ID = (f"01941f29-7c00-7087-8906-40e512c257b{number}" for number in (1, 2))

FILE = """
[reports.prices]
source     = { use = "files", uri = "prices/", columns = { day = "datetime" } }
validator  = { use = "frame", columns = { price = { type = "float64" }, sku = { type = "string" }, day = { type = "datetime" } } }
transforms = [TRANSFORMS]
sinks      = [{ use = "parquet-dataset", uri = "out/" }]
"""

JOIN = '{ use = "join", uri = "names.parquet", on = ["sku"], columns = ["name"] }'


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A function that runs a report with these transforms; it returns the last event."""
    for name in [each for each in os.environ if "OPENLINEAGE" in each]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setenv("REPORTING_OPENLINEAGE", f"file://{tmp_path}/events.ndjson")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices").mkdir()
    rows = "sku,price,day,left_out\nA,1,2024-05-01,x\n"
    (tmp_path / "prices" / "a.csv").write_text(rows)
    pl.DataFrame({"sku": ["A"], "name": ["a"]}).write_parquet("names.parquet")

    def run(transforms=""):
        (tmp_path / "reporting.toml").write_text(FILE.replace("TRANSFORMS", transforms))
        run_report("prices")
        lines = (tmp_path / "events.ndjson").read_text().splitlines()
        return [json.loads(line) for line in lines]

    return run


def test_columns_of_the_source_are_those_of_the_same_name(report, tmp_path):
    *_, done = report()
    [output] = done["outputs"]
    facet = output["facets"]["columnLineage"]
    assert "ColumnLineageDatasetFacet" in facet["_schemaURL"]
    assert facet["_producer"]
    found = {}
    for name, field in facet["fields"].items():
        [source] = field["inputFields"]
        [how] = source["transformations"]
        [input_] = done["inputs"]
        assert (source["namespace"], source["name"]) == (
            input_["namespace"],
            input_["name"],
        )
        found[name] = (source["field"], how["type"], how["subtype"])
    assert found == {
        "price": ("price", "DIRECT", "TRANSFORMATION"),
        "sku": ("sku", "DIRECT", "IDENTITY"),
        "day": ("day", "DIRECT", "IDENTITY"),
    }
    fields = [each["name"] for each in output["facets"]["schema"]["fields"]]
    assert {"left_out"}.isdisjoint(fields)
    assert set(found) < set(fields)


def test_columns_that_a_transform_adds_have_no_source(report):
    *_, done = report(JOIN)
    [output] = done["outputs"]
    assert set(output["facets"]["columnLineage"]["fields"]) == {"price", "sku", "day"}
    assert "name" in [each["name"] for each in output["facets"]["schema"]["fields"]]


def test_the_parent_is_that_of_the_environment(report, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"s3://airflow/dag.task/{ID}")
    monkeypatch.setenv("OPENLINEAGE_ROOT_PARENT_ID", f"airflow/dag/{ROOT_ID}")
    for event in report():
        facet = event["run"]["facets"]["parent"]
        assert facet["run"]["runId"] == ID
        assert facet["job"]["namespace"] == "s3://airflow"
        assert facet["job"]["name"] == "dag.task"
        assert facet["root"]["run"]["runId"] == ROOT_ID
        assert facet["root"]["job"]["name"] == "dag"
        assert "ParentRunFacet" in facet["_schemaURL"]


@pytest.mark.parametrize("text", ["SECRET", f"a/{ID}", "a/b/SECRET", f"//{ID}"])
def test_a_parent_that_is_no_run_is_left_out_and_its_text_is_not_shown(text, caplog):
    assert parent_of({"OPENLINEAGE_PARENT_ID": text}) is None
    [line] = caplog.messages
    assert line.startswith("OPENLINEAGE_PARENT_ID: not a run; use namespace/job/run id")
    assert "SECRET" not in line


def test_a_root_alone_is_no_parent_and_a_wrong_root_is_left_out(caplog):
    given = {"OPENLINEAGE_ROOT_PARENT_ID": "x"}
    assert parent_of(given) is None
    assert parent_of({}) is None
    given["OPENLINEAGE_PARENT_ID"] = f"a/b/{ID}"
    assert parent_of(given) == Parent(RunOfJob("a", "b", ID))
    assert len(caplog.messages) == 1
