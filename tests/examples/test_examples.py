"""The examples that run as a program of their own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import postgresql

EXAMPLES = Path(__file__).parents[2] / "examples"


def output(tmp_path: Path, name: str) -> str:
    """Run a copy of an example, and return what it prints."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("out"))
    done = subprocess.run(
        [sys.executable, str(folder / "run.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def lines(text: str, begin: str) -> list[list[str]]:
    """Return the words of all lines that begin so."""
    return [line.split() for line in text.splitlines() if line.startswith(begin)]


def test_a_sheet_becomes_a_table(tmp_path):
    text = output(tmp_path, "stock")
    assert lines(text, "BRD0001") == [
        ["BRD0001", "bread", "2026-01-05", "40"],
        ["BRD0001", "bread", "2026-01-12", "35"],
    ]
    assert len(lines(text, "CHS0001")) == 1, "it is not in the second sheet"
    assert len(lines(text, "HNY0001")) == 1
    assert "1 x string_pattern_mismatch in sku" in text
    assert "<title>" in (tmp_path / "stock" / "out" / "stock.html").read_text()


def test_records_are_checked_by_rules_of_other_programs(tmp_path):
    text = output(tmp_path, "deliveries")
    for reason in (
        "enum in status",
        "pattern in parcel",
        "required in signed_by",
        "no_more_than_loaded",
        "regex in van",
    ):
        assert text.count(f"1 x {reason}\n") == 1, reason
    scan = ["P000001", "1", "2026-01-05", "09:40:00Z", "delivered", "Ada"]
    assert lines(text, "P000001")[1] == scan
    assert lines(text, "2     2026")[0] == ["2", "2026-01-05", "AB-102", "14", "13"]


def test_resources_of_an_api_become_tables(tmp_path):
    text = output(tmp_path, "issues")
    assert "360 (360 inserted, 0 updated, 0 unchanged)" in text
    assert "stream comments  ok: 180 read, 180 accepted" in text
    assert "(0 inserted, 2 updated," not in text.partition("$ reporting-run")[0]
    assert "2 updated" in text
    assert lines(text, "closed") == [["closed", "2"]]
    assert lines(text, "open") == [["open", "178"]]


@pytest.mark.skipif(postgresql.programs() is None, reason="PostgreSQL is not installed")
def test_orders_are_joined_with_price_lists(tmp_path):
    text = output(tmp_path, "shop")
    assert "240 (240 inserted, 0 updated, 0 unchanged)" in text
    assert "242 (3 inserted, 0 updated, 239 unchanged); 1 deleted" in text
    assert lines(text, "2024  MLK0001") == [
        ["2024", "MLK0001", "54", "135", "160.65"],
        ["2024", "MLK0001", "55", "142", "168.98"],
    ]
    assert text.count("check foreign_key(sku)      passed") == 2
    assert "<title>" in (tmp_path / "shop" / "out" / "orders.html").read_text()


@pytest.mark.slow
def test_a_tap_is_installed_and_read_twice(tmp_path):
    text = output(tmp_path, "tap")
    assert "2 (2 inserted, 0 updated, 0 unchanged)" in text
    assert "3 (1 inserted, 2 updated, 0 unchanged)" in text
    assert "1 x greater_than_equal in pieces" in text
    assert [line[2] for line in lines(text, "2   MLK0001")] == ["6", "4"]


def test_visits_of_a_study_follow_its_changes(tmp_path):
    text = output(tmp_path, "redcap")
    assert "36 (36 inserted, 0 updated, 0 unchanged); 0 deleted" in text
    assert "7 (1 inserted, 6 updated, 0 unchanged); 0 deleted" in text
    # Rows of the same second have the same version, so a fast machine finds them unchanged.
    [counts] = re.findall(
        r"34 \(0 inserted, (\d+) updated, (\d+) unchanged\); 3 deleted", text
    )
    assert sum(map(int, counts)) == 34
    assert lines(text, "NC0003") == [["NC0003", "2", "27"], ["NC0003", "3", "26"]]
    assert len(lines(text, "NC0008")) == 1, "the person is gone"
    assert (tmp_path / "redcap/out/dev/scores/41.parquet").is_file()
