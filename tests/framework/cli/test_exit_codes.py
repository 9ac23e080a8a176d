"""The exit code of a run."""

import pytest

from reporting_framework.cli.exit_codes import exit_code
from reporting_framework.plugin_api.result import RunResult


def run_result(**more) -> RunResult:
    return RunResult(
        **{
            "report": "r",
            "run_id": "1",
            "status": "ok",
            "complete": True,
            "rejected": 5,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("given", "max_rejected", "code"),
    [
        (run_result(), None, 0),
        (run_result(), 5, 0),
        (run_result(), 4, 3),
        (run_result(), 0, 3),
        (run_result(objects_unread=1), 0, 4),
        (run_result(objects_unread=1), None, 4),
        (run_result(complete=False), None, 5),
        (run_result(complete=False, objects_unread=1), 0, 5),
        (run_result(complete=False, dry_run=True), None, 0),
        (run_result(complete=False, dry_run=True, objects_unread=1), None, 4),
        (run_result(complete=False, dry_run=True), 0, 3),
    ],
)
def test_the_exit_code_says_the_worst(given, max_rejected, code):
    found, why = exit_code(given, max_rejected)
    assert found == code
    assert bool(why) is bool(code)
