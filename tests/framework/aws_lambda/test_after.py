"""Pages after a run: put beside the table, said, measured; and nothing that goes wrong with them fails the run."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporting_framework.aws_lambda.environment import Environment

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"


class Context:
    """Lambda's, with so many seconds left."""

    function_name = "visits"
    aws_request_id = "11111111-1111-1111-1111-111111111111"

    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


@pytest.fixture
def function(tmp_path, capsys):
    """Invokes the function on a few events in a folder; gives its answer and the lines that it printed."""
    (tmp_path / "in").mkdir()
    for each in EXAMPLE.glob("*SYN0013*"):
        shutil.copy(each, tmp_path / "in")

    def invoke(seconds=300.0, **more):
        variables = {
            "REPORTING_REPORT": "event-log-checkpoint",
            "REPORTING_EVENT_LOG_CHECKPOINT__SOURCE": f"{tmp_path}/in",
            "REPORTING_EVENT_LOG_CHECKPOINT__CHECKPOINT": f"{tmp_path}/out/visits.parquet",
            "REPORTING_AFTER": "report",
            **more,
        }
        answer = Environment(
            {name: value for name, value in variables.items() if value}
        ).invoke({}, Context(seconds))
        return answer, [
            json.loads(line) for line in capsys.readouterr().out.splitlines()
        ]

    return invoke


def metrics(lines):
    return {
        name: line[name]
        for line in lines
        for name in ("PagesWritten", "PagesFailed", "RunSucceeded")
        if name in line
    }


def test_pages_of_this_month_and_the_last_are_beside_the_table(function, tmp_path):
    answer, lines = function()
    now = datetime.now(UTC)
    last = (now.year * 12 + now.month - 2) // 12, (now.month - 2) % 12 + 1
    names = [f"{now:%Y-%m}.html", f"{last[0]}-{last[1]:02d}.html"]
    folder = tmp_path / "out" / "_reports" / "visits"
    assert sorted(each.name for each in folder.iterdir()) == sorted(names)
    assert [uri.rpartition("/")[2] for uri in answer["pages"]] == names
    assert (answer["statusCode"], "pages_error" in answer) == (200, False)
    assert metrics(lines) == {
        "PagesWritten": [2.0],
        "PagesFailed": [0.0],
        "RunSucceeded": [1.0],
    }


def test_of_a_page_of_the_whole_table_there_is_one(function):
    answer, lines = function(REPORTING_PAGE="table-overview")
    assert [uri.rpartition("/")[2] for uri in answer["pages"]] == [
        "table-overview.html"
    ]
    assert metrics(lines)["PagesWritten"] == [1.0]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"seconds": 3}, "not enough time is left"),
        ({"REPORTING_PAGE": "nothing"}, "there is no page 'nothing'"),
    ],
)
def test_what_goes_wrong_is_logged_and_measured_and_fails_nothing(
    function, more, reason
):
    answer, lines = function(**more)
    assert (answer["statusCode"], answer["status"]) == (200, "ok")
    assert (answer["pages"], answer["pages_error"]) == (
        [],
        "the pages were not made; the function's log says why",
    )
    [line] = [line for line in lines if line.get("message") == "pages not made"]
    assert (line["level"], line["reason"].startswith(reason)) == ("ERROR", True)
    assert metrics(lines) == {
        "PagesWritten": [0.0],
        "PagesFailed": [1.0],
        "RunSucceeded": [1.0],
    }


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_place_that_cannot_be_written_fails_nothing(function, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_reports").mkdir(mode=0o500)
    assert function()[0]["pages_error"]


def test_a_file_in_the_place_of_the_folder_fails_nothing(function, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_reports").write_text("a file")
    answer, lines = function()
    assert (answer["status"], answer["pages"], bool(answer["pages_error"])) == (
        "ok",
        [],
        True,
    )
    assert metrics(lines)["PagesFailed"] == [1.0]


def test_no_pages_are_made_unless_they_are_asked_for(function, tmp_path):
    answer, lines = function(REPORTING_AFTER=None)
    assert not {"pages", "pages_error"} & set(answer)
    assert not (tmp_path / "out" / "_reports").exists()
    assert metrics(lines) == {"RunSucceeded": [1.0]}
