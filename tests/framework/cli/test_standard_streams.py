"""Standard streams that cannot show a name, and terminals that would obey one."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting

CITY = "Łódź-😀"
EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"
ENCODINGS = [
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C"},
]
ENCODING_NAMES = ["latin-1", "ascii", "c-locale"]


@pytest.fixture
def city(tmp_path):
    """A working directory whose reporting.toml leads to a checkpoint in a folder with such a name, and a source."""
    folder = tmp_path / "work"
    (folder / "in").mkdir(parents=True)
    for path in sorted(EXAMPLE.glob("log-*.json"))[:3]:
        event = json.loads(path.read_text()) | {"center_label": CITY}
        (folder / "in" / path.name).write_text(json.dumps(event))
    (folder / "in" / f"{CITY}.txt").write_text("ignored")
    (folder / "reporting.toml").write_text(
        f'[settings.event-log-checkpoint]\nsource = "in"\ncheckpoint = "{CITY}/events.parquet"\n',
        encoding="utf-8",
    )
    return folder


def program(name, *arguments, folder, **variables):
    code = f"from reporting_framework.cli.main import {name}; {name}()"
    return python(code, *arguments, folder=folder, **variables)


def python(code, *arguments, folder, **variables):
    base = {
        name: value
        for name, value in os.environ.items()
        if name == "PYTHONPATH" or not name.startswith(("PYTHON", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=base | variables,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("variables", ENCODINGS, ids=ENCODING_NAMES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_whose_output_cannot_be_encoded_ends_as_it_would(city, variables, form):
    """Nothing after the commit may change the exit code; JSON stays JSON."""
    done = program(
        "reporting_run",
        "event-log-checkpoint",
        "--format",
        form,
        "--verbose",
        folder=city,
        **variables,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert pl.read_parquet(city / CITY / "events.parquet").height == 3
    if form == "json":
        assert (
            json.loads(
                done.stdout.decode(
                    "latin-1" if "PYTHONIOENCODING" in variables else "utf-8"
                )
            )["accepted"]
            == 3
        )
    elif variables == {"PYTHONIOENCODING": "latin-1"}:
        assert rb"\u0141\u00f3d\u017a-\ud83d\ude00" in done.stdout.replace(
            b"\xf3", rb"\u00f3"
        )


def test_an_error_escapes_what_cannot_be_encoded_as_json_does(city):
    """Python's own escape on standard error is another one."""
    (city / CITY).mkdir()
    (city / CITY / "events.parquet").write_bytes(b"no parquet")
    done = program(
        "reporting_run",
        "event-log-checkpoint",
        folder=city,
        PYTHONIOENCODING="latin-1",
    )
    assert done.returncode == 1
    assert b"\\u0141\xf3d\\u017a-\\ud83d\\ude00/events.parquet: " in done.stderr


COMMANDS = [
    "query event-log-checkpoint counts --by center_label",
    "query event-log-checkpoint counts --by center_label --format csv",
    "query event-log-checkpoint counts --by center_label --format json",
    "sql event-log-checkpoint --format csv|SELECT center_label FROM events",
    "sql event-log-checkpoint|SELECT center_label FROM events",
    "state event-log-checkpoint",
    "history event-log-checkpoint --format json",
    "trace event-log-checkpoint --where|center_label=" + CITY,
    "quarantine event-log-checkpoint list",
    "doctor event-log-checkpoint",
    "freshness event-log-checkpoint --max-age 99999d",
    "render event-log-checkpoint --html " + CITY,
]
ONE_AFTER_THE_OTHER = """
import json, sys
from reporting_framework.cli.main import reporting
codes = []
for words in json.loads(sys.argv[1]):
    sys.stdout.reconfigure(errors="strict")
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        reporting.main(words)
    except SystemExit as end:
        codes.append(end.code or 0)
    sys.stdout.flush()
sys.stderr.write(json.dumps(codes))
"""


def test_no_command_ends_in_a_traceback_where_a_name_cannot_be_encoded(
    city, monkeypatch
):
    """One process runs them all, each with the streams of a process of its own."""
    monkeypatch.chdir(city)
    run_report(
        "event-log-checkpoint", {"source": "in", "checkpoint": f"{CITY}/events.parquet"}
    )
    commands = []
    for command in COMMANDS:
        words, _, last = command.partition("|")
        commands.append([*words.split(), *([last] if last else [])])
    plain = [
        CliRunner().invoke(reporting, words, prog_name="reporting").exit_code
        for words in commands
    ]
    done = python(
        ONE_AFTER_THE_OTHER,
        json.dumps(commands),
        folder=city,
        PYTHONIOENCODING="latin-1:strict",
    )
    assert b"Traceback" not in done.stdout + done.stderr
    codes = done.stderr[done.stderr.rindex(b"[") :]
    named = dict(zip(COMMANDS, json.loads(codes), strict=True))
    assert named == dict(zip(COMMANDS, plain, strict=True))


def on_terminal(*arguments, folder):
    main, side = pty.openpty()
    code = "from reporting_framework.cli.main import reporting; reporting()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdin=side,
        stdout=side,
        stderr=side,
    )
    os.close(side)
    shown = b""
    try:
        while chunk := os.read(main, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(main)
    return process.wait(60), shown


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("command", ["query", "sql"])
def test_a_terminal_gets_no_control_character_of_a_value(
    city, command, form, monkeypatch
):
    label = "\x1b]0;title\x07\x1b[8m\x9b2J\x7fx"
    path = sorted((city / "in").glob("log-*.json"))[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"center_label": label}))
    monkeypatch.chdir(city)
    run_report(
        "event-log-checkpoint", {"source": "in", "checkpoint": f"{CITY}/events.parquet"}
    )
    words = {
        "query": ["query", "event-log-checkpoint", "counts", "--by", "center_label"],
        "sql": [
            "sql",
            "event-log-checkpoint",
            "SELECT DISTINCT center_label, ptid FROM events",
        ],
    }[command]
    code, shown = on_terminal(*words, "--format", form, folder=city)
    assert code == 0
    assert not {"\x1b", "\x07", "\x9b", "\x7f"} & set(shown.decode())
    assert b"title" in shown
    if form == "csv":
        piped = program(
            "reporting", *words, "--format", form, folder=city, PYTHONUTF8="1"
        )
        assert label in piped.stdout.decode(), (
            "a file or another program gets the value as it is"
        )


def test_a_name_of_bytes_that_are_no_text_does_not_fail_a_run(city):
    odd = os.fsencode(city / "in") + b"/odd\xff.txt"
    Path(os.fsdecode(odd)).write_text("ignored")
    for form in ("text", "json"):
        done = program(
            "reporting_run",
            "event-log-checkpoint",
            "--format",
            form,
            folder=city,
            PYTHONUTF8="1",
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    shutil.rmtree(city / CITY)
