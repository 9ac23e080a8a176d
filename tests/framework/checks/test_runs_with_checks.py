"""When checks are judged, what a failed one stops, and where its outcome is found afterwards."""

from datetime import timedelta

import polars as pl
import pytest

from reporting_framework import SOURCE_KEY, Sink
from reporting_framework.builtin.frame_settings import FrameSettings
from reporting_framework.errors import CheckFailed
from reporting_framework.execution.report_checks import bind_checks
from reporting_framework.plugin_api.records import CommitResult, StagedPart
from reporting_framework.testing.fakes import Notes
from tests.framework.checks.reports import (
    COLUMNS,
    NOW,
    Given,
    execute,
    outcomes,
    parquet,
    report,
    rows,
    sqlite,
)

UNIQUE = {"check": "unique", "columns": "sku"}
FRESH = {"check": "freshness", "column": "at", "max_age": "1d"}
OLD = NOW - timedelta(days=3)


def skus(folder, sinks=parquet):
    sink = sinks(folder)
    sink.open(pl.Schema({**COLUMNS, SOURCE_KEY: pl.String()}), "append", ())
    sink.ledger()
    table = sink.scan()
    return [] if table is None else sorted(table.collect()["sku"].to_list())


@pytest.mark.parametrize("sinks", [parquet, sqlite])
def test_a_failed_check_commits_nothing_and_a_warning_stops_nothing(
    tmp_path, sinks, caplog
):
    one = rows({"id": 1, "sku": "A"}, {"id": 2, "sku": "B"})
    assert outcomes(execute(report(tmp_path, Given([one]), UNIQUE, sinks=sinks))) == {
        "unique": True
    }
    again, notes = rows({"id": 3, "sku": "B"}, {"id": 4, "sku": "C"}), Notes()
    with pytest.raises(CheckFailed) as error:
        execute(
            report(tmp_path, Given([again]), UNIQUE, sinks=sinks), observers=[notes]
        )
    assert str(error.value) == (
        "report prices: check unique(sku) failed: rows that share a key: 2 of 4; nothing was committed;"
        " correct the records at the source, or set its severity to warn"
    )
    assert notes.calls[-1] == "failed"
    assert notes.error.result.checks[0].measured == {"rows": 4, "failing": 2, "keys": 1}
    assert skus(tmp_path, sinks) == ["A", "B"]
    result = execute(
        report(tmp_path, Given([again]), {**UNIQUE, "severity": "warn"}, sinks=sinks)
    )
    assert (result.status, result.accepted, outcomes(result)) == (
        "ok",
        2,
        {"unique": False},
    )
    assert (
        "report prices: check unique(sku) failed: rows that share a key: 2 of 4"
        in caplog.messages
    )
    assert skus(tmp_path, sinks) == ["A", "B", "B", "C"]


def test_a_run_that_is_stopped_records_no_state_rejection_or_hint_and_is_in_the_history(
    tmp_path,
):
    made = report(
        tmp_path,
        Given([rows({"sku": None})]),
        {"check": "not_null", "columns": ["sku"]},
    )
    with pytest.raises(CheckFailed):
        execute(made)
    (record,) = made.history.records()
    assert (record.status, record.error, record.outputs) == (
        "failed",
        "CheckFailed",
        [],
    )
    assert [(each.name, each.passed) for each in record.checks] == [
        ("not_null(sku)", False)
    ]
    assert made.metadata.quarantine.entries().is_empty()
    assert not (tmp_path / "table.parquet").exists()


def test_all_failed_checks_are_named(tmp_path):
    bad = Given([rows({"id": 1, "sku": None, "price": -1.0})])
    with pytest.raises(
        CheckFailed,
        match=r"not_null\(sku\) failed: rows with a null: 1 of 1 \(and range\(price\)\); nothing",
    ):
        execute(
            report(
                tmp_path,
                bad,
                {"check": "not_null", "columns": "sku"},
                {"check": "range", "column": "price", "min": 0},
            )
        )


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_stale_rows_are_committed_before_the_run_fails(tmp_path, mode):
    made = report(tmp_path, Given([rows({"at": OLD})]), FRESH, mode=mode)
    with pytest.raises(
        CheckFailed,
        match=r"freshness\(at\) failed: the newest value is 3.0 days old, max_age is 1d; the rows of this run are committed",
    ):
        execute(made)
    assert skus(tmp_path) == ["A"]
    (record,) = made.history.records()
    assert (record.status, record.accepted, record.outputs[0].rows) == ("failed", 1, 1)


