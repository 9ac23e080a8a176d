"""Columns of a source that appear, vanish or change: noticed in every run, and taken, refused or left out as a contract says."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import SOURCE_KEY, SettingsError
from reporting_framework.errors import SchemaChanged
from reporting_framework.execution.schema_widening import common, holds
from reporting_framework.execution.source_schema import source_schema_of
from reporting_framework.metadata.schemas import schemas_in, schemas_text
from tests.framework.checks.reports import (
    COLUMNS,
    Given,
    execute,
    parquet,
    report,
    rows,
    sqlite,
)

WIDER = pl.Schema({**COLUMNS, "note": pl.String()})
NARROW = pl.Schema({name: COLUMNS[name] for name in ("id", "sku", "at")})


def source(schema, number=1):
    """Return a source with these columns and one record."""
    frame = rows({"id": number})
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
        if name not in frame.columns
    ]
    frame = frame.with_columns(missing).with_columns(
        pl.col(name).cast(dtype, strict=False) for name, dtype in schema.items()
    )
    return Given([frame.with_columns(pl.lit("noted").alias("note"))], schema=schema)


def changes(result):
    return [(each.change, each.column) for each in result.schema_changes]


def columns_of(folder, schema):
    sink = parquet(folder)
    sink.open(pl.Schema({**schema, SOURCE_KEY: pl.String()}), "append", ())
    sink.ledger()
    return sink.scan().collect_schema()


def test_without_a_contract_columns_are_taken_and_changes_are_noticed_once(
    tmp_path, caplog
):
    assert changes(execute(report(tmp_path, source(NARROW)))) == []
    result = execute(report(tmp_path, source(WIDER, 2)))
    assert changes(result) == [("added", "price"), ("added", "day"), ("added", "note")]
    assert (
        "report prices: the columns of the source changed: price is new (Float64), day is new (Date), note is new (String)"
        in caplog.messages
    )
    assert changes(execute(report(tmp_path, source(WIDER, 3)))) == []
    again = report(tmp_path, source(NARROW, 4))
    assert changes(execute(again)) == [
        ("removed", "price"),
        ("removed", "day"),
        ("removed", "note"),
    ]
    recorded = [
        [each.column for each in record.schema_changes]
        for record in again.history.records()
    ]
    assert recorded == [["price", "day", "note"], [], ["price", "day", "note"], []]


def test_a_dry_run_notices_and_does_not_remember(tmp_path):
    execute(report(tmp_path, source(NARROW)))
    for _ in range(2):
        result = execute(report(tmp_path, source(COLUMNS, 2)), dry_run=True)
        assert changes(result) == [("added", "price"), ("added", "day")]


@pytest.mark.parametrize(
    "other", [WIDER, NARROW, pl.Schema({**COLUMNS, "id": pl.String()})]
)
def test_freeze_refuses_a_changed_source_before_it_is_read(tmp_path, other):
    execute(report(tmp_path, source(COLUMNS), contract="freeze"))
    changed = source(other, 2)
    changed.read = None  # nothing may call it
    with pytest.raises(
        SchemaChanged,
        match="contract is freeze, and nothing was read: restore the source, or accept",
    ):
        execute(report(tmp_path, changed, contract="freeze"))
    same = report(tmp_path, source(COLUMNS, 3), contract="freeze")
    assert changes(execute(same)) == []  # a refused run changes nothing
    records = same.history.records()
    assert [record.error for record in records] == [None, "SchemaChanged", None]
    assert records[1].schema_changes


def test_freeze_accepts_the_columns_of_a_run_with_evolve(tmp_path):
    execute(report(tmp_path, source(COLUMNS), contract="freeze"))
    assert changes(execute(report(tmp_path, source(WIDER, 2), contract="evolve"))) == [
        ("added", "note")
    ]
    assert changes(execute(report(tmp_path, source(WIDER, 3), contract="freeze"))) == []


@pytest.mark.parametrize("sinks", [parquet, sqlite])
def test_discard_leaves_new_columns_out_and_says_so_in_each_run(
    tmp_path, sinks, caplog
):
    execute(report(tmp_path, source(COLUMNS), contract="discard", sinks=sinks))
    for number in (2, 3):
        made = report(tmp_path, source(WIDER, number), contract="discard", sinks=sinks)
        assert "note" not in made.schema
        result = execute(made)
        assert changes(result) == [("added", "note")]
        assert result.ignored_fields == {"note": 1}
        assert result.outputs[0].rows == number
    assert "the table keeps its columns" in caplog.text


def test_discard_keeps_the_type_of_a_column_and_rejects_what_does_not_fit(tmp_path):
    execute(report(tmp_path, source(COLUMNS), contract="discard"))
    text = pl.Schema({**COLUMNS, "price": pl.String()})
    result = execute(report(tmp_path, source(text, 2), contract="discard"))
    assert changes(result) == [("retyped", "price")]
    assert [(each.type, each.field) for each in result.rejections] == [
        ("wrong_type", "price")
    ]
    gone = execute(report(tmp_path, source(NARROW, 3), contract="discard"))
    assert changes(gone) == [("removed", "price"), ("removed", "day")]
    back = execute(report(tmp_path, source(COLUMNS, 4), contract="discard"))
    assert changes(back) == []
    assert back.accepted == 1


def test_evolve_takes_the_wider_type_in_either_order(tmp_path):
    small = pl.Schema({**COLUMNS, "id": pl.Int32()})
    for number, (schema, taken) in enumerate(
        [(small, pl.Int32()), (COLUMNS, pl.Int64()), (small, pl.Int64())]
    ):
        made = report(tmp_path, source(schema, number), contract="evolve")
        assert made.schema["id"] == taken
        execute(made)
    assert columns_of(tmp_path, COLUMNS)["id"] == pl.Int64()


def test_evolve_refuses_a_type_that_would_lose_values(tmp_path):
    execute(report(tmp_path, source(COLUMNS), contract="evolve"))
    text = pl.Schema({**COLUMNS, "price": pl.String()})
    with pytest.raises(
        SchemaChanged,
        match="column price of the source is String, not Float64; contract is evolve",
    ):
        report(tmp_path, source(text, 2), contract="evolve")


def test_a_contract_needs_columns_and_a_history(tmp_path):
    with pytest.raises(SettingsError, match="use a source that knows its columns"):
        source_schema_of("prices", None, "freeze", None)
    with pytest.raises(
        SettingsError, match="report prices: contract: it keeps no quarantine"
    ):
        source_schema_of("prices", COLUMNS, "freeze", None)


TYPES = [
    *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64(), pl.Int128()),
    *(pl.Float32(), pl.Float64(), pl.Decimal(10, 2), pl.Decimal(38, 0), pl.Decimal(5, 0), pl.String(), pl.Boolean()),
    *(pl.Date(), pl.Datetime("us", "UTC"), pl.Datetime("ms", "UTC"), pl.Datetime("us"), pl.Null(), pl.Categorical()),
]  # fmt: skip

VALUES = {
    "integer": [-(2**63), -(2**31), -32769, -129, -1, 0, 1, 127, 255, 2**15, 2**24, 2**24 + 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1],
    "float": [0.5, 1e300, 2.0**24],
}  # fmt: skip


def test_a_wider_type_holds_every_value_of_both():
    for one, other in product(TYPES, TYPES):
        _check_wider(one, other)


def _check_wider(one, other):
    wide = common(one, other)
    assert (wide is None) == (common(other, one) is None)
    for narrow in (one, other):
        if wide is None or not (narrow.is_numeric() and wide.is_numeric()):
            continue
        values = VALUES["integer"] if not narrow.is_float() else VALUES["float"]
        series = pl.Series(
            values, dtype=pl.Int128 if not narrow.is_float() else pl.Float64
        )
        kept = series.cast(narrow, strict=False).drop_nulls()
        assert kept.cast(wide).cast(narrow).equals(kept)
        if not (wide.is_float() and narrow.is_float()):
            assert [int(each) for each in kept.cast(wide)] == [
                int(each) for each in kept
            ]


def test_what_does_not_hold_is_told_apart():
    assert not holds(pl.Float64(), pl.Int64())
    assert not holds(pl.Date(), pl.Datetime("us"))
    assert not holds(pl.Datetime("us"), pl.Datetime("us", "UTC"))
    assert not holds(pl.String(), pl.Int64())
    assert holds(pl.String(), pl.Categorical())


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8), st.sampled_from(TYPES), max_size=6
    ),
    st.booleans(),
)
def test_columns_are_read_back_from_the_header_exactly(types, differs):
    schema = pl.Schema(types)
    taken = COLUMNS if differs else schema
    import json

    head = json.dumps(
        {"history": 1, "files": 0, **schemas_text((schema, taken))}
    ).encode()
    assert schemas_in(head) == (schema, taken)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        b"[]",
        b'{"history": 1}',
        b'{"source_columns": "AA=="}',
        b'{"source_columns": 1}',
    ],
)
def test_a_damaged_header_has_no_columns(head):
    assert schemas_in(head) is None
