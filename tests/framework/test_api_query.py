"""Asking a report's table from Python: the same as the command line, from Python's own values."""

import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from reporting_framework import (
    ObjectMissing,
    PluginError,
    SettingsError,
    query_report,
    run_report,
)
from reporting_framework.cli.main import reporting

REPORT = "event-log-checkpoint"


def events(**asked):
    return query_report(REPORT, "counts", **asked)["events"].to_list()


def test_the_answer_is_that_of_the_command_line(checkpointed):
    found = query_report(
        REPORT, "volumes", options={"by": ["module"]}, where={"study": "adrc"}
    )
    command = [
        "query",
        REPORT,
        "volumes",
        "--by",
        "module",
        "--where",
        "study=adrc",
        "--format",
        "json",
    ]
    assert found.to_dicts() == json.loads(CliRunner().invoke(reporting, command).stdout)


def test_rows_are_asked_for_by_values_of_python(checkpointed):
    assert events() == [14]
    assert events(where={"ptid": ["TWIN0000", "TWIN0001"]}) == [4]
    assert events(where={"ptid": ("TWIN0000", "SYN0013"), "action": "submit"}) == [5]
    assert events(where={"pipeline_adcid": 904, "module": None}) == [8]
    assert events(where={"visit_date": date(2023, 6, 24)}) == [6]
    assert events(first=date(2024, 1, 15), last="2024-01-16") == [4]
    assert events(first="2023-07-02", last=date(2023, 7, 10), on="visit_date") == [4]


def test_settings_are_over_those_of_the_file(checkpointed, tmp_path):
    with pytest.raises(
        ObjectMissing, match="sink parquet-checkpoint holds nothing yet"
    ):
        query_report(REPORT, "counts", {"checkpoint": str(tmp_path / "none.parquet")})
    run_report(REPORT, {"checkpoint": str(tmp_path / "mine.parquet")})
    assert (
        query_report(
            REPORT, "counts", {"checkpoint": str(tmp_path / "mine.parquet")}
        ).item()
        == 14
    )
    (tmp_path / "other.toml").write_text((tmp_path / "reporting.toml").read_text())
    (tmp_path / "reporting.toml").unlink()
    assert query_report(REPORT, "counts", config=tmp_path / "other.toml").item() == 14


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (
            {"where": {"study": []}},
            SettingsError,
            "where: no value for column study; give one, or leave the column out",
        ),
        (
            {"where": {"study": 0.5}},
            SettingsError,
            "where: column study: a float is not supported; give a text,",
        ),
        (
            {"where": {"timestamp": datetime(2024, 1, 1, tzinfo=UTC)}},
            SettingsError,
            "where: column timestamp: a datetime is not supported",
        ),
        (
            {"where": {"sudy": "x"}},
            SettingsError,
            r"there is no column sudy; did you mean study\?",
        ),
        (
            {"where": {"visit_date": "someday"}},
            SettingsError,
            "does not fit column visit_date",
        ),
        (
            {"where": {"visit_date": True}},
            SettingsError,
            "'true' does not fit column visit_date",
        ),
        (
            {"first": "2024-1-1"},
            SettingsError,
            "first: give a date, or a day as YYYY-MM-DD",
        ),
        (
            {"last": datetime(2024, 1, 1, tzinfo=UTC)},
            SettingsError,
            "last: give a date, or a day as YYYY-MM-DD",
        ),
        (
            {"first": "2024-02-01", "last": "2024-01-01"},
            SettingsError,
            "first day 2024-02-01: it is after the last",
        ),
        ({"options": {"bye": []}}, SettingsError, "query counts: .*bye"),
        (
            {"options": {"by": ["nothing"]}},
            SettingsError,
            "query counts: by: no column nothing",
        ),
    ],
)
def test_what_does_not_fit_is_refused(checkpointed, asked, error, message):
    with pytest.raises(error, match=message):
        query_report(REPORT, "counts", **asked)


def test_a_report_or_query_that_there_is_not_is_refused(checkpointed):
    with pytest.raises(PluginError, match="countz"):
        query_report(REPORT, "countz")
    with pytest.raises(PluginError, match="no-such"):
        query_report("no-such", "counts")
