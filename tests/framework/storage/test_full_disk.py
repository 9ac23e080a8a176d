"""Disks that are full or cannot be written to, in a namespace of mounts of the process: the message names the place."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reporting_framework import run_report
from tests.framework.distributions import environment
from tests.support.mounts import UNSHARE, mounted, needs_mounts

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"
RUN = "from reporting_framework.cli.main import reporting; reporting()"

pytestmark = needs_mounts


@pytest.fixture
def run(tmp_path):
    """Run the command with one of the folders ``tmp`` and ``out`` as a small file system of its own."""
    for name in ("tmp", "out"):
        (tmp_path / name).mkdir()

    def run(small, options, *words, code=1):
        command = [sys.executable, "-c", RUN, *words]
        script = f"{mounted(tmp_path / small, options)}; exec {shlex.join(command)}"
        done = subprocess.run(
            [*UNSHARE, script],
            cwd=tmp_path,
            env=environment(tmp_path, TMPDIR=str(tmp_path / "tmp")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stderr.splitlines()[-1]

    return run


def report(folder):
    return [
        *("run", "event-log-checkpoint", "--quiet"),
        *("--source", str(EXAMPLE), "--checkpoint", f"{folder}/out/events.parquet"),
    ]


def test_a_full_temporary_folder_is_named_with_tmpdir(run, tmp_path):
    error = run("tmp", "size=12k", *report(tmp_path))
    assert f" {tmp_path}/tmp/reporting-locked-spool-" in error
    assert error.endswith(
        ": No space left on device; make room there, or set TMPDIR to another folder"
    )


def test_a_full_folder_of_the_output_is_named_without_tmpdir(run, tmp_path):
    error = run("out", "size=12k", *report(tmp_path))
    assert f" {tmp_path}/out/" in error
    assert error.endswith(": No space left on device; make room there")


def test_a_folder_of_the_output_that_is_read_only_is_named_without_tmpdir(
    run, tmp_path
):
    error = run("out", "ro", *report(tmp_path))
    assert f" {tmp_path}/out/" in error
    assert error.endswith(
        ": Read-only file system; choose a location that can be written to"
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Options that name the source and a checkpoint of it, which is there."""
    words = report(tmp_path_factory.mktemp("table"))[3:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    run_report(
        "event-log-checkpoint",
        {name.removeprefix("--"): value for name, value in options.items()},
    )
    return words


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "txt"])
@pytest.mark.parametrize("command", [["query"], ["sql"]])
def test_a_full_place_of_an_answer_is_named(run, tmp_path, table, command, form):
    asked = {
        "query": ["latest-per-visit"],
        "sql": ["SELECT *, repeat(source_key, 9) AS more FROM events"],
    }[command[0]]
    out = tmp_path / "out" / f"answer.{form}"
    error = run(
        "out",
        "size=4k",
        *[*command, "event-log-checkpoint", *asked, *table, "--out", str(out)],
    )
    assert str(out.parent) in error
    assert "No space left on device; make room there" in error
    assert "TMPDIR" not in error
    assert os.listdir(out.parent) == []
