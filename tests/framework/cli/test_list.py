"""``reporting list`` and ``reporting plugins``."""

import json

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from tests.framework.distributions import Site


def invoke(*arguments: str):
    return CliRunner().invoke(reporting, arguments, prog_name="reporting")


@pytest.fixture
def crowd(toy: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with a plugin of every kind, and a report of its own in the configuration file."""
    toy.add("fake-blocked", "raise ValueError")
    toy.add("fake-broken", "raise ValueError('a\x1b[2Jb')", version="3")
    monkeypatch.setenv("REPORTING_PLUGINS", "reporting-toy,fake-broken,not-there")
    (toy.folder / "reporting.toml").write_text('[reports.mine]\nsummary = "my own"\n')
    return toy


def test_list_shows_the_reports_of_plugins_and_of_the_file(crowd):
    done = invoke("list")
    assert done.exit_code == 0
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["report", "summary"],
        ["mine", "my own"],
        ["toy", "numbers into a file"],
    ]


def test_list_as_json(crowd):
    assert json.loads(invoke("list", "--format", "json").stdout) == [
        {"name": "mine", "summary": "my own"},
        {"name": "toy", "summary": "numbers into a file"},
    ]


def test_list_minds_the_configuration_file_that_it_is_given(toy):
    (toy.folder / "other.toml").write_text("[reports.other]\n")
    assert "other" in invoke("list", "--config", "other.toml").stdout
    done = invoke("list", "--config", "nowhere.toml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: --config names nowhere.toml, which is not a file; correct the path\n"
    )


def test_list_says_when_there_is_nothing(toy, monkeypatch):
    monkeypatch.setenv("REPORTING_PLUGINS", "")
    assert invoke("list").stdout == (
        "no usable plugin provides a report; some plugins are blocked or broken (see:"
        " reporting plugins); reporting.toml defines none either\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--format", "json"],
        ["plugins"],
        ["query", "mine", "--list"],
        ["query", "mine", "--help"],
        ["render", "mine", "--list"],
        ["--help"],
        ["run", "--help"],
    ],
    ids=" ".join,
)
def test_every_list_warns_of_a_name_in_reporting_plugins_that_is_not_installed(
    toy, monkeypatch, words
):
    (toy.folder / "reporting.toml").write_text("[reports.mine]\n")
    monkeypatch.setenv("REPORTING_PLUGINS", "reporting-toi")
    done = invoke(*words)
    assert done.exit_code == 0
    start = (
        "warning: REPORTING_PLUGINS names reporting-toi, which is not installed; did"
        " you mean reporting-toy"
    )
    assert done.stderr.count(start) == 1
    assert "blocks every package that it does not name" in done.stderr
    monkeypatch.setenv("REPORTING_PLUGINS", "reporting-toy")
    assert not invoke(*words).stderr


def test_plugins_shows_name_role_distribution_version_status_and_why(crowd):
    done = invoke("plugins")
    assert done.exit_code == 0
    header, *lines = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
    assert header == ["name", "role", "distribution", "version", "status", "why"]
    rows = {(line[0], line[1]): line[2:] for line in lines}
    assert rows["toy", "report"] == ["reporting-toy", "1.2", "registered"]
    assert rows["toy-numbers", "source"] == ["reporting-toy", "1.2", "registered"]
    assert rows["toy-hello", "command"] == ["reporting-toy", "1.2", "registered"]
    assert rows["local", "engine"][2] == "registered"
    assert rows["fake-blocked", "plugin"] == [
        "fake-blocked",
        "1.0",
        "blocked",
        "not in REPORTING_PLUGINS",
    ]
    assert rows["fake-broken", "plugin"] == [
        "fake-broken",
        "3",
        "broken",
        "ValueError: a\\x1b[2Jb",
    ]


def test_what_cannot_be_imported_is_registered_until_it_is_checked(toy):
    toy.add(
        "fake-gone",
        "@hookimpl\ndef reporting_sinks():\n    return [LazyPlugin('gone', 'not_there:Gone', 'a sink')]\n",
    )
    rows = {
        row["name"]: row
        for row in json.loads(invoke("plugins", "--format", "json").stdout)
    }
    assert rows["gone"]["status"] == rows["toy-file"]["status"] == "registered"
    done = invoke("plugins", "--check", "--format", "json")
    assert done.exit_code == 1, "something is broken"
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["gone"]["status"], rows["toy-file"]["status"]) == ("broken", "loaded")
    assert (
        "cannot be imported from not_there:Gone: ModuleNotFoundError"
        in rows["gone"]["reason"]
    )


def test_everything_that_is_installed_here_can_be_imported():
    done = invoke("plugins", "--check")
    assert (done.exit_code, "broken" in done.stdout) == (0, False), done.stdout


def test_plugins_as_json(crowd):
    rows = {
        (row["name"], row["role"]): row
        for row in json.loads(invoke("plugins", "--format", "json").stdout)
    }
    assert rows["toy-file", "sink"] == {
        "name": "toy-file",
        "role": "sink",
        "distribution": "reporting-toy",
        "version": "1.2",
        "status": "registered",
        "reason": "",
        "summary": "one number a line",
    }
    assert (
        rows["not-there", "plugin"]["reason"]
        == "in REPORTING_PLUGINS, but no such plugin is installed"
    )
    assert rows["mine", "report"]["distribution"] == "reporting.toml"


def test_a_command_of_a_plugin_whose_name_is_taken_is_left_out_and_listed(toy):
    toy.add(
        "fake-list",
        "import click\n@hookimpl\ndef reporting_commands():\n    return [click.Command('list', help='mine')]\n",
    )
    assert "mine" not in invoke("list", "--help").stdout
    row = next(
        line for line in invoke("plugins").stdout.splitlines() if "fake-list" in line
    )
    assert row.split(maxsplit=4)[4].split(maxsplit=1) == [
        "broken",
        "there is a command list already",
    ]


def test_commands_of_plugins_run(toy):
    assert invoke("toy-hello").stdout == "hello\n"
    assert "toy-hello" in invoke("--help").stdout


def test_what_a_command_of_a_plugin_raises_is_shown_without_its_message(toy):
    done = invoke("toy-hello", "--fail", "value")
    assert done.exit_code == 1
    assert "in hello" in done.stderr
    assert "ValueError: (message withheld" in done.stderr
    assert "ValueError: SECRET" not in done.stderr
    assert invoke("toy-hello", "--fail", "interrupt").exit_code == 130


def test_an_unknown_command_is_a_usage_error(toy):
    done = invoke("plugin")
    assert done.exit_code == 2
    assert "No such command 'plugin'" in done.stderr
