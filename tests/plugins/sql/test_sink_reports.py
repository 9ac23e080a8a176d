"""Reports that write to a database, as they are written in TOML."""

import json
import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from reporting_framework import SettingsError, run_report
from reporting_framework.cli.main import reporting
from tests.plugins.sql.conftest import Writer

REPORT = """
[reports.prices]
source    = {{ use = "sql-table", url = "sqlite:///shop.db", table = "offers", primary_key = ["id"], cursor = "updated_at", infer_deletes = true }}
validator = {{ use = "frame" }}
sinks = [{{ use = "sql-table", url = "{url}", table = "prices", mode = "upsert", primary_key = ["sku", "day"] }}]
metadata  = "meta/"
"""
LATER = "2024-01-02T00:00:00Z"


@pytest.fixture(params=["sqlite:///out.db", "postgres"])
def url(request):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return request.param


@pytest.fixture
def offers(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(REPORT.format(url=url))
    with closing(Writer("sqlite:///shop.db")) as writer:
        writer.run(
            "CREATE TABLE offers (id INTEGER PRIMARY KEY, sku TEXT, day TEXT,"
            " price DECIMAL(10,2), updated_at TEXT)",
            "INSERT INTO offers VALUES (1, 'a', 'mon', 1.5, '2024-01-01T00:00:00Z'),"
            f" (2, 'b', 'mon', 2.25, '{LATER}'), (3, 'a', 'mon', 3, '{LATER}')",
        )
        yield writer


def prices(url):
    query = "SELECT sku, CAST(price AS text) AS price, _deleted_at IS NULL AS lives"
    with closing(Writer(url)) as writer:
        return sorted(writer.rows(f"{query} FROM prices"))


@pytest.mark.parametrize("url", ["sqlite:///shop.db"])
def test_a_file_of_source_and_sink_needs_a_write_ahead_log(offers, url):
    began = time.monotonic()
    with pytest.raises(
        SettingsError, match=r"run reads the same file, .* execute PRAGMA journal_mode"
    ):
        run_report("prices")
    assert time.monotonic() - began < 15  # a lock would be waited for
    assert offers.rows("PRAGMA journal_mode") == [("delete",)]
    offers.rows("PRAGMA journal_mode = WAL")
    assert run_report("prices").inserted == 2
    assert prices(url) == [("a", "3.00", True), ("b", "2.25", True)]


def test_the_newest_row_of_a_key_is_kept_by_each_run(offers, url):
    counts = run_report("prices")
    assert (counts.inserted, counts.updated) == (2, 0)
    assert prices(url) == [("a", "3.00", True), ("b", "2.25", True)]
    offers.run(
        "UPDATE offers SET price = 9, updated_at = '2024-01-03T00:00:00Z' WHERE id = 2",
        "DELETE FROM offers WHERE id = 3",
    )
    counts = run_report("prices", {"full_scan": True})
    assert (counts.inserted, counts.updated, counts.deleted) == (1, 1, 1)
    assert prices(url) == [("a", "1.50", True), ("b", "9.00", True)]


def test_the_commands_read_the_table(offers, url):
    run_report("prices")
    for words, shown in (
        (["sql", "prices", "SELECT max(price) AS dearest FROM prices"], "3.00"),
        (["state", "prices"], "2 rows"),
        (["trace", "prices", "offers/3"], "loaded by"),
        (["doctor", "prices"], "a table of 8 columns"),
    ):
        result = CliRunner().invoke(reporting, words)
        assert result.exit_code == 0, (words, result.output)
        assert shown in result.output


def test_a_backfill_keeps_the_newer_row_of_a_key(offers, url):
    run_report("prices")
    day = ["--from", "2024-01-01", "--to", "2024-01-01", "--yes", "--format", "json"]
    done = CliRunner().invoke(reporting, ["backfill", "prices", *day])
    result = json.loads(done.stdout)  # row 1 is of the key of row 3, which is newer
    assert (result["records_read"], result["updated"]) == (1, 0)
    assert prices(url) == [("a", "3.00", True), ("b", "2.25", True)]