def test_a_stale_extract_does_not_replace_the_table(tmp_path):
    execute(report(tmp_path, Given([rows({"sku": "new"})]), FRESH, mode="replace"))
    with pytest.raises(CheckFailed, match="nothing was committed"):
        execute(
            report(
                tmp_path,
                Given([rows({"sku": "old", "at": OLD})]),
                FRESH,
                mode="replace",
            )
        )
    assert skus(tmp_path) == ["new"]


def test_an_empty_run_judges_the_table(tmp_path):
    execute(report(tmp_path, Given([rows({"at": OLD})])))
    with pytest.raises(CheckFailed, match="3.0 days old"):
        execute(report(tmp_path, Given([]), FRESH))
    result = execute(
        report(tmp_path, Given([]), {**FRESH, "over": "run", "severity": "warn"})
    )
    assert result.checks[0].problem == "there is no value, max_age is 1d"


def test_values_ahead_of_the_clock_do_not_make_a_table_fresh(tmp_path):
    ahead = NOW + timedelta(days=300)
    with pytest.raises(CheckFailed):
        execute(
            report(
                tmp_path,
                Given([rows({"id": 1, "at": OLD}, {"id": 2, "at": ahead})]),
                FRESH,
            )
        )


TYPES = {
    "id": "int64",
    "sku": "string",
    "price": "float64",
    "day": "date",
    "at": "datetime",
}

INCOMPLETE = [
    FRESH,
    {"check": "row_count", "min": 5},
    {"check": "row_count_change", "max": 0.1},
]


def test_what_is_missing_is_not_judged_in_an_incomplete_run(tmp_path):
    execute(
        report(
            tmp_path,
            Given([rows({"id": n, "at": OLD}) for n in range(5)]),
            INCOMPLETE[2],
        )
    )
    result = execute(report(tmp_path, Given([], stopped=True), *INCOMPLETE[1:]))
    assert result.complete is False
    assert outcomes(result) == {"row_count": True, "row_count_change": None}
    (tmp_path / "other").mkdir()
    result = execute(
        report(
            tmp_path / "other", Given([rows({"at": OLD})], stopped=True), *INCOMPLETE
        )
    )
    assert {each.problem for each in result.checks} == {"the run is incomplete"}
    assert result.outputs[0].rows == 1


def test_a_dry_run_shows_what_would_fail_and_commits_nothing(tmp_path, caplog):
    source = Given([rows({"id": 1, "at": OLD}, {"id": 2, "at": OLD})])
    result = execute(report(tmp_path, source, UNIQUE, *INCOMPLETE), dry_run=True)
    assert outcomes(result) == {
        "unique": False,
        "freshness": None,
        "row_count": None,
        "row_count_change": None,
    }
    assert {each.problem for each in result.checks[1:]} == {"a dry run reads a sample"}
    assert "check unique(sku) failed" in caplog.text
    assert not (tmp_path / "table.parquet").exists()


def test_a_replay_judges_rows_and_not_their_number_or_age(tmp_path):
    execute(report(tmp_path, Given([rows({"id": 1})]), *INCOMPLETE[2:]))
    result = execute(
        report(tmp_path, Given([rows({"id": 2, "sku": "B"})]), UNIQUE, *INCOMPLETE[1:]),
        replay=["k2"],
    )
    assert outcomes(result) == {
        "unique": True,
        "row_count": None,
        "row_count_change": None,
    }
    with pytest.raises(CheckFailed, match="share a key"):
        execute(report(tmp_path, Given([rows({"id": 3})]), UNIQUE), replay=["k3"])


