"""Files that change after they were taken, in whole runs: refused, replaced or left as they are."""

import time

import polars as pl
import pytest

from reporting_files.reading import FileReader
from reporting_framework import run_report
from reporting_framework.errors import SettingsError
from reporting_framework.storage import open_store
from tests.plugins.files.test_excel import workbook

HEAD = "at,value\n"


def csv(*values):
    return (
        HEAD
        + "".join(f"2024-01-{at:02}T00:00:00Z,{v}\n" for at, v in enumerate(values, 1))
    ).encode()


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path, monkeypatch):
    """A place for files, and a function that runs the report."""
    monkeypatch.chdir(tmp_path)
    uri = str(tmp_path / "in")
    if request.param == "bucket":
        uri = f"s3://{request.getfixturevalue('reporting_bucket')}/in"
    store = open_store(uri)

    def write(key, data):
        entry = (
            store.head(key)
            if request.param == "bucket" or (tmp_path / "in").exists()
            else None
        )
        store.put(key, data, if_version=entry.version if entry else None)

    def run(changed, mode="append", **options):
        (tmp_path / "reporting.toml").write_text(
            f"""
            [reports.prices]
            source = {{ use = "files", uri = "{uri}", changed_files = "{changed}", columns = {{ at = "datetime", value = "int64" }} }}
            validator = {{ use = "frame" }}
            sinks = [{{ use = "parquet-checkpoint", uri = "out.parquet", timestamp = "at" }}]
            write_mode = "{mode}"
            """
        )
        return run_report("prices", **options)

    def table():
        frame = pl.read_parquet(tmp_path / "out.parquet")
        if "_deleted_at" in frame.columns:
            frame = frame.filter(pl.col("_deleted_at").is_null())
        return dict(frame.select("source_key", "value").sort("source_key").iter_rows())

    return write, run, table


def test_a_file_is_taken_once_and_a_changed_one_is_refused_once(place):
    write, run, table = place
    write("a.csv", csv(1, 2))
    write("b.csv", csv(3))
    assert run("refuse").accepted == 3
    assert run("refuse").records_read == 0
    write("a.csv", csv(7, 8, 9))
    write("c.csv", csv(4))
    result = run("refuse")
    assert (result.accepted, result.rejected) == (1, 1)
    assert [tuple(each)[:1] for each in result.rejections]
    assert result.rejections[0].type == "file_changed"
    assert run("refuse").records_read == 0
    assert table() == {"a.csv#1": 1, "a.csv#2": 2, "b.csv#1": 3, "c.csv#1": 4}


def test_a_changed_file_is_left_as_it_is(place):
    write, run, table = place
    write("a.csv", csv(1, 2))
    run("ignore")
    write("a.csv", csv(7))
    assert run("ignore").records_read == 0
    assert table() == {"a.csv#1": 1, "a.csv#2": 2}


def test_a_changed_file_replaces_its_rows_and_rows_that_are_gone_are_deleted(place):
    write, run, table = place
    write("a.csv", csv(1, 2, 3))
    write("b.csv", csv(4))
    assert run("replace", "upsert").inserted == 4
    write("a.csv", csv(1, 9))
    result = run("replace", "upsert")
    assert (result.updated, result.deleted) == (2, 1)
    assert table() == {"a.csv#1": 1, "a.csv#2": 9, "b.csv#1": 4}
    write("a.csv", csv(5, 6, 7, 8))
    run("replace", "upsert")
    assert run("replace", "upsert").records_read == 0
    assert table() == {
        "a.csv#1": 5,
        "a.csv#2": 6,
        "a.csv#3": 7,
        "a.csv#4": 8,
        "b.csv#1": 4,
    }


def test_a_rejected_record_leaves_the_row_of_its_number(place):
    write, run, table = place
    write("a.csv", csv(1, 2, 3))
    run("replace", "upsert")
    write("a.csv", csv(0, "x", 1, 2, 3))  # two records more, one of them is rejected
    assert run("replace", "upsert").rejected == 1
    rows = {"a.csv#1": 0, "a.csv#2": 2, "a.csv#3": 1, "a.csv#4": 2, "a.csv#5": 3}
    assert table() == rows
    write("a.csv", csv(0, 9, 1, 2, 3))
    run("replace", "upsert")
    assert table() == {**rows, "a.csv#2": 9}


def test_a_row_of_a_sheet_that_is_blank_now_is_deleted(place):
    def sheet(*values):
        def fill(book):
            page = book.add_worksheet()
            page.write_row(0, 0, ["at", "value"])
            for row, value in enumerate(values, 1):
                cells = ["2024-01-01T00:00:00Z", value]
                page.write_row(row, 0, [] if value is None else cells)

        return workbook(fill)

    write, run, table = place
    write("a.xlsx", sheet(1, 2, None, 4))
    assert run("replace", "upsert").inserted == 3
    write("a.xlsx", sheet(1, None, 3))
    result = run("replace", "upsert")
    assert (result.inserted, result.deleted) == (1, 2)
    assert table() == {"a.xlsx#1": 1, "a.xlsx#3": 3}


