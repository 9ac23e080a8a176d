"""Databases and files that cannot be read or written: one error with a fix, nothing lost, and the next run continues."""

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import chain

import pytest
from tests.examples.test_third_party import EXAMPLE, shop
from tests.framework.distributions import Site, environment
from tests.support.mounts import UNSHARE, mounted, needs_mounts

RUN = "from reporting_framework.cli.main import reporting; reporting()"
TABLE, FILE = "orders-table", "orders"
"""Reports of the example: rows of one SQLite table in another, and in a parquet file."""

FULL = "No space left on device; make room there"
READ_ONLY = "Read-only file system; choose a location that can be written to"
SINK = "error: sink sqlite-table: out/orders.db#orders:"

pytestmark = needs_mounts


@pytest.fixture
def folder(tmp_path):
    """The example's folder, with three orders, one of them invalid."""
    Site(tmp_path).metadata(
        "acme-reporting", "[reporting_framework]\ntable = acme_reporting.plugin\n"
    )
    shop(tmp_path, 1, 2, 10)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    settings = tmp_path / "reporting.toml"
    text = settings.read_text().replace('"shop.db"', '"in/shop.db", busy_seconds = 0')
    text = text.replace('orders.db", table', 'orders.db", busy_seconds = 0, table')
    settings.write_text(text)
    shutil.move(tmp_path / "shop.db", tmp_path / "in")
    return tmp_path


def run(folder, report, *commands):
    """Run the report after each of these shell commands, in one namespace of mounts.

    Return exit code, last line on standard error, and result of each run.
    """
    command = [sys.executable, "-c", RUN, "run", report, "--format", "json"]
    runs = [
        f"code=0; {shlex.join(command)} >{number}.json 2>{number}.log || code=$?;"
        f" echo $code >{number}.code"
        for number in range(len(commands))
    ]
    script = "\n".join(chain.from_iterable(zip(commands, runs, strict=True)))
    path = os.pathsep.join([str(folder), str(EXAMPLE / "src")])
    subprocess.run(
        [*UNSHARE, script],
        cwd=folder,
        env=environment(folder, PYTHONPATH=path),
        timeout=60,
        check=True,
    )
    done = []
    for number in range(len(commands)):
        log = (folder / f"{number}.log").read_text()
        assert "Traceback" not in log
        assert log.count("error: ") <= 1
        code = int((folder / f"{number}.code").read_text())
        output = (folder / f"{number}.json").read_text()
        result = json.loads(output) if output else None  # it did not begin
        done.append((code, (log.splitlines() or [""])[-1], result))
    return done


def assert_whole(run, *, new=2):
    """Check that a run has succeeded, and that both valid orders are in the output."""
    code, error, result = run
    assert (code, error) == (0, "")
    (output,) = result["outputs"]
    assert (output["rows"], output["new_rows"]) == (2, new)
    assert result["rejected"] <= 1


@pytest.mark.parametrize(
    ("report", "size", "problem"),
    [
        (TABLE, 64, "the disk of the database is full (SQLITE_"),
        (FILE, 8, FULL),
    ],
)
def test_a_full_disk_is_named_and_the_next_run_continues(folder, report, size, problem):
    full = mounted("out", f"size={size}k")
    (code, error, _), after = run(folder, report, full, "mount -o remount,size=4m out")
    assert code == 1
    assert "make room there" in error
    assert problem in error
    assert_whole(after)


@pytest.mark.parametrize("report", [TABLE, FILE])
def test_a_read_only_folder_is_named_and_the_next_run_continues(folder, report):
    (code, error, _), after = run(
        folder, report, mounted("out", "ro"), "mount -o remount,rw out"
    )
    assert (code, error.endswith(READ_ONLY)) == (1, True)
    assert f"{folder}/out/" in error
    assert_whole(after)


def test_a_table_in_a_folder_that_became_read_only_is_kept(folder):
    first, (code, error, _), after = run(
        folder,
        TABLE,
        mounted("out", "size=4m"),
        "mount -o remount,ro out",
        "mount -o remount,rw out",
    )
    assert_whole(first)
    assert code == 1
    assert error == (
        f"{SINK} SQLITE_CANTOPEN: it cannot be opened; give another path, in a folder"
        " that can be written to"
    )
    assert_whole(after, new=0)


@pytest.mark.parametrize("report", [TABLE, FILE])
def test_a_source_with_a_write_ahead_log_in_a_read_only_folder_is_named(folder, report):
    with closing(sqlite3.connect(folder / "in" / "shop.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
    (code, error, _), after = run(
        folder,
        report,
        "mount --bind in in; mount -o remount,bind,ro in",
        "umount in",
    )
    assert code == 1
    assert error == (
        "error: in/shop.db: not a SQLite file that can be opened (SQLITE_CANTOPEN);"
        " give another path, and let the folder of a file with a write-ahead log be"
        " written to"
    )
    assert_whole(after)


def test_a_locked_table_is_named_and_the_next_run_continues(folder):
    with closing(sqlite3.connect(folder / "out" / "orders.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        ((code, error, _),) = run(folder, TABLE, "true")
    assert (code, error) == (
        1,
        f"{SINK} another process has locked it (SQLITE_BUSY); nothing was changed; run"
        " again",
    )
    assert_whole(*run(folder, TABLE, "true"))


def test_a_locked_source_is_named_and_the_next_run_continues(folder):
    with closing(sqlite3.connect(folder / "in" / "shop.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        ((code, error, _),) = run(folder, TABLE, "true")
    assert (code, error) == (
        1,
        "error: in/shop.db: cannot be read just now (SQLITE_BUSY); run again",
    )
    assert_whole(*run(folder, TABLE, "true"))
