"""What the log says of rejected records and unread objects, and of a run in which nothing else was found."""

import logging
from pathlib import Path

import pytest

from reporting_framework import run_report
from reporting_framework.execution.rejection_summary import MAX_NAMED, MAX_WARNINGS

TABLE = """
[reports.visits]
source = {{ use = "object-store-json", uri = "{folder}/in" }}
validator = {{ use = "visit-event" }}
sinks = [{{ use = "parquet-checkpoint", uri = "{folder}/out/visits.parquet" }}]
"""


@pytest.fixture
def run(tmp_path):
    """Runs a report over these files."""
    config = tmp_path / "reporting.toml"
    config.write_text(TABLE.format(folder=tmp_path))
    (tmp_path / "in").mkdir()

    def execute(files):
        for name, data in files.items():
            (tmp_path / "in" / name).write_bytes(data)
        return run_report("visits", config=config)

    return execute


def test_each_rejected_file_is_named_in_the_log_with_its_reason(run, caplog):
    caplog.set_level(logging.INFO, "reporting_framework.execution.rejection_summary")
    run({"a.json": b"{", "b.json": b'{"ptid": "SECRET"}'})
    named = [record for record in caplog.records if hasattr(record, "source_key")]
    assert [(each.source_key, each.error_type, each.field) for each in named] == [
        ("a.json", "json_invalid", None), ("b.json", "missing", "action"),
    ]  # fmt: skip
    assert named[1].getMessage() == "rejected: b.json: missing in action"
    assert "SECRET" not in caplog.text


def test_the_log_names_rejected_files_up_to_a_limit_and_counts_the_rest(run, caplog):
    caplog.set_level(logging.INFO, "reporting_framework.execution.rejection_summary")
    run({f"{number:04}.json": b"{" for number in range(MAX_NAMED + 7)})
    assert sum(hasattr(record, "source_key") for record in caplog.records) == MAX_NAMED
    [rest] = [
        record for record in caplog.records if hasattr(record, "rejected_unnamed")
    ]
    assert (rest.rejected_unnamed, rest.getMessage()) == (
        7,
        "rejected, and not named here: 7 more",
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"{",
            "(1 x json_invalid); check that source, validator and names of files fit the input",
        ),
        (
            b"PAR1\x15\x04PAR1",
            "(1 x looks_like_parquet): the input looks like parquet, and source object-store-json reads JSON objects, "
            "arrays, NDJSON, and gzip of each, in S3 or a folder; use files",
        ),
        (b"a,b\n1,2\n", "the input looks like csv, and"),
        ('{"a": 1}'.encode("utf-16"), "the input looks like utf-16, and"),
    ],
)
def test_a_run_that_rejects_everything_ends_with_a_warning_of_what_the_input_looks_like(
    run, caplog, data, said
):
    run({"a.json": data})
    [warning] = [
        each.getMessage() for each in caplog.records if each.levelno == logging.WARNING
    ]
    assert warning.startswith(
        "report visits: nothing was accepted, all 1 records were rejected "
    )
    assert said in warning


def test_new_records_that_are_all_rejected_beside_old_rows_do_not_blame_the_report(
    run, caplog
):
    good = next(Path("examples/visit-events").glob("log-*.json")).read_bytes()
    run({"a.json": good})
    run({"b.json": b"{"})
    [warning] = [
        each.getMessage() for each in caplog.records if each.levelno == logging.WARNING
    ]
    assert warning.endswith("; see them with `reporting quarantine visits list`")


def test_a_run_without_records_ends_without_a_warning(run, caplog):
    run({})
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_each_unread_object_is_named_in_the_log_with_its_reason_up_to_a_limit(
    run, caplog, tmp_path
):
    caplog.set_level(logging.INFO, "reporting_framework.execution.rejection_summary")
    run({})
    names = [f"{number:04}.json" for number in range(MAX_NAMED + 7)]
    for name in names:
        (tmp_path / "in" / name).symlink_to("nowhere")
    assert run({}).unread_reasons == {"missing": MAX_NAMED + 7}
    named = [record for record in caplog.records if hasattr(record, "source_key")]
    assert [(each.source_key, each.reason) for each in named] == [
        (name, "missing") for name in names[:MAX_NAMED]
    ]
    assert (
        named[0].getMessage()
        == "unread: 0000.json: missing; the next run tries it again"
    )
    assert [each.levelname for each in named] == ["WARNING"] * MAX_WARNINGS + [
        "INFO"
    ] * (MAX_NAMED - MAX_WARNINGS)
    [rest] = [record for record in caplog.records if hasattr(record, "unread_unnamed")]
    assert (rest.unread_unnamed, rest.getMessage()) == (
        7,
        "unread, and not named here: 7 more",
    )
