"""Values within lists and objects are in the type of their column, or reject their row."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from reporting_files.casting import Casts
from reporting_framework import run_report
from tests.plugins.files.reading import put

KEYED, NUMBERS = pl.Struct({"k": pl.Int64()}), pl.List(pl.Int64())
REPORT = """
[reports.files]
source    = { use = "files", uri = "in/" }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out.parquet", mode = "upsert" }]
"""
PRICE = pl.Decimal(10, 2)
NANO, MICRO = pl.List(pl.Datetime("ns")), pl.List(pl.Datetime("us"))


@pytest.mark.parametrize(
    ("actual", "wanted", "values", "expected"),
    [
        (
            pl.Struct({"k": pl.String()}),
            KEYED,
            [{"k": "x"}, {"k": "5"}, {"k": None}, None],
            [None, {"k": 5}, {"k": None}, None],
        ),
        (
            pl.List(pl.Float64()),
            NUMBERS,
            [[1.5], [2.0, None], [], None],
            [None, [2, None], [], None],
        ),
        (
            pl.Struct({"k": pl.List(pl.Struct({"a": pl.String()}))}),
            pl.Struct({"k": pl.List(pl.Struct({"a": pl.Int64()}))}),
            [{"k": [{"a": "1"}, {"a": "q"}]}, {"k": [{"a": "1"}]}, {"k": None}],
            [None, {"k": [{"a": 1}]}, {"k": None}],
        ),
        (
            pl.Struct({"k": pl.Int64(), "more": pl.Int64()}),
            KEYED,
            [{"k": 1, "more": 2}, {"k": 1, "more": None}],
            [None, {"k": 1}],
        ),
        (
            pl.List(pl.Float64()),
            pl.List(pl.Decimal(38, 2)),
            [[97897453777937.89], [1.5, None], [123456789012345.5]],
            [None, [Decimal("1.50"), None], [Decimal("123456789012345.50")]],
        ),
        (pl.List(pl.Null()), NUMBERS, [[], [None], None], [[], [None], None]),
        (pl.Struct({"k": pl.Int64()}), pl.Struct({"k": NUMBERS}), [{"k": 1}], [None]),
        (pl.List(pl.Int64()), KEYED, [[1]], [None]),
        (
            pl.List(pl.Float64()),
            pl.List(PRICE),
            [[1e9], [2.5, 1e9], [0.1]],
            [None, None, [Decimal("0.10")]],
        ),
        (
            pl.Struct({"k": pl.Float32()}),
            pl.Struct({"k": PRICE}),
            [{"k": 1e9}, {"k": 0.25}],
            [None, {"k": Decimal("0.25")}],
        ),
        (
            pl.List(pl.String()),
            pl.List(PRICE),
            [["1.005"], ["1e-400"], ["1.5e1", None]],
            [None, None, [Decimal(15), None]],
        ),
        (pl.List(pl.String()), pl.List(pl.Boolean()), [["x"], None], [None, None]),
        (pl.List(pl.Int64()), pl.List(pl.Boolean()), [[5]], [None]),
        (pl.List(pl.Date()), pl.List(PRICE), [[date(2024, 1, 1)]], [None]),
        (pl.List(pl.Binary()), pl.List(pl.String()), [[b"\xff"], [b"a"]], [None, None]),
    ],
)
def test_a_nested_value_that_would_change_is_none(
    actual: pl.DataType, wanted: pl.DataType, values: list[Any], expected: list[Any]
) -> None:
    frame = pl.DataFrame({"c": pl.Series(values, dtype=actual)})
    cast = Casts({}, decimal_comma=False).cast("c", actual, wanted)
    assert frame.select(cast).to_series().to_list() == expected


def test_nanoseconds_within_a_list_are_not_cut() -> None:
    times = pl.Series([[1], [1_000]]).cast(NANO)
    cast = Casts({}, decimal_comma=False).cast("c", NANO, MICRO)
    found = times.alias("c").to_frame().select(cast).to_series().to_list()
    assert found == [None, [datetime(1970, 1, 1, microsecond=1)]]


def test_a_value_of_another_type_within_an_object_rejects_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reporting.toml").write_text(REPORT)
    put("in", {"a.ndjson": b'{"id": 1, "o": {"k": 1}}\n'})
    assert run_report("files").accepted == 1
    put("in", {"b.ndjson": b'{"id": 2, "o": {"k": "x"}}\n{"id": 3, "o": {"k": 2}}\n'})
    second = run_report("files")
    assert (second.accepted, second.rejected) == (1, 1)
    assert pl.read_parquet("out.parquet")["o"].to_list() == [{"k": 1}, {"k": 2}]
