"""``reporting schema``: of an installed report and of one composed in a file; nothing is opened for it."""

import json
import os

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from reporting_framework.cli.main import reporting

CONFIG = """
[settings.event-log-checkpoint]
source = "s3://events/prod/"
checkpoint = "s3://tables/{study}/{datatype}.parquet"

[reports.orders]
source    = { use = "object-store-json", uri = "s3://shop/orders/" }
validator = { use = "pydantic", model = "tests.framework.builtin.sample_models:Everything", extra = "keep" }
sinks     = [{ use = "parquet-checkpoint", uri = "s3://tables/deep/orders.parquet", timestamp = "moment" }]

[reports.archived]
source    = { use = "object-store-json", uri = "s3://shop/orders/" }
validator = { use = "pydantic", model = "tests.framework.builtin.sample_models:Everything" }
sinks     = [{ use = "ndjson-archive", uri = "s3://tables/deep/" }]
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with that file, and no credentials."""
    for name in [
        each for each in os.environ if each.startswith(("REPORTING_", "AWS_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "reporting.toml").write_text(CONFIG)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(reporting, ["schema", *arguments], prog_name="reporting")


def shown(*arguments: str) -> str:
    done = invoke(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments: str) -> str:
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


def test_people_see_a_table():
    lines = [
        line.split(maxsplit=3)
        for line in shown(
            "event-log-checkpoint", "--validator", "visit-event"
        ).splitlines()
    ]
    assert lines[0] == ["column", "type", "null"]
    assert lines[1] == [
        "action",
        "String",
        "no",
        "What happened to the visit: submit, pass-qc, not-pass-qc, delete",
    ]
    assert ["visit_date", "Date", "no", "Day of the visit"] in lines
    assert ["module", "String", "yes", "Module of a form"] in lines
    assert [line[0] for line in lines][-2:] == ["timestamp", "source_key"]


def test_settings_count_as_for_a_run():
    found = shown(
        "event-log-checkpoint",
        "--extra",
        "keep",
        "--exclude-projects",
        "x",
        "--validator",
        "visit-event-v2",
    )
    assert "extra           String             yes   Unknown fields, as JSON" in found
    assert "duplicate-submit" in found
    assert "No such option" in refused("event-log-checkpoint", "--nothing")


@pytest.mark.parametrize("place", ["report", "sink"])
@pytest.mark.parametrize(
    ("mode", "versions", "nullable"),
    [
        ("append", False, "no"),
        ("replace", False, "no"),
        ("upsert", True, "yes"),
        ("upsert, hard", True, "no"),
    ],
)
def test_columns_are_those_that_the_write_mode_gives(
    tmp_path, place, mode, versions, nullable
):
    """A deleted row that is kept may have no values; a version has no values in other modes."""
    name, _, hard = mode.partition(", ")
    sink = (
        'use = "parquet-checkpoint", uri = "deep/orders.parquet", timestamp = "moment"'
    )
    sink += ', deletes = "hard"' if hard else ""
    sink += f', mode = "{name}"' if place == "sink" else ""
    (tmp_path / "reporting.toml").write_text(
        CONFIG
        + "[reports.modes]\n"
        + (f'write_mode = "{name}"\n' if place == "report" else "")
        + 'source = { use = "object-store-json", uri = "in/" }\n'
        'validator = { use = "pydantic", model = "tests.framework.builtin.sample_models:Everything" }\n'
        f"sinks = [{{ {sink} }}]\n"
    )
    rows = {line.split()[0]: line.split() for line in shown("modes").splitlines()}
    end = ["source_key", "_version", "_deleted_at"] if versions else ["source_key"]
    assert list(rows)[list(rows).index("source_key") :] == end
    assert rows["source_key"][2] == "no"
    assert rows["text"][2] == nullable
    if versions:
        assert rows["_version"][1:3] == ["String", "yes"]
        assert rows["_deleted_at"][1:4] == ["Datetime(us,", "UTC)", "yes"]


def test_json_schema_is_valid():
    found = json.loads(shown("orders", "--format", "json-schema"))
    Draft202012Validator.check_schema(found)
    assert found["title"] == "orders"
    assert list(found["properties"])[-2:] == ["extra", "source_key"]
    assert found["properties"]["moment"]["format"] == "date-time"


def test_a_grouped_checkpoint_is_one_table_of_its_fixed_part():
    found = shown(
        "event-log-checkpoint",
        "--format",
        "athena",
        "--database",
        "visits",
        "--table",
        "events",
    )
    assert (
        "EXISTS `visits`.`events` (\n  `action` string COMMENT 'What happened to the visit',\n"
        in found
    )
    assert "`pipeline_adcid` int " in found
    assert found.endswith("STORED AS PARQUET\nLOCATION 's3://tables/'\n")


def test_glue_gets_a_table_of_the_folder_of_the_file():
    found = json.loads(shown("orders", "--format", "glue"))
    assert (found["Name"], found["StorageDescriptor"]["Location"]) == (
        "orders",
        "s3://tables/deep/",
    )
    given = json.loads(
        shown("orders", "--format", "glue", "--table", "t", "--location", "s3://x/y")
    )
    assert (given["Name"], given["StorageDescriptor"]["Location"]) == ("t", "s3://x/y/")


def test_what_does_not_go_together_is_refused():
    assert "--database: not for this format; use --format athena" in refused(
        "orders", "--format", "glue", "--database", "d"
    )
    assert "--table: not for this format; use --format athena or glue" in refused(
        "orders", "--table", "t"
    )
    assert "--location: not for this format; use --format athena or glue" in refused(
        "orders", "--location", "s3://b/"
    )
    assert "none of its sinks writes parquet files (ndjson-archive)" in refused(
        "archived", "--format", "athena"
    )
    assert "and Athena reads only S3" in refused(
        "event-log-checkpoint", "--checkpoint", "o.parquet", "--format", "glue"
    )


def test_the_rows_of_a_report_without_a_file_have_a_schema_too():
    assert "source_key" in shown("archived")
