"""Where checks and changed columns are seen: the command line, the history, and the answers and metrics of a function."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from reporting_framework.aws_lambda import metrics
from reporting_framework.aws_lambda.responses import failure
from reporting_framework.cli.history import _schema
from reporting_framework.cli.main import reporting, reporting_run
from reporting_framework.cli.summary import check_rows, summary
from reporting_framework.errors import CheckFailed
from reporting_framework.execution.stream_totals import failed_stream, sum_of
from reporting_framework.plugin_api.result import (
    CheckOutcome,
    RunRecord,
    RunResult,
    SchemaChange,
)

CONFIG = """
[reports.prices]
source    = { use = "object-store-json", uri = "prices/", include = "*.json" }
validator = { use = "pydantic", model = "shop_models_of_checks:Price" }
checks    = [
    { check = "unique", columns = "sku" },
    { check = "foreign_key", columns = "shop", report = "shops", to = "name", severity = "warn" },
    { check = "row_count_change", max = 0.5, severity = "warn" },
    { check = "freshness", column = "at", max_age = "3d" },
]
sinks     = [{ use = "parquet-checkpoint", uri = "out/prices.parquet", timestamp = "at" }]

[reports.shops]
source    = { use = "object-store-json", uri = "shops/", include = "*.json" }
validator = { use = "pydantic", model = "shop_models_of_checks:Shop" }
checks    = [{ check = "foreign_key", columns = "name", report = "prices", to = "shop", severity = "warn" }]
sinks     = [{ use = "parquet-checkpoint", uri = "out/shops.parquet", timestamp = "at" }]
"""

MODELS = """
from datetime import datetime
from typing_extensions import TypedDict

class Price(TypedDict):
    sku: str
    shop: str
    at: datetime

class Shop(TypedDict):
    name: str
    at: datetime
