"""A CSV file: its dialect, what is read back, and what is refused."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from reporting_datasets.csv_sink.sink import CsvFile
from reporting_datasets.settings import CsvSettings
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, Split, run_report
from reporting_framework.cli.main import reporting
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    SettingsError,
)

FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "'quoted", "plain", "", None, "a=b"]
SCHEMA = pl.Schema(
    {"note": pl.String(), "price": pl.Float64(), SOURCE_KEY: pl.String()}
)


def notes(texts, start=0):
    return pl.DataFrame(
        {
            "note": texts,
            "price": [number / 4 for number in range(len(texts))],
            SOURCE_KEY: [f"k{number + start}" for number in range(len(texts))],
        },
        SCHEMA,
    )


class File:
    """A file and its settings."""

    def __init__(self, path, mode="append", **settings):
        self.path, self.mode = Path(path), mode
        self.settings = {"uri": str(path), **settings}

    def sink(self, schema=SCHEMA):
        sink = CsvFile(CsvFile.Settings(**self.settings))
        sink.open(schema, self.mode)
        return sink

    def run(self, *frames, schema=SCHEMA):
        sink = self.sink(schema)
        sink.ledger()
        parts = [
            sink.stage(self.versioned(frame), Split(str(number), {}), 0)
            for number, frame in enumerate(frames)
        ]
        try:
            return sink.commit(parts)
        finally:
            sink.close()

    def versioned(self, frame):
        if self.mode == "append" or VERSION in frame.columns:
            return frame
        return frame.with_columns(
            pl.lit("1").alias(VERSION),
            pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT),
        )

    def scan(self, schema=SCHEMA):
        return self.sink(schema).scan().collect()


@pytest.fixture
def file(tmp_path):
    return File(tmp_path / "out" / "notes.csv")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, b'note,price,source_key\n"a,b",0.0,k0\n"",0.25,k1\n,0.5,k2\n'),
        (
            {"separator": ";", "line_end": "\r\n", "null": "NULL"},
            b'note;price;source_key\r\na,b;0.0;k0\r\n"";0.25;k1\r\nNULL;0.5;k2\r\n',
        ),
        (
            {"quoting": "non_numeric", "quote": "'", "header": False},
            b"'a,b',0.0,'k0'\n'',0.25,'k1'\n,0.5,'k2'\n",
        ),
        (
            {"byte_order_mark": True, "separator": "\t"},
            b'\xef\xbb\xbfnote\tprice\tsource_key\na,b\t0.0\tk0\n""\t0.25\tk1\n\t0.5\tk2\n',
        ),
    ],
)
def test_the_dialect_is_as_it_is_set_and_read_back(tmp_path, settings, text):
    file = File(tmp_path / "notes.csv", **settings)
    frame = notes(["a,b", "", None])
    file.run(frame)
    assert file.path.read_bytes() == text
    assert file.scan().equals(frame)
    more = notes(["more"], 3)
    result = file.run(frame, more)
    assert (result.duplicates, result.outputs[0].rows) == (3, 4)
    assert file.path.read_bytes().startswith(text)
    assert file.scan().equals(pl.concat([frame, more]))


def test_every_kept_type_is_read_back(tmp_path):
    frame = pl.DataFrame(
        {
            "i": [-1, None],
            "f": [1e300, 0.1],
            "d": [Decimal("12.30"), None],
            "b": [True, False],
            "day": [date(2024, 2, 29), None],
            "at": [datetime(2024, 1, 1, 12, 0, 0, 5, tzinfo=UTC), None],
            "local": [None, datetime(2024, 1, 1, 12)],
            "time": [time(1, 2, 3, 4), None],
            "kind": ["x", None],
            SOURCE_KEY: ["a", "b"],
        },
        schema_overrides={
            "i": pl.Int16,
            "d": pl.Decimal(10, 2),
            "at": pl.Datetime("us", "UTC"),
            "local": pl.Datetime("ms"),
            "kind": pl.Enum(["x", "y"]),
        },
    )
    for number, quoting in enumerate(("necessary", "always", "non_numeric")):
        file = File(tmp_path / f"{number}.csv", quoting=quoting)
        file.run(frame, schema=frame.schema)
        assert file.scan(frame.schema).equals(frame)


def test_formulas_are_guarded_and_read_back(tmp_path):
    file = File(tmp_path / "notes.csv", guard_formulas=True)
    frame = notes(FORMULAS).with_columns(
        pl.format("={}", pl.col(SOURCE_KEY)).alias(SOURCE_KEY)
    )
    file.run(frame)
    texts = pl.read_csv(file.path, infer_schema=False)
    assert texts["note"].to_list()[:7] == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "''quoted",
        "plain",
    ]
    assert file.scan().sort(SOURCE_KEY).equals(frame.sort(SOURCE_KEY))
    assert file.run(frame).duplicates == len(FORMULAS)
    assert file.sink().ledger().filter_new(["=k0", "k0"]) == ["k0"]


@pytest.mark.parametrize(
    "dtype",
    [pl.List(pl.Int64), pl.Struct({"a": pl.Int8}), pl.Binary, pl.Duration("us")],
)
def test_columns_without_a_form_as_text_are_refused(file, dtype):
    schema = pl.Schema({"odd": dtype, SOURCE_KEY: pl.String()})
    with pytest.raises(SettingsError, match="column odd is .* a CSV file cannot keep"):
        file.sink(schema)


def test_append_needs_the_source_keys(tmp_path):
    with pytest.raises(SettingsError, match="source_key is false"):
        File(tmp_path / "x.csv", source_key=False).sink()


def test_append_without_source_keys_is_refused_by_the_settings():
    with pytest.raises(ValidationError, match="source_key is false"):
        CsvSettings(uri="x.csv", mode="append", source_key=False)


def test_a_replaced_file_may_be_without_source_keys(tmp_path):
    file = File(tmp_path / "x.csv", "replace", source_key=False)
    file.run(notes(["a", "b"]))
    result = file.run(notes(["c"]))
    assert file.path.read_text() == "note,price\nc,0.0\n"
    assert (result.outputs[0].rows, result.overtaken) == (1, False)
    with pytest.raises(
        SettingsError, match="there is no column; set source_key to true"
    ):
        file.sink(pl.Schema({SOURCE_KEY: pl.String()}))


def test_replace_has_the_newest_version_of_each_key_and_no_deletes(tmp_path):
    file = File(tmp_path / "x.csv", "replace")
    at = datetime(2024, 1, 1, tzinfo=UTC)

    def versions(texts, version, deleted=None):
        return notes(texts).with_columns(
            pl.lit(version).alias(VERSION),
            pl.lit(deleted, pl.Datetime("us", "UTC")).alias(DELETED_AT),
        )

    result = file.run(
        versions(["new", "new", "new"], "2"),
        versions(["old", "old"], "1"),
        versions(["gone"], "3", at),
    )
    assert file.scan()[SOURCE_KEY].to_list() == ["k1", "k2"]
    assert result.duplicates == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            b"other,columns\n1,2\n",
            "its first line has other columns or another dialect",
        ),
        (b"", "its first line has other columns"),
        (b'note,price,source_key\n"secretly,1,k\n', "not a CSV file of this dialect"),
        (b"note,price,source_key\na,1,k,4,5\n", "not a CSV file of this dialect"),
    ],
)
def test_a_file_of_another_program_is_refused_and_kept(file, text, message):
    file.path.parent.mkdir()
    file.path.write_bytes(text)
    with pytest.raises(CorruptCheckpoint, match=message) as error:
        file.run(notes(["a"])), file.scan()
    assert "secretly" not in str(error.value)
    assert file.path.read_bytes() == text


def test_a_last_line_without_an_end_is_ended(file):
    file.path.parent.mkdir()
    file.path.write_text("note,price,source_key\nby hand,1.0,x")
    file.run(notes(["a"]))
    assert file.path.read_text().endswith("by hand,1.0,x\na,0.0,k0\n")


def test_a_file_that_was_removed_meanwhile_is_not_begun_again(file):
    file.run(notes(["a"]))
    sink = file.sink()
    sink.ledger()
    part = sink.stage(notes(["b"], 1), Split("s", {}), 0)
    file.path.unlink()
    with pytest.raises(CommitConflict, match="it was removed while this run was under"):
        sink.commit([part])
    sink.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"uri": "x.parquet"}, "must end in .csv"),
        ({"uri": "s3://x.csv"}, "must end in .csv"),
        ({"uri": "{a}.csv"}, "there is one file"),
        ({"separator": "é"}, "one ASCII character"),
        ({"quote": "\n"}, "one ASCII character"),
        ({"separator": '"'}, "separator and quote must differ"),
        *(({"separator": mark}, "numbers or times may have") for mark in ".-+:0eT"),
        ({"quote": "0"}, "numbers or times may have"),
        *(({"null": text}, "a number, a time") for text in ("-1", ".5", "NaN", "true")),
        ({"null": "a,b"}, "null must not hold"),
        ({"mode": "upsert"}, "'append' or 'replace'"),
    ],
)
def test_settings_that_make_no_file_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CsvFile.Settings(**{"uri": "x.csv", **settings})


def test_the_file_is_checked(file):
    check = file.sink().health_checks(write=False)["file"]
    assert check().found == "there is none yet"
    file.run(notes(["a"]))
    assert check().found == f"{file.path}: 1 rows"
    unopened = CsvFile(file.sink().settings)  # its columns are not known
    found = unopened.health_checks(write=False)["file"]().found
    assert found.startswith(f"{file.path}: {file.path.stat().st_size} bytes; not read")
    (output,) = unopened.stored_artifacts()
    assert (output.rows, output.bytes) == (None, file.path.stat().st_size)
    actions = {
        action
        for permission in CsvFile.aws_permissions(CsvFile.Settings(uri="s3://b/x.csv"))
        for action in permission.actions
    }
    assert "s3:DeleteObject" in actions


def test_doctor_reads_the_file_in_the_columns_of_the_last_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id,v\n1,2\n")
    (tmp_path / "reporting.toml").write_text(
        """
        [reports.notes]
        source = { use = "files", uri = "in" }
        validator = { use = "frame" }
        sinks = [{ use = "csv", uri = "out/r.csv" }]
        """
    )
    assert run_report("notes").accepted == 1
    doctor = partial(CliRunner().invoke, reporting, ["doctor", "notes"])
    assert "out/r.csv: 1 rows" in doctor().stdout
    (tmp_path / "out" / "r.csv").write_text("garbage,x\n")
    done = doctor()
    assert done.exit_code == 1
    assert "its first line has other columns" in done.stdout
