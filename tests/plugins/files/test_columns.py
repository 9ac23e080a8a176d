"""Columns that only some of the files have, in whole runs."""

import gzip

import polars as pl
import pytest

from reporting_framework import run_report
from reporting_framework.errors import SchemaChanged, SettingsError
from tests.plugins.files.reading import put, read, written


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A function that adds files and runs the report, and one that reads its table."""
    monkeypatch.chdir(tmp_path)

    def run(files, contract=None):
        (tmp_path / "in").mkdir(exist_ok=True)
        for key, text in files.items():
            (tmp_path / "in" / key).write_text(text)
        line = f'contract = "{contract}"' if contract else ""
        (tmp_path / "reporting.toml").write_text(
            f"""
            [reports.sales]
            {line}
            write_mode = "upsert"
            source = {{ use = "files", uri = "in", include = "*.csv" }}
            validator = {{ use = "frame" }}
            sinks = [{{ use = "parquet-checkpoint", uri = "out.parquet" }}]
            """
        )
        return run_report("sales")

    def table():
        frame = pl.read_parquet(tmp_path / "out.parquet").sort("k")
        return dict(frame.select("k", "cur").iter_rows())

    return run, table


FIRST = {f"{at}.csv": f"k,v\n{at},1\n" for at in (1, 2, 3)}


def test_a_column_that_the_table_has_is_kept_for_later_files(report):
    run, table = report
    run(FIRST)
    run({"4.csv": "k,v,cur\n4,1,EUR\n"})
    result = run({"5.csv": "k,v,cur\n5,1,USD\n", "6.csv": "k,v\n6,1\n"})
    assert result.accepted == 2
    assert not result.schema_changes
    assert not result.ignored_fields
    assert table() == {1: None, 2: None, 3: None, 4: "EUR", 5: "USD", 6: None}


def test_a_column_that_no_file_has_now_is_not_gone(report, tmp_path):
    run, table = report
    run(FIRST)
    run({"4.csv": "k,v,cur\n4,1,EUR\n"})
    (tmp_path / "in/4.csv").unlink()
    result = run({"6.csv": "k,v\n6,1\n"})
    assert not result.schema_changes
    assert table() == {1: None, 2: None, 3: None, 4: "EUR", 6: None}


def test_a_column_keeps_a_type_for_all_values(report, tmp_path):
    run, _ = report
    run({"1.csv": "k,v\n1,x\n"})
    (tmp_path / "in/1.csv").unlink()
    assert not run({"2.csv": "k,v\n2,7\n"}).schema_changes
    assert pl.read_parquet(tmp_path / "out.parquet").sort("k")["v"].to_list() == [
        "x",
        "7",
    ]


@pytest.mark.parametrize("contract", ["freeze", "discard", "evolve"])
def test_a_contract_sees_a_column_of_a_file_in_the_middle(report, contract):
    run, table = report
    run({**FIRST, "7.csv": "k,v\n7,1\n"}, contract)
    middle = {"5.csv": "k,v,cur\n5,1,USD\n"}
    if contract == "freeze":
        with pytest.raises(SchemaChanged, match="cur is new"):
            run(middle, contract)
        return
    result = run(middle, contract)
    assert [(change.column, change.change) for change in result.schema_changes] == [
        ("cur", "added")
    ]
    if contract == "evolve":
        assert table()[5] == "USD"


@pytest.mark.parametrize(
    "suffix", ["csv", "csv.gz", "ndjson", "json", "parquet", "avro"]
)
def test_a_column_of_a_file_in_the_middle(tmp_path, suffix):
    def content(frame):
        if suffix == "parquet":
            return written(frame.write_parquet)
        if suffix == "avro":
            return written(frame.write_avro)
        if suffix == "json":
            return frame.write_json().encode()
        if suffix == "ndjson":
            return frame.write_ndjson().encode()
        text = frame.write_csv().encode()
        return gzip.compress(text) if suffix.endswith("gz") else text

    frames = [pl.DataFrame({"k": [at]}) for at in range(8)]
    # larger than what is read of it for its header
    frames[4] = pl.DataFrame({"k": range(40_000), "n": [0.5] * 40_000})
    put(
        str(tmp_path),
        {f"{at}.{suffix}": content(frame) for at, frame in enumerate(frames)},
    )
    found = read(str(tmp_path))
    assert found.schema == {"k": pl.Int64, "n": pl.Float64}
    assert found.rows["n"].sum() == 20_000
    assert not found.rejected


@pytest.mark.parametrize("contract", [None, "freeze"])
@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "no file matches include \\(\\*.csv\\), as there are none; check uri"),
        (
            {"a.txt": "k"},
            "no file matches include \\(\\*.csv\\); other files: 1, such as a.txt;",
        ),
        (
            {"a.csv": ""},
            "no file has columns that can be read, such as a.csv: empty; check format",
        ),
        (
            {"a.csv": "k,k\n1,2\n", "b.csv": ""},
            "no file has columns that can be read, such as a.csv: duplicate_column;",
        ),
    ],
)
def test_a_place_without_columns(report, tmp_path, files, problem, contract):
    run, _ = report
    with pytest.raises(SettingsError, match=f"source files: {tmp_path}/in: {problem}"):
        run(files, contract)


def test_the_types_of_the_last_run_stay_but_for_fractions(report):
    run, _ = report
    assert run({"a.csv": "id,price\n1,1\n2,2\n"}).accepted == 2
    second = run({"b.csv": "id,price\n3,x\n4,4\n"})
    assert (second.accepted, second.rejected) == (1, 1)
    assert not second.schema_changes
    changes = run({"c.csv": "id,price\n5,0.5\n"}).schema_changes
    assert [each.column for each in changes] == ["price"]
    found = pl.read_parquet("out.parquet").select("id", "price").sort("id")
    assert found.rows() == [(1, 1.0), (2, 2.0), (4, 4.0), (5, 0.5)]


@pytest.mark.parametrize("key", ["0.csv", "2.5.csv", "9.csv"])
def test_a_file_without_a_column_of_the_last_run_is_rejected(report, key):
    run, table = report
    run({**FIRST, "4.csv": "k,v,cur\n4,1,EUR\n", "5.csv": "k,v\n5,1\n"})
    result = run({key: "zz\n8\n"})
    assert (result.accepted, result.rejected) == (0, 1)
    assert not result.schema_changes
    assert run({"6.csv": "k,cur\n6,USD\n"}).accepted == 1
    assert table()[6] == "USD"


def test_other_columns_in_all_files_are_new(report, tmp_path):
    run, _ = report
    run({"1.csv": "a,b\n1,2\n"})
    (tmp_path / "in/1.csv").unlink()
    result = run({"2.csv": "k,cur\n2,EUR\n"})
    assert (result.accepted, result.rejected) == (1, 0)
    assert ("k", "added") in [
        (each.column, each.change) for each in result.schema_changes
    ]
