"""A report whose only sink keeps its rows in a dict: with the setting `metadata` it has all that a checkpoint has."""

import json

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting

PLUGIN = """
import polars as pl
from pydantic import BaseModel, ConfigDict

from reporting_framework import CommitResult, Page, Sink, StagedPart, object_of
from reporting_framework.plugin_api.result import Output

ROWS = {}
SHELF = {"reset": 0}

class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int

class Loose(BaseModel):
    number: int | None = None

class Held:
    newest = None

    @property
    def rows(self):
        return len(ROWS)

    def filter_new(self, objects):
        known = {object_of(key) for key in ROWS}
        return [key for key in objects if key not in known]

class Memory(Sink):
    name = "dict"

    def open(self, schema, mode="append", primary_key=()):
        self.schema = schema

    def ledger(self):
        return Held()

    def stage(self, frame, split, part):
        return StagedPart(frame.height, {row["source_key"]: row for row in frame.to_dicts()})

    def commit(self, staged_parts, context=None):
        before = len(ROWS)
        for part in staged_parts:
            for key, row in part.data.items():
                ROWS.setdefault(key, row)
        new = len(ROWS) - before
        output = Output(uri="dict", rows=len(ROWS), new_rows=new, bytes=0)
        return CommitResult([output], sum(part.rows for part in staged_parts) - new)

    def scan(self):
        return pl.DataFrame(list(ROWS.values()), schema=self.schema).lazy()

class Count(Page):
    name = "count"
    summary = "the number of rows"
    required_columns = frozenset()

    def render(self, material):
        rows = material.rows.collect().height
        kept = material.quarantine.height if material.quarantine is not None else None
        return f"<p>{rows} rows, {kept} rejected, {len(material.runs)} runs</p>"

@hookimpl
def reporting_sinks():
    return [Memory]

@hookimpl
def reporting_pages():
    return [Count]
"""