def test_the_number_of_rows_is_compared_with_complete_runs_that_committed(tmp_path):
    def run(*numbers, max=0.5, **more):
        check = {"check": "row_count_change", "max": max, **more}
        frame = rows(*({"id": number} for number in numbers))
        return execute(report(tmp_path, Given([frame]), check, mode="replace")).checks[
            0
        ]

    first = run(*range(10))
    assert (first.passed, first.problem) == (None, "no earlier run has measured it")
    with pytest.raises(
        CheckFailed,
        match="4 rows, 10 before: a change of -60.0%, more than 50.0%; nothing was committed",
    ):
        run(*range(4))
    assert run(*range(5)).measured == {"rows": 5, "rows_before": 10, "change": -0.5}
    assert run(*range(8), direction="drop", max=0).passed
    with pytest.raises(CheckFailed):
        run(*range(7), direction="drop", max=0)
    assert run(*range(7), direction="growth", max=0).passed
    assert run(*range(7), runs=4).measured["rows_before"] == 7.5  # of 10, 5, 8 and 7


def test_rows_of_the_run_are_compared_with_those_of_the_last_run(tmp_path):
    check = {"check": "row_count_change", "max": 0.5, "over": "run"}
    execute(report(tmp_path, Given([rows(*({"id": n} for n in range(4)))]), check))
    with pytest.raises(CheckFailed, match="1 row, 4 before"):
        execute(report(tmp_path, Given([rows({"id": 9})]), check))
    with pytest.raises(CheckFailed, match="0 rows, 4 before"):
        execute(report(tmp_path, Given([]), check))


def test_a_replacing_run_whose_records_are_all_rejected_keeps_and_judges_the_table(
    tmp_path,
):
    execute(
        report(
            tmp_path, Given([rows({"id": 1}, {"id": 2, "sku": "B"})]), mode="replace"
        )
    )
    rules = FrameSettings(
        columns={name: {"type": kind, "not_null": True} for name, kind in TYPES.items()}
    )
    source = Given([rows({"id": 3, "sku": None})])
    check = {"check": "row_count", "min": 2}
    result = execute(report(tmp_path, source, check, mode="replace", rules=rules))
    assert (result.rejected, result.checks[0].measured) == (1, {"rows": 2})


class Archive(Sink):
    """Sink that cannot be read."""

    name = "archive"

    def __init__(self):
        self.committed = 0

    def stage(self, frame, split, part):
        return StagedPart(frame.height, None)

    def commit(self, staged_parts, context=None):
        self.committed += 1
        return CommitResult()


def test_with_several_sinks_the_first_that_can_be_read_is_judged_and_none_is_committed(
    tmp_path,
):
    archive = Archive()
    sinks = [archive, parquet(tmp_path), sqlite(tmp_path)]
    execute(report(tmp_path, Given([rows({"id": 1})]), UNIQUE, sinks=sinks))
    sinks = [archive, parquet(tmp_path), sqlite(tmp_path)]
    with pytest.raises(CheckFailed):
        execute(report(tmp_path, Given([rows({"id": 2})]), UNIQUE, sinks=sinks))
    assert archive.committed == 1
    assert skus(tmp_path) == skus(tmp_path, sqlite) == ["A"]


def test_a_run_without_checks_imports_none_and_stages_nothing(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys, reporting_framework.execution.runner, reporting_framework.execution.assembly\n"
        "from reporting_framework.config.toml_report_settings import ComposedSettings\n"
        "print([name for name in sys.modules if name.startswith('reporting_framework.checks')"
        " or name.endswith(('report_checks', 'schema_widening'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    result = execute(report(tmp_path, Given([rows({"id": 1})])))
    assert "checks" not in result.model_dump()
    assert "check" not in result.seconds.model_dump(by_alias=True)


def test_staged_rows_are_removed_whatever_happens(tmp_path):
    made = report(tmp_path, Given([rows({"id": 1}), rows({"id": 2})]), UNIQUE)
    with pytest.raises(CheckFailed):
        execute(made)
    assert made.checks._area._folder is None


def test_a_table_whose_key_is_read_from_an_unknown_report_is_refused(tmp_path):
    from reporting_framework import CheckRef, PipelineSpec, PluginRef, SettingsError

    none = PluginRef("none")
    spec = PipelineSpec(
        none,
        none,
        [none],
        checks=[CheckRef("foreign_key", {"columns": "sku", "report": "centers"})],
    )
    with pytest.raises(
        SettingsError,
        match="report prices: check foreign_key: report centers is not known here; put its composition into references",
    ):
        bind_checks(report(tmp_path, Given([])), spec, None)
