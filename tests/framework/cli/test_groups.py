"""Groups of commands: what is near an unknown name is suggested, in every one of them."""

import re

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from reporting_framework.cli.summary import next_commands
from reporting_framework.plugin_api.result import RunResult


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["plugin"], "plugins or lint"),
        (["countrs"], "counters"),
        (["quarantine", "event-log-checkpoint", "lst"], "list"),
        (["state", "event-log-checkpoint", "rset"], "reset"),
        (["new", "lamda"], "lambda"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else each,
)
def test_every_group_suggests_the_commands_near_an_unknown_name(words, near):
    done = CliRunner().invoke(reporting, words, prog_name="reporting")
    assert done.exit_code == 2
    assert (
        f"Error: No such command '{words[-1]}'; did you mean {near}?\n" in done.stderr
    )


def test_a_name_that_nothing_is_near_gets_no_suggestion():
    done = CliRunner().invoke(reporting, ["new", "zzz"], prog_name="reporting")
    assert "Error: No such command 'zzz'.\n" in done.stderr


def test_an_unknown_option_of_a_group_is_no_unknown_command():
    done = CliRunner().invoke(reporting, ["state", "--zzz"], prog_name="reporting")
    assert (done.exit_code, "No such option" in done.stderr) == (2, True)


URI = "https://user:PASSWORD@host/x?X-Amz-Signature=ABC"


@pytest.mark.parametrize("words", [[URI], ["state", "event-log-checkpoint", URI]])
def test_an_unknown_name_is_shown_without_a_password(words):
    done = CliRunner().invoke(reporting, words, prog_name="reporting")
    assert done.exit_code == 2
    assert "https://host/x" in done.stderr
    assert not re.search("PASSWORD|ABC", done.stderr)


def test_an_allow_list_is_shown_without_a_password(monkeypatch):
    monkeypatch.setenv("REPORTING_PLUGINS", URI)
    done = CliRunner().invoke(reporting, ["list"], prog_name="reporting")
    assert "warning: REPORTING_PLUGINS names https://host/x" in done.stderr
    assert not re.search("PASSWORD|ABC", done.stderr)


def test_a_suggested_command_is_shown_without_a_password():
    result = RunResult(report="visits", run_id="1", status="ok", complete=True)
    commands = next_commands(result, ["reporting-run", "visits", "--leave-out", URI])
    assert commands == [
        "reporting-run visits --leave-out 'https://host/x' --format json"
    ]


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["quarantine", "list", "toy"], "quarantine toy list"),
        (["quarantine", "show", "--type", "x", "toy/a"], "quarantine toy/a show"),
        (["state", "show", "toy"], "state toy show"),
        (["state", "show", "REPORT"], "state REPORT show"),
        (["state", "reset"], "state REPORT reset"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_an_action_before_its_report_is_answered_with_the_right_order(
    toy, words, right
):
    done = CliRunner().invoke(reporting, words, prog_name="reporting")
    assert done.exit_code == 2
    assert f"there is no report '{words[1]}'" in done.stderr
    assert done.stderr.endswith(f"; the report comes first: reporting {right}\n")