@pytest.fixture
def module(site, tmp_path, monkeypatch):
    """The report `mine` in a working directory: two good objects and one that the strict model rejects."""
    name = site.add("dict-sink", PLUGIN)
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(f'{{"number": {number}}}')
    (tmp_path / "bad.json").write_text('{"number": null}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return name


@pytest.fixture
def settings(module, tmp_path):
    """Writes the configuration file."""

    def write(metadata=None):
        place = f'metadata = "{metadata}"\n' if metadata else ""
        (tmp_path / "reporting.toml").write_text(
            "[reports.mine]\n"
            f'source = {{ use = "object-store-json", uri = "{tmp_path}", include = "*.json" }}\n'
            f'validator = {{ use = "pydantic", model = "{module}:Strict" }}\n'
            'sinks = [{ use = "dict" }]\n' + place
        )

    return write


@pytest.fixture
def kept(request, settings, tmp_path):
    """The folder of the metadata, after a run."""
    settings(tmp_path / "kept")
    document = json.loads(invoke("run", "mine", "--quiet", "--format", "json").stdout)
    assert (document["accepted"], document["rejected"]) == (2, 1)
    uri = str(tmp_path / "kept" / "_quarantine" / "mine.parquet")
    assert document["quarantine"] == {"uri": uri, "rows": 1}
    return tmp_path / "kept"


def invoke(*arguments, code=0):
    done = CliRunner().invoke(reporting, arguments, prog_name="reporting")
    assert done.exit_code == code, done.output
    return done


def test_its_files_are_named_after_the_report(kept):
    invoke("run", "mine", "--quiet")
    found = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
    visible = {each for each in found if not each.rpartition("/")[2].startswith(".")}
    [rows] = {each for each in visible if each.startswith("_runs/mine/rows/")}
    assert visible - {rows} == {
        "_quarantine/mine.parquet",
        "_runs/mine/runs.ndjson",
    }


def test_what_is_rejected_is_in_quarantine_and_not_read_again(kept):
    [entry] = json.loads(
        invoke("quarantine", "mine", "show", "--format", "json").stdout
    )
    assert (entry["source_key"], entry["error_type"]) == ("bad.json", "int_type")
    again = json.loads(invoke("run", "mine", "--quiet", "--format", "json").stdout)
    assert again["records_read"] == 0


def test_what_is_rejected_can_be_replayed(kept, module):
    loose = ("--set", f"validator.model={module}:Loose")
    done = invoke("quarantine", "mine", "replay", *loose, "--quiet", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["accepted"], document["rejected"]) == (1, 0)
    assert (
        json.loads(invoke("quarantine", "mine", "list", "--format", "json").stdout)
        == []
    )


def test_what_is_rejected_can_be_discarded(kept):
    invoke("quarantine", "mine", "discard", "--type", "int_type", "--yes")
    assert (
        json.loads(invoke("quarantine", "mine", "list", "--format", "json").stdout)
        == []
    )
    again = json.loads(invoke("run", "mine", "--quiet", "--format", "json").stdout)
    assert (again["records_read"], again["quarantine"]["rows"]) == (0, 0)


def test_its_runs_are_told(kept):
    [run] = json.loads(invoke("history", "mine", "--format", "json").stdout)
    assert (run["accepted"], run["rejected"], run["status"]) == (2, 1, "ok")


def test_a_row_and_a_rejected_record_are_traced(kept):
    [run] = json.loads(invoke("history", "mine", "--format", "json").stdout)
    found = json.loads(invoke("trace", "mine", "0.json", "--format", "json").stdout)
    [row] = found["rows"]
    assert [load["run_id"] for load in row["runs"]] == [run["run_id"]]
    found = json.loads(invoke("trace", "mine", "bad.json", "--format", "json").stdout)
    assert [each["error_type"] for each in found["aside"]] == ["int_type"]


def test_its_state_is_shown_and_its_quarantine_reset(kept):
    found = json.loads(invoke("state", "mine", "show", "--format", "json").stdout)
    assert [each["kind"] for each in found["stored_artifacts"]] == ["quarantine"]
    assert (found["stored_artifacts"][0]["rows"], found["last_run"]["accepted"]) == (
        1,
        2,
    )
    assert found["sinks_that_tell_nothing"] == ["dict"]
    invoke("state", "mine", "reset", "--only", "quarantine", "--yes")
    assert [path.name for path in (kept / "_backup").rglob("*.parquet")] == [
        "mine.parquet"
    ]
    again = json.loads(invoke("run", "mine", "--quiet", "--format", "json").stdout)
    assert (again["records_read"], again["rejected"]) == (1, 1)
    done = invoke("state", "mine", "reset", "--yes", code=2)
    assert "none of its sinks can be reset (dict)" in done.output


def test_its_last_run_and_its_page_are_there(kept):
    found = json.loads(
        invoke("freshness", "mine", "--max-age", "1h", "--format", "json").stdout
    )
    assert found["basis"] == "history"
    done = invoke("render", "mine", "--page", "count", "--html", "-")
    assert done.stdout.strip() == "<p>2 rows, 1 rejected, 1 runs</p>"


def test_its_quarantine_is_checked(kept):
    found = json.loads(invoke("doctor", "mine", "--format", "json").stdout)
    [check] = [each for each in found if each["check"] == "quarantine"]
    assert check["found"].endswith("_quarantine/mine.parquet: 1 records")


def test_its_policy_covers_the_metadata(settings):
    settings("s3://metadata/reports")
    policy = json.loads(invoke("iam", "mine").stdout)
    [written] = [
        each for each in policy["Statement"] if "s3:PutObject" in each["Action"]
    ]
    assert written["Resource"] == ["arn:aws:s3:::metadata/reports/*"]
    [deleted] = [
        each for each in policy["Statement"] if "s3:DeleteObject" in each["Action"]
    ]
    assert deleted["Resource"] == ["arn:aws:s3:::metadata/reports/_runs/*"]


def test_without_a_place_each_command_says_what_to_set(settings, tmp_path):
    settings()
    invoke("run", "mine", "--quiet")
    advice = "set the report's metadata to the URI of a folder"
    assert advice in invoke("quarantine", "mine", "list", code=2).output
    assert advice in invoke("quarantine", "mine", "replay", code=2).output
    assert advice in invoke("history", "mine", code=2).output
    assert advice in invoke("state", "mine", "show").output
    assert advice in invoke("trace", "mine", "0.json").output
    assert advice in invoke("freshness", "mine", "--max-age", "1h", code=7).output
    done = invoke("render", "mine", "--page", "count", "--html", "-")
    assert "2 rows, None rejected, 0 runs" in done.stdout
    kept = {path.name for path in tmp_path.iterdir() if path.name.startswith("_")}
    assert not kept - {"__pycache__"}


def test_a_place_that_cannot_be_used_is_refused(settings):
    settings("ftp://host/folder")
    done = invoke("run", "mine", "--quiet", code=2)
    assert "ftp://host/folder" in done.output
