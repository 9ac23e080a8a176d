"""The numbers that each check measures before the commit are those of the table after it, counted row by row."""

import math
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reporting_framework import DELETED_AT, SOURCE_KEY
from reporting_framework.checks import rows as parts_of_rows
from tests.framework.checks import oracle
from tests.framework.checks.reports import (
    COLUMNS,
    NOW,
    Given,
    execute,
    keyed_sqlite,
    parquet,
    report,
    rows,
    sqlite,
)

MODES = ["append", "upsert", "replace"]
CENTERS = ["A", "B"]

RULES = {
    "unique": ({"columns": ["sku", "price"]}, lambda rows: oracle.unique(rows, ["sku", "price"])),
    "not_null": ({"columns": ["sku", "day"]}, lambda rows: oracle.not_null(rows, ["sku", "day"])),
    "range": ({"column": "price", "min": 0, "max": 2.5}, lambda rows: oracle.in_range(rows, "price", 0, 2.5)),
    "accepted_values": ({"column": "sku", "values": ["A", ""]}, lambda rows: oracle.accepted(rows, "sku", ["A", ""])),
    "foreign_key": ({"columns": "sku", "report": "centers"}, lambda rows: oracle.foreign_key(rows, "sku", set(CENTERS))),
    "row_count": ({"min": 1}, lambda rows: {"rows": len(rows)}),
}  # fmt: skip

record = st.fixed_dictionaries(
    {
        "id": st.integers(0, 5),
        "sku": st.sampled_from(["A", "B", "C", "", None]),
        "price": st.sampled_from([0.0, -0.0, 1.0, 2.5, 2.6, -1.0, math.nan, math.inf, None]),
        "day": st.sampled_from([None, date(2026, 1, 1), NOW.date(), NOW.date() + timedelta(days=2), date(9999, 12, 31)]),
        "at": st.sampled_from([NOW, NOW - timedelta(days=2), NOW + timedelta(days=1)]),
        "version": st.sampled_from(["1", "2", "3"]),
        "gone": st.booleans(),
    }
)  # fmt: skip

runs = st.lists(
    st.tuples(st.lists(st.lists(record, max_size=4), max_size=3), st.booleans()),
    min_size=1,
    max_size=3,
)


def _frame(records: list[dict], *, deletes: bool) -> pl.DataFrame:
    """Return records; unless deletes are wanted, none is one."""
    return rows(*(each if deletes else {**each, "gone": False} for each in records))


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _row(number: int, version: str) -> dict:
    """Return a record; those of 0 and 4 have one source key, see `_key`."""
    return {
        "id": number,
        "sku": "A",
        "price": 0.0,
        "day": None,
        "at": NOW,
        "version": version,
        "gone": False,
    }


def _key(record: dict) -> str:
    """Return a source key, so that several records share an id, or change it."""
    return f"k{(record['id'] * 7 + len(record['sku'] or '')) % 4}"


def _live(folder: Path, sinks, mode: str) -> list[dict]:
    """Return the rows of the table as they are now."""
    sink = sinks(folder)
    sink.open(pl.Schema({**COLUMNS, SOURCE_KEY: pl.String()}), mode, ())
    sink.ledger()
    table = sink.scan()
    found = [] if table is None else table.collect().to_dicts()
    sink.close()
    return [row for row in found if row.get(DELETED_AT) is None]


def _of_run(frames: list[pl.DataFrame], mode: str) -> list[dict]:
    """Return the rows of a run: the first of each source key, or its newest version."""
    taken: dict[str, dict] = {}
    for frame in frames:
        live = frame.filter(~pl.col("gone")).to_dicts()
        for row in [*live, *frame.filter("gone").to_dicts()]:
            known = taken.get(row["key"])
            if mode == "append":
                taken.setdefault(row["key"], row)
            elif known is None or (row["version"], row["gone"]) >= (
                known["version"],
                known["gone"],
            ):
                taken[row["key"]] = row
    return [row for row in taken.values() if not row["gone"]]


