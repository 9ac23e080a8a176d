"""``reporting-run``: the toy report from the command line, through the real runner."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reporting_framework.cli.context import CliContext
from reporting_framework.cli.execute import with_words
from reporting_framework.cli.main import reporting, reporting_run
from reporting_framework.execution.assembly import assemble
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.testing.lambda_events import FOLDER
from tests.framework.distributions import environment, program
from tests.support.events import made_of, name


def run(*arguments: str, **more):
    return CliRunner().invoke(
        reporting_run, arguments, prog_name="reporting-run", **more
    )


def result(*arguments: str) -> RunResult:
    done = run(*arguments, "--format", "json")
    return RunResult.model_validate_json(done.stdout)


@pytest.fixture(autouse=True)
def _toy(toy):
    """Every test here has the toy report."""


def test_a_run_is_done_and_told_of():
    done = run("toy", "--target", "out/x.txt", "--count", "3")
    assert (done.exit_code, done.stderr) == (0, "")
    assert Path("out/x.txt").read_text() == "0\n1\n2\n"
    assert "  accepted         3\n" in done.stdout
    assert "  output           out/x.txt: 3 rows (+3), 6 bytes\n" in done.stdout
    assert (
        "  reporting-run toy --target out/x.txt --count 3 --format json\n"
        in done.stdout
    )


def test_reporting_run_as_two_words_is_the_same_command():
    done = CliRunner().invoke(
        reporting,
        ["run", "toy", "--target", "x.txt", "--format", "json"],
        prog_name="reporting",
    )
    assert json.loads(done.stdout)["accepted"] == 10
    done = CliRunner().invoke(
        reporting, ["run", "toy", "--target", "x.txt"], prog_name="reporting"
    )
    assert "  reporting run toy --target x.txt --format json\n" in done.stdout


def test_json_is_the_result_and_nothing_else():
    done = run("toy", "--target", "x.txt", "--format=json", "--bad", "1")
    parsed = RunResult.model_validate_json(done.stdout)
    assert done.stdout == parsed.model_dump_json(indent=2) + "\n"
    assert done.stderr == ""


def test_the_suggested_command_is_without_options_that_are_of_one_run_alone():
    said = run(
        "toy", "--target", "x.txt", "--time-budget", "1h", "--verbose", "--count", "3"
    ).stdout
    assert "  reporting-run toy --target x.txt --count 3 --format json\n" in said


def test_the_suggested_command_does_not_repeat_a_full_scan(tmp_path):
    (tmp_path / "in").mkdir()
    places = "--source", f"{tmp_path}/in", "--checkpoint", f"{tmp_path}/x.parquet"
    said = run("event-log-checkpoint", *places, "--full-scan").stdout
    again = shlex.join(["reporting-run", "event-log-checkpoint", *places])
    assert f"  {again} --format json\n" in said


def test_the_suggested_command_is_without_its_format_and_without_secrets():
    assert (
        "reporting-run toy --target x.txt --format json"
        in run("toy", "--target", "x.txt", "--format", "text").stdout
    )
    done = run("toy", "--target", "x.txt", "--password", "SECRET-VALUE")
    assert "SECRET" not in done.stdout
    assert "the same with --format json" in done.stdout
    assert (
        "--set count=1 --format json"
        in run("toy", "--target", "x.txt", "--set", "count=1").stdout
    )
    assert (
        "SECRET"
        not in run("toy", "--target", "x.txt", "--set", "password=SECRET").stdout
    )


def test_options_of_every_kind_reach_the_settings():
    done = run(
        *(
            "toy",
            "--target",
            "x.txt",
            "--count",
            "2",
            "--shade",
            "dark",
            "--mode",
            "good",
            "--strict",
        ),
        *(
            "--labels",
            "a,b",
            "--labels",
            "c",
            "--sizes",
            "3",
            "--set",
            "fine.level=2",
            "--set",
            "limit=7",
        ),
    )
    assert done.exit_code == 0
    wrong = run("toy", "--target", "x.txt", "--sizes", "3", "--sizes", "x")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith(
        "error: toy: sizes.1 (option --sizes): Input should be a valid integer"
    )


def test_an_option_that_was_not_given_leaves_it_to_the_other_places(monkeypatch):
    Path("reporting.toml").write_text("[settings.toy]\ncount = 4\nbad = 1\n")
    monkeypatch.setenv("TOY_TARGET", "x.txt")
    monkeypatch.setenv("REPORTING_TOY__BAD", "2")
    assert (result("toy").accepted, result("toy").rejected) == (2, 2)
    assert result("toy", "--bad", "3").accepted == 1
    assert result("toy", "--bad", "3", "--set", "bad=4").accepted == 0


def test_the_configuration_file_is_the_one_that_is_given():
    Path("other.toml").write_text("[settings.toy]\ncount = 4\n")
    assert result("toy", "--target", "x.txt", "--config", "other.toml").accepted == 4
    assert result("toy", "--target", "x.txt", "--config=other.toml").accepted == 4
    assert result("toy", "--target", "x.txt").accepted == 10


COMPOSED = """
[reports.mine]
summary   = "my own"
source    = { use = "toy-numbers", count = 3 }
validator = { use = "toy-number" }
sinks     = [{ use = "toy-file", uri = "mine.txt" }]
"""


def test_a_report_composed_in_the_file_runs_and_can_be_set():
    Path("mine.toml").write_text(COMPOSED)
    done = run("mine", "--config", "mine.toml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert Path("mine.txt").read_text() == "0\n1\n2\n"
    assert "  reporting-run mine --config mine.toml --format json" in done.stdout
    done = run(
        "mine",
        "--config",
        "mine.toml",
        "--set",
        "sinks.0.uri=other.txt",
        "--set",
        "source.count=1",
    )
    assert Path("other.txt").read_text() == "0\n"
    assert "the same with --format json" in done.stdout
    assert "my own" in run("mine", "--config", "mine.toml", "--help").stdout


def test_an_unknown_report_gets_the_nearest_names():
    done = run("tpy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no report 'tpy'; did you mean toy?")
    assert done.stderr.count("\n") == 1


def test_a_word_after_two_hyphens_is_no_option():
    done = run("toy", "--target", "x.txt", "--", "--config", "nowhere.toml")
    assert done.exit_code == 2
    assert "unexpected extra argument" in done.stderr


def test_a_missing_setting_is_one_line():
    done = run("toy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "error: toy: setting target is missing; looked for option --target, "
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--targget", "x"], "No such option"),
        (["--mode", "x"], "Invalid value for '--mode'"),
        (["--time-budget", "soon"], "'soon' is not a duration"),
        (["--limit", "5"], "--limit: only for dry runs; add --dry-run"),
        (["--max-rejected", "-1"], "Invalid value for '--max-rejected'"),
    ],
)
def test_usage_errors(arguments, text):
    done = run("toy", "--target", "x.txt", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert text in done.stderr
    assert not Path("x.txt").exists()


# -- dry runs and budgets -------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_says_what_would_be():
    done = run("toy", "--target", "x.txt", "--dry-run", "--bad", "1")
    assert done.exit_code == 0
    assert not Path("x.txt").exists()
    assert "toy: dry run, nothing was written" in done.stdout
    assert "would be written   9 rows to x.txt" in done.stdout
    assert "  reporting-run toy --target x.txt --bad 1\n" in done.stdout


def test_a_dry_run_reads_up_to_its_limit():
    done = run(
        "toy", "--target", "x.txt", "--dry-run", "--limit", "4", "--format", "json"
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)["records_read"] == 4
    assert (
        result("toy", "--target", "x.txt", "--dry-run", "--count", "1005").records_read
        == 1000
    )


def test_a_run_stops_in_time_and_keeps_what_is_done():
    done = run(
        "toy",
        "--target",
        "x.txt",
        "--seconds",
        "0.2",
        "--time-budget",
        "0.3s",
        "--format",
        "json",
    )
    assert done.exit_code == 5
    parsed = RunResult.model_validate_json(done.stdout)
    assert not parsed.complete
    assert 0 < parsed.accepted < 10
    assert len(Path("x.txt").read_text().splitlines()) == parsed.accepted
    assert (
        done.stderr
        == "warning: stopped at the deadline or a limit; what was done is kept, run again for the rest\n"
    )


# -- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "stderr"),
    [
        ([], 0, ""),
        (["--bad", "3", "--max-rejected", "3"], 0, ""),
        (
            ["--bad", "3", "--max-rejected", "2"],
            3,
            "warning: rejected records: 3, more than --max-rejected 2\n",
        ),
        (
            ["--unread", "2"],
            4,
            "warning: unread: 0: denied; the next run tries it again\n"
            "warning: unread: 1: denied; the next run tries it again\n"
            "warning: objects that could not be read: 2; the next run retries them\n",
        ),
        (["--mode", "denied"], 1, "error: toy://numbers: no right to list\n"),
        (["--mode", "interrupt"], 130, "interrupted\n"),
        (
            ["--bad", "11"],
            2,
            "error: toy: the settings together: bad may not be more than count\n",
        ),
    ],
)
def test_exit_codes_of_the_real_program(toy, arguments, code, stderr):
    done = program(
        "reporting-run", "toy", "--target", "x.txt", *arguments, site=toy.folder
    )
    assert (done.returncode, done.stderr) == (code, stderr)
    assert ("toy: " in done.stdout) is (code not in (1, 2, 130))


def test_data_are_kept_when_too_many_are_rejected():
    assert (
        run("toy", "--target", "x.txt", "--bad", "3", "--max-rejected", "2").exit_code
        == 3
    )
    assert len(Path("x.txt").read_text().splitlines()) == 7


@pytest.mark.parametrize("mode", ["value", "eof", "pipe", "denied", "interrupt"])
def test_a_failed_run_that_had_begun_prints_a_failed_result(mode):
    done = run("toy", "--target", "x.txt", "--mode", mode, "--format", "json")
    assert done.exit_code == (130 if mode == "interrupt" else 1)
    parsed = RunResult.model_validate_json(done.stdout)
    assert (parsed.report, parsed.status, parsed.complete) == ("toy", "failed", False)
    assert len(parsed.run_id) == 32
    assert "SECRET" not in done.output.replace('SECRET-VALUE")', "")
    assert run("toy", "--target", "x.txt", "--mode", mode).stdout == ""


def test_a_failure_before_the_run_begins_prints_nothing_on_stdout():
    assert run("toy", "--format", "json").stdout == ""


@pytest.mark.parametrize("mode", ["value", "eof", "pipe"])
def test_what_a_plugin_raises_is_shown_by_place_and_type_and_with_verbose_by_message(
    mode,
):
    done = run("toy", "--target", "x.txt", "--mode", mode)
    assert "parts.py" in done.stderr
    assert "(message withheld; --verbose shows it)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "error: report toy: source toy-numbers raised "
    )
    assert "SECRET-VALUE" not in done.stderr
    assert (
        "SECRET-VALUE"
        in run("toy", "--target", "x.txt", "--mode", mode, "--verbose").stderr
    )


def test_an_unexpected_error_of_the_frameworks_own_keeps_its_traceback(toy):
    done = run("toy", "--target", "\0", "--format", "json")
    assert done.exit_code == 1
    assert "ValueError" in done.stderr


def test_ctrl_c_in_the_middle_is_one_line_and_130(toy):
    done = program(
        "reporting-run", "toy", "--target", "x.txt", "--mode", "late", site=toy.folder
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_reader_that_goes_away_does_not_matter(toy):
    code = (
        "import sys; sys.argv[0] = 'reporting-run'; "
        "from reporting_framework.cli.main import reporting_run; reporting_run()"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "toy",
            "--target",
            "x.txt",
            "--bad",
            "1",
            "--max-rejected",
            "0",
        ],
        env=environment(toy.folder),
        cwd=toy.folder,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert done.returncode == 3
    assert done.stderr == "warning: rejected records: 1, more than --max-rejected 0\n"
    assert (toy.folder / "x.txt").exists()


# -- on a terminal --------------------------------------------------------------------------------------------------


def on_terminal(site: Path, *arguments: str, **more: str) -> str:
    """What ``reporting-run`` shows on a terminal."""
    code = (
        "import sys; sys.argv[0] = 'reporting-run'; "
        "from reporting_framework.cli.main import reporting_run; reporting_run()"
    )
    variables = environment(site, TERM="xterm-256color") | more
    if not variables["NO_COLOR"]:
        del variables["NO_COLOR"]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=variables,
        cwd=site,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.wait(30) == 0
    return shown.decode()


def test_on_a_terminal_there_are_a_bar_and_a_table(toy):
    shown = on_terminal(
        toy.folder, "toy", "--target", "x.txt", "--seconds", "0.05", NO_COLOR=""
    )
    assert "accepted, 0 rejected or filtered" in shown
    assert "┌" in shown
    assert "\x1b[36m" in shown


def test_quiet_takes_the_bar_and_no_color_the_colours(toy):
    shown = on_terminal(
        toy.folder, "toy", "--target", "x.txt", "--seconds", "0.05", "--quiet"
    )
    assert "rejected or filtered" not in shown
    assert "┌" in shown
    assert "\x1b[36m" not in shown


@pytest.fixture
def interruptible():
    """Ctrl-C raises `KeyboardInterrupt`, also where a shell runs the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_bar_is_taken_away_after_an_interruption(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(SystemExit) as caught:
        reporting_run.main(
            ["toy", "--target", "x.txt", "--mode", "interrupt"],
            prog_name="reporting-run",
        )
    assert caught.value.code == 130
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_records_of_events_are_taken_and_no_others(tmp_path):
    arguments = [
        "--source",
        str(tmp_path / "in"),
        "--checkpoint",
        str(tmp_path / "out.parquet"),
    ]
    done = run(
        "event-log-checkpoint",
        *arguments,
        "--events",
        *[str(FOLDER / "kinesis.json")] * 2,
    )
    assert done.exit_code == 2
    assert (
        "source object-store-json does not take kinesis triggers; it takes s3, sqs"
        in done.stderr
    )
    done = run("event-log-checkpoint", *arguments, "more")
    assert done.exit_code == 2
    assert "Got unexpected extra argument (more)" in done.stderr


def test_the_command_of_a_warning_works_as_pasted_with_the_options_that_were_given(
    tmp_path,
):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name(1)).write_bytes(made_of())
    out = f"{tmp_path}/a file.parquet"
    words = ["--checkpoint", out, "--set", "validator=visit-event"]
    run("event-log-checkpoint", "--source", f"{tmp_path}/one", *words)
    said = run("event-log-checkpoint", "--source", f"{tmp_path}/two", *words)
    for text in (said.stdout, said.stderr):
        [command] = re.findall(r"run `(reporting .*?)` first", " ".join(text.split()))
        assert shlex.split(command)[:4] == [
            *("reporting", "state", "event-log-checkpoint", "reset")
        ]
        done = CliRunner().invoke(reporting, shlex.split(command)[1:], input="no\n")
        assert f"  output  {out}: " in done.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": "a b"}, " --target 'a b' --config c.toml"),
        ({"target": "a b", "password": "SECRET-VALUE"}, " …"),
    ],
)
def test_a_suggested_command_is_left_open_where_a_secret_was_given(given, words):
    state = CliContext()
    context = click.Context(reporting_run, obj=state)
    spec = state.pipeline_spec("toy", given, ())
    pipeline = assemble("toy", spec, state.registry)
    generic = {"set": (), "config": "c.toml"}
    found = with_words(pipeline, context, given, generic).command("state", "reset")
    assert found == f"reporting state toy reset{words}"


@pytest.mark.parametrize(
    ("source", "shown"), [("files", False), ("object-store-json", True)]
)
def test_help_shows_a_full_scan_where_the_source_has_one(
    tmp_path, monkeypatch, source, shown
):
    monkeypatch.chdir(tmp_path)
    Path("reporting.toml").write_text(
        f'[reports.prices]\nsource = {{ use = "{source}", uri = "in/" }}\n'
        'validator = { use = "frame" }\nsinks = [{ use = "csv", uri = "x.csv" }]\n'
    )
    assert ("--full-scan" in run("prices", "--help").stdout) is shown
