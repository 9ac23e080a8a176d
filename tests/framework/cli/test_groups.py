"""Groups of commands: what is near an unknown name is suggested, in every one of them."""

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["plugin"], "plugins"),
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
