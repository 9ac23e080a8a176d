"""Help, version and completion: they know every report, and import none of them."""

import json
import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from reporting_framework.cli.context import CliContext
from reporting_framework.cli.main import reporting, reporting_run
from tests.framework.distributions import environment, program

HEAVY = (
    "duckdb",
    "fsspec",
    "pydantic",
    "polars",
    "boto3",
    "obstore",
    "rich",
    "reporting_toy.report",
    "reporting_toy.parts",
)


def ran(name: str, *arguments: str, site) -> tuple[str, set[str]]:
    """Standard output of a program, and which of the heavy modules it imports."""
    code = (
        f"import atexit, sys; sys.argv[0] = {name!r}\n"
        f"from reporting_framework.cli.main import {name.replace('-', '_')} as program\n"
        f"atexit.register(lambda: print([each for each in {HEAVY!r} if each in sys.modules], file=sys.stderr))\n"
        "program()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(site),
        cwd=site,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *errors, heavy = done.stderr.splitlines()
    assert errors == []
    return done.stdout, set(eval(heavy))


def imported(name: str, *arguments: str, site) -> set[str]:
    """Which of the heavy modules a program imports."""
    return ran(name, *arguments, site=site)[1]


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("reporting-run", ["--help"], "toy numbers into a file"),
        ("reporting", ["--help"], "toy numbers into a file"),
        ("reporting", ["run", "--help"], "toy numbers into a file"),
        ("reporting", ["query", "--help"], "toy numbers into a file"),
        ("reporting", ["doctor", "--help"], "toy numbers into a file"),
        ("reporting", ["--help"], "toy-hello Say hello."),
        ("reporting-run", ["--version"], "reporting-framework 0.1.0"),
        ("reporting", ["--version"], "reporting-framework 0.1.0"),
        ("reporting", ["list"], "numbers into a file"),
        ("reporting", ["plugins"], "toy-numbers"),
    ],
)
def test_help_shows_reports_and_commands_and_imports_nothing_heavy(
    toy, name, arguments, shown
):
    output, heavy = ran(name, *arguments, site=toy.folder)
    assert shown in " ".join(output.split())
    assert heavy == set()


def test_help_of_a_report_imports_its_settings_only(toy):
    assert imported("reporting-run", "toy", "--help", site=toy.folder) == {
        "pydantic",
        "reporting_toy.report",
    }


def test_help_of_every_installed_report_imports_no_storage_and_no_frames(toy):
    names = [
        each["name"]
        for each in json.loads(
            program("reporting", "list", "--format=json", site=toy.folder).stdout
        )
    ]
    assert "toy" in names
    for name in names:
        assert not imported("reporting-run", name, "--help", site=toy.folder) & {
            "polars",
            "boto3",
            "obstore",
            "rich",
        }


def test_help_lists_reports_that_cannot_be_used_with_the_reason(toy):
    toy.add(
        "fake-toy",
        "@hookimpl\ndef reporting_reports():\n    return [LazyPlugin('toy', 'a:B', 'another')]\n",
    )
    text = " ".join(program("reporting-run", "--help", site=toy.folder).stdout.split())
    assert "toy (broken: reporting-toy 1.2 has the same name)" in text
    assert "toy (broken: fake-toy 1.0 has the same name)" in text


def test_help_works_with_a_damaged_configuration_file_and_says_so(toy):
    (toy.folder / "reporting.toml").write_text("[reports")
    for name in ("reporting", "reporting-run"):
        done = program(name, "--help", site=toy.folder)
        assert done.returncode == 0
        assert "toy numbers into a file" in " ".join(done.stdout.split())
        assert "reporting.toml is not TOML" in done.stdout


def test_help_says_when_there_is_no_report(tmp_path):
    done = program("reporting-run", "--help", site=tmp_path, REPORTING_PLUGINS="")
    assert "(none)  no usable plugin provides a report" in done.stdout


