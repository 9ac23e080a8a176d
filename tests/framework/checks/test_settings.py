"""Settings of checks are refused before anything is read, with the place, the problem and the fix; bounds and values fit the type of their column."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from reporting_framework import CheckRef, PluginRef, SettingsError, Sink
from reporting_framework.checks.base import RunFacts
from reporting_framework.checks.catalog import CHECKS, checks_of
from reporting_framework.checks.rows import Rows
from reporting_framework.plugin_api.records import StagedPart
from reporting_framework.tables.staging import StagedFrames
from tests.framework.checks.reports import Given, parquet, report

SCHEMA = pl.Schema(
    {
        "number": pl.Int32(),
        "price": pl.Decimal(10, 2),
        "rate": pl.Float64(),
        "sku": pl.String(),
        "kind": pl.Enum(["a", "b"]),
        "amount": pl.Decimal(10, 2),
        "day": pl.Date(),
        "at": pl.Datetime("us", "UTC"),
        "local": pl.Datetime("ms"),
        "zoned": pl.Datetime("us", "Europe/Berlin"),
        "fine": pl.Datetime("ns", "UTC"),
        "flag": pl.Boolean(),
    }
)

REFUSED = [
    ({"check": "uniqe"}, "report r: there is no check uniqe; did you mean unique?; checks: unique, not_null, range,"),
    ({"check": "unique"}, "report r: check unique: setting columns is missing"),
    ({"check": "unique", "columns": []}, "report r: check unique: columns: Value should have at least 1 item"),
    ({"check": "unique", "column": "sku"}, "there is no setting column; did you mean columns?; settings: name, severity, over, columns"),
    ({"check": "unique", "columns": "skus"}, "report r: check unique: there is no column skus; did you mean sku?; columns: number, price"),
    ({"check": "unique", "columns": "sku", "severity": "error"}, "report r: check unique: severity: Input should be 'warn' or 'fail'; found 'error'"),
    ({"check": "unique", "columns": "sku", "over": "all"}, "report r: check unique: over: Input should be 'run' or 'table'; found 'all'"),
    ({"check": "range", "column": "number"}, "report r: check range: the settings together: give min, max or both"),
    ({"check": "range", "column": "number", "min": "1"}, "report r: check range(number): min: column number is Int32; bounds are for numbers, dates and times, each in its form"),
    ({"check": "range", "column": "price", "max": float("inf")}, "report r: check range: max: give a finite number; without a bound, leave it out"),
    ({"check": "range", "column": "number", "min": float("nan")}, "report r: check range: min: give a finite number"),
    ({"check": "range", "column": "amount", "min": 1e-300}, "report r: check range(amount): min: it has too many digits; give a number with at most 38"),
    ({"check": "range", "column": "number", "max": 10**50}, "report r: check range(number): max: it has too many digits"),
    ({"check": "range", "column": "sku", "min": 1}, "report r: check range(sku): min: column sku is String; bounds are for"),
    ({"check": "range", "column": "day", "max": "tomorrow"}, "report r: check range(day): max: column day is Date; give it as in ISO 8601"),
    ({"check": "range", "column": "at", "min": "2026-01-01"}, "report r: check range(at): min: a time of this column has an offset"),
    ({"check": "range", "column": "local", "min": "2026-01-01T00:00Z"}, "report r: check range(local): min: a time of this column has no offset"),
    ({"check": "range", "column": "number", "min": 2, "max": 1.5}, "report r: check range: the settings together: min is greater than max"),
    ({"check": "range", "column": "day", "min": "2024-02-01", "max": "2024-01-31"}, "min is greater than max"),
    ({"check": "range", "column": "number", "min": "-1e9999999", "max": "1e9999999"}, "report r: check range: min: a bound has at most 38 digits, zeros included"),
    ({"check": "range", "column": "at", "min": "0001-01-01T00:00+01:00"}, "report r: check range: min: give a time in the years 1 to 9999 of UTC"),
    ({"check": "range", "column": "at", "max": "9999-12-31T23:59-01:00"}, "report r: check range: max: give a time in the years 1 to 9999 of UTC"),
    ({"check": "range", "column": "fine", "min": "0001-01-01T00:00Z"}, "report r: check range(fine): min: column fine is Datetime(time_unit='ns', time_zone='UTC'); give a time that it can have"),
    ({"check": "range", "column": "number", "min": True}, "report r: check range: min: give a number, or a date or time as in ISO 8601; found True"),
    ({"check": "accepted_values", "column": "number", "values": ["1"]}, "report r: check accepted_values(number): values: column number is Int32; give values of this type"),
    ({"check": "accepted_values", "column": "number", "values": [1.5]}, "values: column number is Int32"),
    ({"check": "accepted_values", "column": "number", "values": [2**40]}, "values: column number is Int32"),
    ({"check": "accepted_values", "column": "number", "values": [True]}, "values: column number is Int32"),
    ({"check": "accepted_values", "column": "sku", "values": [1]}, "values: column sku is String"),
    ({"check": "accepted_values", "column": "kind", "values": ["c"]}, "values: column kind is Enum"),
    ({"check": "accepted_values", "column": "day", "values": ["first"]}, "values: column day is Date"),
    ({"check": "accepted_values", "column": "sku", "values": []}, "values: Tuple should have at least 1 item"),
    ({"check": "foreign_key", "columns": ["sku", "day"], "report": "r", "to": "sku"}, "columns and to must name as many columns each"),
    ({"check": "row_count"}, "report r: check row_count: the settings together: give min, max or both"),
    ({"check": "row_count", "min": 2, "max": 1}, "min is greater than max"),
    ({"check": "row_count_change"}, "report r: check row_count_change: setting max is missing"),
    ({"check": "row_count_change", "max": float("nan")}, "report r: check row_count_change: max: Input should be"),
    ({"check": "freshness", "column": "sku", "max_age": "1d"}, "report r: check freshness(sku): column sku is String; name a column of dates or times"),
    ({"check": "freshness", "column": "day", "max_age": "soon"}, "report r: check freshness: max_age: give a number and a unit: s, m, h, d or w, as in 36h; found 'soon'"),
]  # fmt: skip


def made(*checks):
    refs = [
        CheckRef(check["check"], {k: v for k, v in check.items() if k != "check"})
        for check in checks
    ]
    return checks_of("r", refs, SCHEMA)


@pytest.mark.parametrize(("check", "message"), REFUSED)
def test_wrong_settings_are_refused(check, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        made(check)


def test_two_checks_of_one_name_are_refused():
    unique = {"check": "unique", "columns": "sku"}
    with pytest.raises(
        SettingsError,
        match=r"two checks have the name unique\(sku\); give one of them another name",
    ):
        made(unique, unique)
    assert [check.name for check in made(unique, {**unique, "name": "again"})] == [
        "unique(sku)",
        "again",
    ]


def test_every_check_describes_its_settings_and_has_these():
    for check in CHECKS.values():
        fields = check.Settings.model_fields
        assert {"name", "severity", "over"} < set(fields)
        assert all(field.description for field in fields.values())


class Unreadable(Sink):
    name = "archive"

    def stage(self, frame, split, part):
        return StagedPart(0, None)

    def commit(self, staged_parts, context=None):
        raise AssertionError


def test_a_check_of_the_table_needs_a_sink_that_can_be_read(tmp_path):
    unique = {"check": "unique", "columns": "sku"}
    with pytest.raises(
        SettingsError,
        match='report prices: check unique: none of the sinks can be read; set over = "run", or add a sink',
    ):
        report(tmp_path, Given([]), unique, sinks=[Unreadable()])
    assert report(
        tmp_path, Given([]), {**unique, "over": "run"}, sinks=[Unreadable()]
    ).checks


@pytest.mark.parametrize(
    ("columns", "to", "message"),
    [
        ("id", "nothing", "report centers has no column nothing; there are id, sku"),
        ("id", "sku", "column id is Int64, and sku of report centers is String; keys need the same type"),
        ("price", "price", "column price is Float64, and price of report centers is Float64; keys need the same type, other than a float"),
    ],
)  # fmt: skip
def test_a_foreign_key_needs_columns_that_can_be_compared(
    tmp_path, columns, to, message
):
    (tmp_path / "centers").mkdir()
    others = {"centers": report(tmp_path / "centers", Given([]), sinks=parquet)}
    check = {"check": "foreign_key", "columns": columns, "report": "centers", "to": to}
    with pytest.raises(SettingsError, match=re.escape(message)):
        report(tmp_path, Given([]), check, references=others)


NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)

TYPED = [
    ({"check": "range", "column": "number", "min": 2, "max": 10**12}, "number", [1, 2, None, 2**31 - 1], 1),
    ({"check": "range", "column": "price", "min": 0.1, "max": 1}, "price", [Decimal("0.09"), Decimal("0.10"), Decimal("1.01")], 2),
    ({"check": "range", "column": "rate", "max": 1}, "rate", [1.0, float("nan"), float("inf"), float("-inf")], 2),
    ({"check": "range", "column": "day", "min": "2026-01-01"}, "day", [date(2025, 12, 31), date(2026, 1, 1)], 1),
    ({"check": "range", "column": "at", "max": "2026-01-01T01:00+01:00"}, "at", [datetime(2026, 1, 1, tzinfo=UTC), NOW], 1),
    ({"check": "range", "column": "zoned", "max": "2026-01-01T00:00Z"}, "zoned", [datetime(2026, 1, 1, tzinfo=UTC), NOW], 1),
    ({"check": "range", "column": "local", "max": "2026-01-01T00:00"}, "local", [datetime(2026, 1, 1), datetime(2026, 1, 2)], 1),
    ({"check": "accepted_values", "column": "price", "values": [0.1, 2]}, "price", [Decimal("0.1"), Decimal("2"), Decimal("2.01")], 1),
    ({"check": "accepted_values", "column": "price", "values": [0, 0.01, 1]}, "price", [Decimal("0.01"), Decimal("1"), Decimal("2.01")], 1),
    ({"check": "accepted_values", "column": "flag", "values": [True]}, "flag", [True, False, None], 1),
    ({"check": "accepted_values", "column": "kind", "values": ["a"]}, "kind", ["a", "b", None], 1),
    ({"check": "accepted_values", "column": "day", "values": ["2026-01-01"]}, "day", [date(2026, 1, 1), date(2026, 1, 2)], 1),
    ({"check": "accepted_values", "column": "number", "values": [1.0, 2]}, "number", [1, 2, 3], 1),
]  # fmt: skip


@pytest.mark.parametrize(("check", "column", "values", "failing"), TYPED)
def test_bounds_and_values_are_those_of_the_column(check, column, values, failing):
    (rule,) = made(check)
    frame = pl.LazyFrame({column: values}, schema={column: SCHEMA[column]})
    rows, facts = Rows([frame], StagedFrames()), RunFacts(NOW, "", {})
    verdict = rule.judge(rows.measure(rule.aggregates(facts)), rows, facts)
    assert verdict.measured == {"rows": len(values), "failing": failing}


@pytest.mark.parametrize(
    ("column", "values", "seconds", "ahead"),
    [
        ("day", [date(2026, 1, 9), date(2026, 1, 11)], 86_400.0, 1),
        ("day", [date(2026, 1, 10), None], 0.0, 0),
        ("at", [datetime(2026, 1, 10, 11, tzinfo=UTC), datetime(2026, 1, 10, 12, 15, tzinfo=UTC)], -900.0, 0),
        ("local", [datetime(2026, 1, 10, 11)], 3600.0, 0),
        ("zoned", [datetime(2026, 1, 10, 11, tzinfo=UTC), datetime(2026, 1, 11, tzinfo=UTC)], 3600.0, 1),
        ("local", [], None, 0),
        ("at", [None], None, 0),
    ],
)  # fmt: skip
def test_the_age_of_dates_and_times(column, values, seconds, ahead):
    (rule,) = made({"check": "freshness", "column": column, "max_age": "36h"})
    frame = pl.LazyFrame({column: values}, schema={column: SCHEMA[column]})
    rows, facts = Rows([frame], StagedFrames()), RunFacts(NOW, "", {})
    verdict = rule.judge(rows.measure(rule.aggregates(facts)), rows, facts)
    assert verdict.measured == {
        "rows": len(values),
        "age_seconds": seconds,
        "ahead": ahead,
    }
    assert verdict.passed is (seconds is not None)


def test_a_stream_is_named_in_the_settings_of_its_checks():
    from reporting_framework import PipelineSpec

    none = PluginRef("none")
    check = CheckRef("foreign_key", {"columns": ["sku"], "report": "prices/{stream}"})
    spec = PipelineSpec(none, none, [none], checks=[check]).of_stream("a")
    assert spec.checks[0].settings == {"columns": ["sku"], "report": "prices/a"}
