"""A checkpoint whose report changes its mind about unknown fields, and its validator."""

import json

import polars as pl
import pytest

from reporting_framework import run_report
from tests.plugins.event_log_checkpoint.strategies import COLUMNS, FORM


@pytest.fixture
def take(tmp_path, monkeypatch):
    """Takes an event more, with a field that nobody knows, and gives the result and what is in the checkpoint."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()

    def run(number, **settings):
        name = f"log-submit-20240105-1000{number:02}-1-form-A1-1.json"
        event = {
            **FORM,
            "timestamp": f"2024-01-05T10:00:{number:02}Z",
            "naccid": f"N{number}",
        }
        (tmp_path / "in" / name).write_text(json.dumps(event))
        result = run_report(
            "event-log-checkpoint",
            {"source": "in", "checkpoint": "out/x.parquet", **settings},
        )
        return result, pl.read_parquet("out/x.parquet")

    return run


def test_unknown_fields_are_kept_ignored_and_kept_again(take):
    """Nothing that was kept is lost; what is ignored is counted."""
    for number, extra in enumerate(["keep", "ignore", "reject", "keep"]):
        result, found = take(number, extra=extra)
        assert result.ignored_fields == ({"naccid": 1} if extra == "ignore" else {})
        assert (result.accepted, result.rejected) == (
            (0, 1) if extra == "reject" else (1, 0)
        )
        assert found.columns == [*COLUMNS, "extra", "source_key"]
    assert found["extra"].to_list() == ['{"naccid":"N0"}', None, '{"naccid":"N3"}']


def test_unknown_fields_are_kept_from_some_day_on(take, caplog):
    take(0)
    assert take(1)[1].columns == [*COLUMNS, "source_key"]
    _, found = take(2, extra="keep")
    assert found["extra"].to_list() == [None, None, '{"naccid":"N2"}']
    assert "out/x.parquet: upgraded: column extra added" in caplog.text
    caplog.clear()
    _, again = take(3, validator="visit-event-v2")
    assert again.columns == found.columns
    assert "upgraded" not in caplog.text


def test_a_run_that_finds_nothing_new_rewrites_nothing(take, tmp_path):
    take(0, extra="keep")
    before = (tmp_path / "out" / "x.parquet").read_bytes()
    for extra in ("ignore", "reject", "keep"):
        run_report(
            "event-log-checkpoint",
            {"source": "in", "checkpoint": "out/x.parquet", "extra": extra},
        )
        assert (tmp_path / "out" / "x.parquet").read_bytes() == before