@pytest.mark.parametrize(
    ("sinks", "mode"),
    [
        *((sinks, mode) for sinks in (parquet, sqlite) for mode in MODES),
        (keyed_sqlite, "upsert"),
        (keyed_sqlite, "replace"),
    ],
)
@pytest.mark.parametrize("examples", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_numbers_are_those_of_the_table_after_the_commit(mode, sinks, examples):
    @settings(max_examples=examples, deadline=None)
    @given(runs, st.sampled_from([1_000_000, 2]))
    @example([([[_row(0, "3")]], False), ([[_row(4, "1")]], False)], 1_000_000)
    def measured_numbers(given_runs, part):
        with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts_of_rows, "MAX_ROWS", part)
            _compare(Path(name), given_runs)

    def _compare(folder, given_runs):
        (folder / "centers").mkdir()
        known = rows(*({"id": n, "sku": sku} for n, sku in enumerate(CENTERS)))
        execute(report(folder / "centers", Given([known])))
        checks = [
            {
                "check": kind,
                "name": f"{kind} {over}",
                "over": over,
                "severity": "warn",
                **rule,
            }
            for kind, (rule, _) in RULES.items()
            for over in ("run", "table")
        ]
        checks += [
            {
                "check": "freshness",
                "name": f"freshness {column} {over}",
                "column": column,
                "over": over,
                "max_age": "1d",
                "severity": "warn",
            }
            for column in ("day", "at")
            for over in ("run", "table")
        ]
        first: dict[int, dict] = {}
        for splits, snapshot in given_runs:
            if sinks is keyed_sqlite:
                splits = [[each | {"key": _key(each)} for each in s] for s in splits]
            if sinks is not parquet:  # which keeps NaN as null
                splits = [
                    [each | {"price": _number(each["price"])} for each in split]
                    for split in splits
                ]
            if mode == "append":  # a record that is taken once never changes
                splits = [
                    [first.setdefault(each["id"], each) for each in split]
                    for split in splits
                ]
            frames = [_frame(split, deletes=mode == "upsert") for split in splits]
            source = Given(frames, snapshot=snapshot)
            others = {"centers": report(folder / "centers", Given([]))}
            pipeline = report(
                folder, source, *checks, mode=mode, sinks=sinks, references=others
            )
            before = datetime.now().astimezone()
            result = execute(pipeline)
            scopes = {"table": _live(folder, sinks, mode), "run": _of_run(frames, mode)}
            for outcome in result.checks:
                rows_now = scopes[outcome.over]
                if outcome.check == "freshness":
                    expected = oracle.age(rows_now, outcome.columns[0], before)
                    seconds, due = (
                        outcome.measured["age_seconds"],
                        expected["age_seconds"],
                    )
                    assert (seconds is None) == (due is None), outcome
                    assert seconds is None or abs(seconds - due) < 60, outcome
                    assert outcome.measured["ahead"] == expected["ahead"], outcome
                    assert outcome.passed == (seconds is not None and seconds <= 86_400)
                    continue
                expected = RULES[outcome.check][1](rows_now)
                assert outcome.measured == expected, (outcome, mode, frames)
                good = (
                    not expected["failing"]
                    if "failing" in expected
                    else expected["rows"] >= 1
                )
                assert outcome.passed is good, outcome

    measured_numbers()


def test_records_that_share_a_primary_key_are_one_row(tmp_path):
    def measured(*records, snapshot=False):
        check = {"check": "row_count", "over": "table", "max": 0, "severity": "warn"}
        source = Given([rows(*records)], snapshot=snapshot)
        made = report(tmp_path, source, check, mode="upsert", sinks=keyed_sqlite)
        counted = execute(made).checks[0].measured["rows"]
        assert counted == len(_live(tmp_path, keyed_sqlite, "upsert"))
        return counted

    assert measured({"id": 1, "key": "a"}, {"id": 1, "key": "b"}, {"id": 2}) == 2
    assert measured({"id": 3, "key": "b", "version": "2"}, {"id": 1, "key": "a"}) == 3
    assert measured({"id": 2, "gone": True, "version": "2"}) == 2
    assert measured({"id": 3, "key": "b", "version": "2"}, snapshot=True) == 1
