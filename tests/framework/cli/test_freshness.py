"""``reporting freshness``: one line, and an exit code that tells a monitor what it needs."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from reporting_framework import FatalError, run_report
from reporting_framework.cli.freshness import age_in_words
from reporting_framework.cli.main import reporting
from reporting_framework.operations.freshness import freshness
from reporting_framework.plugin_api.result import RunRecord
from tests.framework.cli.test_quarantine import made_of
from tests.framework.cli.test_state import remembering
from tests.framework.tables.databases import SqliteTable
from tests.support.plugins import (
    GivenRecords,
    batch,
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    take,
)

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def invoke(*arguments):
    done = CliRunner().invoke(
        reporting,
        ["freshness", "event-log-checkpoint", *arguments],
        prog_name="reporting",
    )
    return done.exit_code, done.output


def test_a_report_that_ran_lately_is_fresh(ran):
    code, text = invoke("--max-age", "1h")
    assert (code, text.count("\n")) == (0, 1)
    assert text.startswith("event-log-checkpoint: fresh: ")


def test_a_table_that_is_gone_or_damaged_is_stale(ran):
    table = ran / "out" / "x.parquet"
    table.write_bytes(table.read_bytes()[:500])
    code, text = invoke("--max-age", "1h")
    assert (code, text.partition(";")[0]) == (
        6,
        "event-log-checkpoint: stale: its table is missing or cannot be read",
    )
    table.unlink()
    code, text = invoke("--max-age", "1h", "--format", "json")
    assert (code, json.loads(text)["state"], json.loads(text)["gone"]) == (
        6,
        "stale",
        True,
    )


def test_a_history_that_was_deleted_is_none(ran):
    shutil.rmtree(ran / "out" / "_runs")
    code, text = invoke("--max-age", "1h")
    assert code == 0
    assert text.startswith(
        "event-log-checkpoint: fresh: there is no history of runs; the table was last written "
    )


def test_old_data_is_stale(ran):
    code, text = invoke("--of", "data", "--max-age", "3d")
    assert code == 6
    assert text.startswith("event-log-checkpoint: stale: the newest data is from ")
    assert text.endswith(" ago (2024-01-05 10:00:00 UTC); 3d is allowed\n")
    code, text = invoke("--of", "data", "--max-age", "9999d", "--format", "json")
    found = json.loads(text)
    assert (code, found["state"], found["basis"]) == (0, "fresh", "timestamp")
    assert (found["moment"], found["max_age"]) == (
        "2024-01-05T10:00:00Z",
        9999 * 86_400,
    )


def test_a_report_that_never_ran_is_neither(ran):
    assert invoke("--max-age", "1h", "--checkpoint", "none/x.parquet") == (
        7,
        "event-log-checkpoint: never: no run has ended ok and complete\n",
    )
    code, text = invoke(
        "--of",
        "data",
        "--max-age",
        "1h",
        "--checkpoint",
        "none/x.parquet",
        "--format",
        "json",
    )
    assert (code, json.loads(text)["state"], json.loads(text)["moment"]) == (
        7,
        "never",
        None,
    )


def test_data_that_is_ahead_of_the_clock_hides_nothing(ran):
    coming = made_of(timestamp="2999-01-01T00:00:00Z")
    (ran / "in" / "log-submit-29990101-000000-1-p-A1-1.json").write_bytes(coming)
    run_report("event-log-checkpoint")
    code, text = invoke("--of", "data", "--max-age", "3d")
    assert code == 1
    assert (
        "the newest data is from 2999-01-01 00:00:00 UTC, which is ahead of the clock"
        in text
    )


@pytest.mark.parametrize("age", ["", "0", "1w", "-1h"])
def test_an_age_that_is_none_is_refused(ran, age):
    code, text = invoke("--max-age", age)
    assert code == 2
    assert "is not a duration" in text


class Told:
    def __init__(self, *runs):
        self.runs = runs

    def clear(self):
        pass

    def records(self):
        return [
            RunRecord(
                run_id="r",
                report="t",
                started_at=at,
                finished_at=at,
                status=status,
                complete=complete,
                replay=replay,
            )
            for at, status, complete, replay in self.runs
        ]


@pytest.mark.parametrize(
    ("runs", "days"),
    [
        ([(1, "ok", True, False)], 1),
        ([(-400, "ok", True, False), (2, "ok", True, False)], 2),
        ([(1, "failed", False, False), (2, "ok", True, False)], 2),
        (
            [
                (1, "partial", True, False),
                (2, "ok", False, False),
                (3, "ok", True, True),
                (4, "ok", True, False),
            ],
            4,
        ),
        ([(1, "failed", False, False)], None),
    ],
)
def test_a_run_counts_that_ended_well_and_complete_and_looked_for_what_is_new(
    tmp_path, runs, days
):
    told = Told(*((NOW - timedelta(days=ago), *more) for ago, *more in runs))
    found = freshness(remembering(tmp_path, told), "runs", now=NOW)
    assert (found.basis, found.age) == ("history", days and days * 86_400)


def test_without_a_history_it_is_when_the_table_was_written(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name_of(1)).write_bytes(event(1))
    take(tmp_path / "in", tmp_path / "out" / "x.parquet")
    made = pipeline(source(tmp_path / "in"), checkpoint(tmp_path / "out" / "x.parquet"))
    made.metadata.history = None
    found = freshness(made, "runs")
    assert found.basis == "modification"
    assert 0 <= found.age < 60


def test_the_age_of_data_without_timestamps_is_not_known(tmp_path):
    """Not: there is no data."""
    settings = SqliteTable.Settings(path=str(tmp_path / "a.db"), table="records")
    made = pipeline(GivenRecords({"s": [batch(1)]}), SqliteTable(settings))
    assert freshness(made, "data").moment is None
    execute(made)
    with pytest.raises(FatalError, match="no row has a timestamp; name a column in"):
        freshness(made, "data")


def test_ages_in_words():
    ages = {
        0: "0s",
        59: "59s",
        60: "1m",
        3661: "1h 1m",
        90_000: "1d 1h",
        26 * 3600: "1d 2h",
    }
    assert {age: age_in_words(age) for age in ages} == ages