"""

NOW = datetime.now(UTC)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with two reports, each of which refers to the other, and a function that adds a price."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "shop_models_of_checks.py").write_text(MODELS)
    (tmp_path / "reporting.toml").write_text(CONFIG)
    for name in ("prices", "shops"):
        (tmp_path / name).mkdir()

    def add(number, sku, shop="alpha", at=NOW):
        record = {"sku": sku, "shop": shop, "at": at.isoformat()}
        (tmp_path / "prices" / f"{number}.json").write_text(json.dumps(record))

    (tmp_path / "shops" / "1.json").write_text(
        json.dumps({"name": "alpha", "at": NOW.isoformat()})
    )
    yield add
    sys.modules.pop("shop_models_of_checks", None)


def run(*words):
    return CliRunner().invoke(
        reporting_run, [*words, "--quiet"], prog_name="reporting-run"
    )


def test_the_command_line_shows_each_check_and_its_exit_code(shop):
    shop(1, "SECRET-A")
    assert run("shops").exit_code == 0
    done = run("prices")
    assert done.exit_code == 0
    assert "check unique(sku)        passed" in done.stdout
    assert (
        "check row_count_change   not judged: no earlier run has measured it"
        in done.stdout
    )
    shop(2, "SECRET-A", shop="beta")
    done = run("prices")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "prices: failed"
    assert [line.strip() for line in lines[1:]] == [
        "check unique(sku)        failed: rows that share a key: 2 of 2",
        "check foreign_key(shop)  failed (warn): rows whose key is not in report shops: 1 of 1",
        "check row_count_change   failed (warn): 2 rows, 1 before: a change of +100.0%, more than 50.0%",
        "check freshness(at)      passed",
    ]
    assert (
        "error: report prices: check unique(sku) failed: rows that share a key: 2 of 2; nothing was committed"
        in done.stderr
    )
    assert "SECRET" not in done.output
    listed = (
        CliRunner()
        .invoke(reporting, ["history", "prices"], prog_name="reporting")
        .stdout.splitlines()
    )
    assert listed[0].split()[-1] == "checks"
    assert listed[1].endswith(
        "failed: unique(sku) (fail), foreign_key(shop) (warn), row_count_change (warn)"
    )
    assert listed[2].endswith("3 passed")


def test_json_has_the_outcomes_of_a_run_that_failed(shop):
    shop(1, "A")
    shop(2, "A")
    done = run("prices", "--format", "json")
    result = json.loads(done.stdout)
    assert (done.exit_code, result["status"]) == (1, "failed")
    assert result["checks"][0] == {
        "name": "unique(sku)",
        "check": "unique",
        "columns": ["sku"],
        "over": "table",
        "severity": "fail",
        "passed": False,
        "measured": {"rows": 2, "failing": 2, "keys": 1},
        "problem": "rows that share a key: 2 of 2",
    }


def test_json_of_a_run_that_failed_after_the_commit_has_its_outputs(shop):
    shop(1, "A", at=NOW - timedelta(days=5))
    done = run("prices", "--format", "json")
    result = json.loads(done.stdout)
    assert (done.exit_code, result["status"], result["outputs"][0]["rows"]) == (
        1,
        "failed",
        1,
    )
    assert (
        "the newest value is 5.0 days old, max_age is 3d; the rows of this run are committed"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ('[{"check": "foreign_key", "columns": "sku", "report": "shop"}]', "report prices: check foreign_key: there is no report 'shop'; did you mean shops?"),
        ('[{"check": "unik", "columns": "sku"}]', "report prices: there is no check unik; did you mean unique?"),
        ('[{"columns": "sku"}]', "checks.0.check"),
        ('"unique"', "checks"),
    ],
)  # fmt: skip
def test_a_wrong_check_is_refused_before_anything_is_read(shop, checks, message):
    shop(1, "A")
    done = run("prices", "--set", f"checks={checks}")
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_contract_needs_a_source_with_columns(shop):
    done = run("prices", "--contract", "freeze")
    assert done.exit_code == 2
    assert (
        "report prices: contract: source or validator takes no columns from the source; use"
        in done.stderr
    )


def outcome(name, severity, passed, **more):
    return CheckOutcome(
        name=name,
        check="unique",
        over="table",
        severity=severity,
        passed=passed,
        **more,
    )


CHECKS = [
    outcome("a", "warn", False, problem="of a"),
    outcome("b", "fail", True),
    outcome("c", "fail", None, problem="of c"),
]
FAILED = RunResult(
    report="r", run_id="1", status="failed", complete=False, checks=CHECKS
)
ERROR = CheckFailed("report r: check a failed", FAILED)
CHANGES = [
    SchemaChange(column="new", change="added", after="Int64"),
    SchemaChange(column="old", change="removed", before="String"),
    SchemaChange(column="id", change="retyped", before="Int32", after="Int64"),
]


def test_at_most_twenty_checks_are_shown():
    many = FAILED.model_copy(
        update={"checks": [outcome(str(number), "fail", True) for number in range(23)]}
    )
    assert len(check_rows(many)) == 21
    assert check_rows(many)[-1] == ("checks", "and 3 more, 3 passed (--format json)")


def test_a_summary_names_changed_columns():
    text = summary(FAILED.model_copy(update={"schema_changes": CHANGES}), [])
    assert "source column  new is new (Int64)" in text
    assert "source column  old is gone (String)" in text
    assert "source column  id is Int64, not Int32" in text
    record = RunRecord(
        run_id="1",
        report="r",
        started_at=NOW,
        finished_at=NOW,
        status="ok",
        complete=True,
        schema_changes=CHANGES,
    )
    assert _schema(record) == "+new -old ~id"


def test_the_sum_of_streams_names_the_stream_of_each_check():
    fine = RunResult(
        report="r/b",
        run_id="2",
        status="ok",
        complete=True,
        checks=CHECKS[1:2],
        schema_changes=CHANGES[:1],
    )
    failed = failed_stream("r/a", ERROR)
    assert failed.warnings == ["stream r/a failed: report r: check a failed"]
    total = sum_of("r", "3", {"a": failed, "b": fine}, seconds=1)
    assert [(each.stream, each.name) for each in total.checks] == [
        ("a", "a"),
        ("a", "b"),
        ("a", "c"),
        ("b", "b"),
    ]
    assert check_rows(total)[0] == ("check a: a", "failed (warn): of a")
    assert total.schema_changes == CHANGES[:1]
    assert total.status == "partial"


def test_a_function_answers_and_measures_failed_checks():
    answer = failure("direct", ERROR, report="r", request_id="1")
    assert (answer["statusCode"], [each["name"] for each in answer["checks"]]) == (
        500,
        ["a", "b", "c"],
    )
    assert metrics.of_checks(FAILED) == {
        "ChecksFailed": (0, "Count"),
        "ChecksWarned": (1, "Count"),
    }
    fine = RunResult(report="r", run_id="1", status="ok", complete=True, checks=CHECKS)
    assert metrics.of_run(fine)["ChecksWarned"] == (1, "Count")
    assert (
        not metrics.CHECK_METRICS.keys()
        & metrics.of_run(fine.model_copy(update={"checks": []})).keys()
    )


def test_a_function_may_read_the_table_of_another_report_and_not_write_it(
    shop, monkeypatch
):
    text = CONFIG.replace('uri = "', 'uri = "s3://bucket/')
    with open("reporting.toml", "w") as file:
        file.write(text.replace("s3://bucket/out/shops", "s3://other/out/shops"))
    done = CliRunner().invoke(reporting, ["iam", "prices"], prog_name="reporting")
    statements = json.loads(done.stdout)["Statement"]
    actions = {
        action
        for statement in statements
        for action in statement["Action"]
        if "arn:aws:s3:::other" in str(statement["Resource"])
    }
    assert "s3:GetObject" in actions
    assert not [
        action for action in actions if not action.startswith(("s3:Get", "s3:List"))
    ]
    own = {
        action
        for statement in statements
        if ":::bucket" in str(statement["Resource"])
        for action in statement["Action"]
    }
    assert "s3:PutObject" in own