def test_help_of_both_programs_tells_of_shell_completion(toy):
    assert (
        '$(_REPORTING_COMPLETE=bash_source reporting)"'
        in program("reporting", "--help", site=toy.folder).stdout
    )
    text = program("reporting-run", "--help", site=toy.folder).stdout
    assert '$(_REPORTING_RUN_COMPLETE=bash_source reporting-run)"' in text


def test_without_arguments_the_help_is_shown_as_an_error(toy):
    for name in ("reporting", "reporting-run"):
        done = program(name, site=toy.folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"Usage: {name} [OPTIONS]")


@pytest.mark.parametrize(
    ("name", "words", "completions"),
    [
        ("reporting-run", "reporting-run to", ["toy"]),
        ("reporting-run", "reporting-run x", []),
        ("reporting-run", "reporting-run mi", ["mine"]),
        ("reporting-run", "reporting-run --ver", ["--version"]),
        ("reporting-run", "reporting-run toy --sha", ["--shade"]),
        ("reporting-run", "reporting-run toy --shade d", ["dark"]),
        ("reporting-run", "reporting-run nothing --sha", []),
        ("reporting", "reporting run to", ["toy"]),
        ("reporting", "reporting run toy --mo", ["--mode"]),
        ("reporting", "reporting pl", ["plugins"]),
        ("reporting", "reporting toy-", ["toy-hello"]),
    ],
)
def test_shells_complete_reports_options_and_values(toy, name, words, completions):
    (toy.folder / "reporting.toml").write_text('[reports.mine]\nsummary = "my own"\n')
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    more = {
        variable: "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = {"reporting": reporting, "reporting-run": reporting_run}[name]
    done = CliRunner().invoke(command, [], prog_name=name, env=more)
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line.partition(",")[2] for line in done.stdout.split()] == completions


def test_the_completion_script_is_there(toy):
    done = program(
        "reporting-run", site=toy.folder, _REPORTING_RUN_COMPLETE="zsh_source"
    )
    assert "_REPORTING_RUN_COMPLETE=zsh_complete" in done.stdout


def test_help_into_a_closed_pipe_is_silent(toy):
    code = "import sys; sys.argv[0] = 'reporting'; from reporting_framework.cli.main import reporting; reporting()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        env=environment(toy.folder),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert done.stderr == ""


# -- the same in this process, where it can be looked into ----------------------------------------------------------


def completions(command, *words: str) -> list[str]:
    complete = ShellComplete(
        command, {"obj": CliContext()}, "program", "_PROGRAM_COMPLETE"
    )
    return [
        item.value for item in complete.get_completions(list(words[:-1]), words[-1])
    ]


def test_completion_knows_reports_and_options_and_keeps_silent_about_errors(toy):
    assert "toy" in completions(reporting_run, "t")
    assert completions(reporting_run, "toy", "--shade", "l") == ["light"]
    assert completions(reporting_run, "nothing", "--shade", "l") == []
    assert "toy" in completions(reporting, "run", "")
    assert completions(reporting, "toy-h") == ["toy-hello"]


def test_the_groups_know_their_commands(toy):
    state = CliContext()
    with reporting_run.make_context(
        "reporting-run", [], obj=state, resilient_parsing=True
    ) as context:
        assert "toy" in reporting_run.list_commands(context)
        assert reporting_run.get_command(context, "toy").help == "numbers into a file"
    for command in (reporting, reporting_run):
        (toy.folder / "reporting.toml").write_text("[reports")
        shown = " ".join(CliRunner().invoke(command, ["--help"]).stdout.split())
        assert "toy numbers into a file" in shown
        assert "reporting.toml is not TOML" in shown


def test_a_group_without_reports_says_so(toy, monkeypatch):
    monkeypatch.setenv("REPORTING_PLUGINS", "")
    assert "(none)" in CliRunner().invoke(reporting_run, ["--help"]).stdout