def test_rows_of_a_file_that_was_damaged_for_a_while_are_replaced(place):
    write, run, table = place
    write("a.csv", csv(1, 2, 3))
    write("b.csv", csv(4))
    run("replace", "upsert")
    write("a.csv", HEAD.encode() + b"2024-01-01T00:00:00Z,\xff\n")
    assert run("replace", "upsert").rejected == 1
    assert run("replace", "upsert").records_read == 0
    assert table() == {"a.csv#1": 1, "a.csv#2": 2, "a.csv#3": 3, "b.csv#1": 4}
    write("a.csv", csv(9))
    assert run("replace", "upsert").deleted == 2
    assert table() == {"a.csv#1": 9, "b.csv#1": 4}


def test_a_file_that_was_rejected_is_new_when_it_changes(place):
    write, run, table = place
    write("a.csv", HEAD.encode() + b"2024-01-01T00:00:00Z,\xff\n")
    write("b.csv", csv(1))
    assert run("refuse").rejected == 1
    assert run("refuse").records_read == 0
    write("a.csv", csv(2))
    result = run("refuse")
    assert (result.accepted, result.rejected) == (1, 0)
    assert table() == {"a.csv#1": 2, "b.csv#1": 1}


def test_a_file_without_records_is_taken_once(place):
    write, run, table = place
    write("a.csv", csv(1))
    write("b.csv", HEAD.encode())
    run("refuse")
    assert run("refuse").records_read == 0
    write("b.csv", csv(2))
    assert run("refuse").accepted == 1
    assert table() == {"a.csv#1": 1, "b.csv#1": 2}


def test_rows_cannot_be_replaced_in_a_table_that_only_grows(place):
    write, run, _ = place
    write("a.csv", csv(1))
    with pytest.raises(SettingsError, match="write_mode is append, and source files"):
        run("replace", "append")


def test_an_older_file_replaces_a_newer_one(tmp_path, place):
    """A copy may keep the time of the original: what was listed last is the file."""
    import os

    write, run, table = place
    write("a.csv", csv(1))
    run("replace", "upsert")
    write("a.csv", csv(2))
    path = tmp_path / "in" / "a.csv"
    if path.exists():
        os.utime(path, (0, 0))
    run("replace", "upsert")
    assert table() == {"a.csv#1": 2}


def test_a_file_that_was_empty_for_a_while_is_read_again(place):
    write, run, table = place
    write("a.csv", csv(1, 2))
    run("replace", "upsert")
    write("a.csv", HEAD.encode())
    assert run("replace", "upsert").deleted == 2
    write("a.csv", csv(7, 8, 9))
    run("replace", "upsert")
    assert table() == {"a.csv#1": 7, "a.csv#2": 8, "a.csv#3": 9}


def test_a_rejected_file_leaves_the_quarantine_when_it_is_replaced(tmp_path, place):
    write, run, table = place
    write("a.csv", HEAD.encode() + b"2024-01-01T00:00:00Z,\xff\n")
    write("b.csv", csv(1, "x"))
    assert run("replace", "upsert").rejected == 2
    write("a.csv", csv(2))
    write("b.csv", csv(1, 3))
    run("replace", "upsert")
    assert table() == {"a.csv#1": 2, "b.csv#1": 1, "b.csv#2": 3}
    assert pl.read_parquet(tmp_path / "_quarantine" / "out.parquet").is_empty()
    assert run("replace", "upsert").records_read == 0


def test_a_file_of_a_run_that_was_overtaken_is_read_when_it_changes(place, monkeypatch):
    """Such a run commits its rows without its state."""
    write, run, table = place
    write("a.csv", csv(1))
    run("replace", "upsert")
    write("b.csv", csv(2))
    read, runs = FileReader.read, []

    def overtaken(self, data):
        yield from read(self, data)
        if not runs:
            runs.append(1)
            self._store.delete("b.csv", if_version=self._store.head("b.csv").version)
            write("c.csv", csv(3))
            run("replace", "upsert")

    monkeypatch.setattr(FileReader, "read", overtaken)
    run("replace", "upsert")
    write("b.csv", csv(2))
    assert table() == {"a.csv#1": 1, "b.csv#1": 2, "c.csv#1": 3}
    time.sleep(1.1)  # a bucket's times have whole seconds
    write("b.csv", csv(8, 9))
    run("replace", "upsert")
    assert table() == {"a.csv#1": 1, "b.csv#1": 8, "b.csv#2": 9, "c.csv#1": 3}
    assert run("replace", "upsert").records_read == 0
