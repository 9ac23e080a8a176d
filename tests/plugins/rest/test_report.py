"""Reports with the source, from the configuration file to the tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from reporting_framework import AccessDenied, StorageUnavailable, run_report
from reporting_framework.operations.lint import lint
from reporting_framework.registry.registry import load_plugins
from tests.plugins.rest.server import Answer, Asked, serving

REPORT = """
[reports.issues]
source    = { use = "rest-api", base_url = "URL", auth = { type = "bearer", token = "secret:env:API_TOKEN" }, allow_private = true, resources = [
              { name = "issues", path = "/issues", records = "items", primary_key = ["id"], cursor = { field = "updated_at", param = "since" }, paginator = { type = "next_url", path = "next" } },
              { name = "comments", path = "/issues/{issues.id}/comments", records = "$", primary_key = ["id"] } ] }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", mode = "upsert" }]
"""


class Tracker:
    """Issues with two comments each. Tokens change if `tokens` says so."""

    def __init__(self, count: int) -> None:
        self.issues = {number: self.issue(number, 1) for number in range(1, count + 1)}
        self.down = False

    def issue(self, number: int, day: int, **more: Any) -> dict[str, Any]:
        return {"id": number, "updated_at": f"2024-05-{day:02}T00:00:00Z", **more}

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers["authorization"] != "Bearer canary-token":
            return Answer(status=401)
        if asked.path != "/issues":
            number = int(asked.path.split("/")[2])
            if self.down and number == 4:
                return Answer(status=503)
            return Answer([{"id": 10 * number + each, "body": "x"} for each in (0, 1)])
        since, page = asked.param("since", ""), int(asked.param("page", "1"))
        rows = [each for each in self.issues.values() if each["updated_at"] >= since]
        query = f"?page={page + 1}" + (f"&since={since}" if since else "")
        following = f"/issues{query}" if len(rows) > 2 * page else None
        return Answer({"items": rows[2 * page - 2 : 2 * page], "next": following})


@pytest.fixture
def configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    def write(url: str, more: str = "") -> None:
        text = REPORT.replace("URL", url).replace("allow_private = true", more)
        (tmp_path / "reporting.toml").write_text(text)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_TOKEN", "canary-token")
    return lambda url: write(
        url, "allow_private = true, wait_seconds = 0.01, attempts = 2"
    )


def test_resources_are_tables_that_are_kept_up_to_date(
    configured: Callable[[str], None], tmp_path: Path
) -> None:
    """Each page is fetched once, the sample of the columns included; new columns and changes arrive."""
    tracker = Tracker(5)
    with serving(tracker) as server:
        configured(server.url)
        result = run_report("issues")
        targets = [asked.target for asked in server.take()]
        assert len(targets) == len(set(targets)) == 3 + 5
        assert (result.status, result.accepted) == ("ok", 5 + 10)
        assert result.traffic is not None
        assert result.traffic.requests == {"api": len(targets)}
        tracker.issues[1] = tracker.issue(1, 9, state="closed")
        run_report("issues")
        assert run_report("issues").accepted == 3
    issues = pl.read_parquet("out/issues.parquet").sort("id")
    assert issues["id"].to_list() == [1, 2, 3, 4, 5]
    assert issues["state"].to_list() == ["closed", *[None] * 4]
    comments = pl.read_parquet("out/comments.parquet")
    assert sorted(comments["id"]) == [10 * n + k for n in range(1, 6) for k in (0, 1)]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.parquet"))
    assert b"canary-token" not in kept


def test_a_resource_without_records_is_a_table_that_grows(
    configured: Callable[[str], None],
) -> None:
    tracker = Tracker(0)
    with serving(tracker) as server:
        configured(server.url)
        assert run_report("issues").status == "ok"
        tracker.issues[1] = tracker.issue(1, 1)
        run_report("issues")
    assert pl.read_parquet("out/issues.parquet")["updated_at"].len() == 1
    assert pl.read_parquet("out/comments.parquet").height == 2


def test_columns_are_those_of_several_pages(configured: Callable[[str], None]) -> None:
    """Fields that the first page does not have become columns; the sample costs no request."""
    tracker = Tracker(12)
    tracker.issues[3] |= {"score": 1}
    tracker.issues[9] |= {"score": 1.5, "closed_at": "x"}
    with serving(tracker) as server:
        configured(server.url)
        result = run_report("issues")
        targets = [asked.target for asked in server.take()]
    assert len(targets) == len(set(targets)) == 6 + 12
    issues = pl.read_parquet("out/issues.parquet").sort("id")
    assert issues["score"].drop_nulls().to_list() == [1.0, 1.5]
    assert (issues["closed_at"].drop_nulls().len(), result.warnings) == (1, [])


def test_a_column_without_a_value_is_said_to_be_text_once(
    configured: Callable[[str], None],
) -> None:
    tracker = Tracker(2)
    for issue in tracker.issues.values():
        issue["points"] = None
    with serving(tracker) as server:
        configured(server.url)
        first = run_report("issues")
        tracker.issues[1] |= {"points": 4, "updated_at": "2024-05-20T00:00:00Z"}
        second = run_report("issues")
    assert first.warnings == [
        "source rest-api: resource issues: columns without a value are texts from now"
        " on: points; declare their types in columns"
    ]
    assert second.warnings == []
    points = pl.read_parquet("out/issues.parquet").sort("id")["points"]
    assert points.to_list() == ["4", None]


def test_a_sample_ends_on_pages_without_end(configured: Callable[[str], None]) -> None:
    with serving(
        lambda asked: Answer({"items": [], "next": "/issues?page=2"})
    ) as server:
        server.handler, endless = Tracker(0), server.handler
        configured(server.url)
        assert run_report("issues").complete
        server.handler = endless
        assert not run_report("issues").complete
        assert len(server.take()) < 20


@pytest.mark.parametrize("contract", [None, "evolve", "freeze"])
def test_increments_alone_are_asked_for_and_bring_new_fields(
    configured: Callable[[str], None], tmp_path: Path, contract: str | None
) -> None:
    """The sample of a later run begins where the last one ended, so a field of new records alone is seen."""
    tracker = Tracker(8)
    tracker.issues[8] = tracker.issue(8, 8)
    with serving(tracker) as server:
        configured(server.url)
        run_report("issues")
        if contract is not None:
            file = tmp_path / "reporting.toml"
            file.write_text(file.read_text() + f'contract = "{contract}"\n')
        tracker.issues[9] = tracker.issue(9, 20, state="open")
        server.take()
        result = run_report("issues")
        lists = [asked for asked in server.take() if asked.path == "/issues"]
        assert {asked.param("since") for asked in lists} == {"2024-05-08T00:00:00Z"}
        changes = [each.change for each in result.schema_changes]
        assert changes == ([] if contract == "freeze" else ["added"])
        stored = pl.read_parquet("out/issues.parquet")
        assert ("state" in stored.columns) == (contract != "freeze")
        assert result.complete == (contract != "freeze")
        run_report("issues")
        lists = [asked for asked in server.take() if asked.path == "/issues"]
        since = "2024-05-08" if contract == "freeze" else "2024-05-20"
        assert {asked.param("since")[:10] for asked in lists} == {since}


def test_fields_without_a_column_are_counted_and_named(
    configured: Callable[[str], None],
) -> None:
    """Such a field appears where no sample is; what earlier runs stored stays."""
    tracker = Tracker(60)
    tracker.issues[58] |= {"score": 1.5, "closed-at": "x", "empty": None}
    tracker.issues[59] |= {"score": {"a": 1}}
    with serving(tracker) as server:
        configured(server.url)
        result = run_report("issues")
    assert (result.ignored_fields, result.accepted) == ({"score": 2}, 60 + 120)
    assert result.warnings == [
        "source rest-api: resource issues: fields without a column were left out: score"
        " (2), 1 more; declare them in columns, and run once with --full-scan"
    ]
    assert pl.read_parquet("out/issues.parquet").columns[:2] == ["id", "updated_at"]


def test_a_run_that_fails_midway_is_made_up_for(
    configured: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = Tracker(6)
    tracker.down = True
    with serving(tracker) as server:
        configured(server.url)
        result = run_report("issues")
        assert not result.complete
        assert result.objects_unread
        tracker.down = False
        assert run_report("issues").complete
    assert pl.read_parquet("out/issues.parquet").height == 6
    assert pl.read_parquet("out/comments.parquet").height == 12


def test_an_error_of_all_streams_is_raised_and_not_logged_for_each(
    configured: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(Tracker(2)) as server:
        configured(server.url)
        monkeypatch.setenv("API_TOKEN", "wrong")
        with pytest.raises(AccessDenied, match="HTTP 401"):
            run_report("issues")
    assert "401" not in caplog.text


def test_no_message_shows_a_secret_or_a_value(
    configured: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(lambda asked: Answer(status=500)) as server:
        configured(server.url)
        with pytest.raises(StorageUnavailable, match="/issues: HTTP 500, 2 attempts"):
            run_report("issues")
    assert "canary" not in caplog.text


def test_lint_sees_only_secrets_as_secrets(
    configured: Callable[[str], None], tmp_path: Path
) -> None:
    """The type of the credentials is none, whatever the models of other types have there."""
    configured("https://tracker.example")
    file = tmp_path / "reporting.toml"
    assert not lint(file, load_plugins(), {"API_TOKEN": "x"}).problems
    file.write_text(file.read_text().replace("secret:env:API_TOKEN", "canary-token"))
    (problem,) = lint(file, load_plugins(), {}).problems
    assert "source.auth.token: it holds a secret in plain" in problem.message
