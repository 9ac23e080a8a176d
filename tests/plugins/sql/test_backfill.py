"""`reporting backfill` of tables, in SQLite and in PostgreSQL."""

import json
import subprocess
import sys
from contextlib import closing

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from tests.plugins.sql.conftest import Writer

REPORT = """
[reports.orders]
source    = {{ use = "sql-table", url = "{url}", table = "orders", primary_key = ["id"], cursor = "{cursor}", page_rows = 7 }}
validator = {{ use = "frame" }}
sinks     = [{sink}{more}]
"""
SINKS = {
    "append": '{ use = "parquet-dataset", uri = "out" }',
    "upsert": '{ use = "parquet-checkpoint", uri = "out/o.parquet", mode = "upsert" }',
}
ARCHIVE = ', { use = "ndjson-archive", uri = "archive", timestamp = "updated_at" }'
ESTIMATE = """\
orders: backfill of 2024-01-05 to 2024-01-10, estimate
  rows to read    60 (size not known)
  already taken   0
  without a date  not known (not part of a backfill)
  chunks          1, each with one commit
  queries         {queries}, made for this estimate
  time and cost   not known, as they depend on the database
"""
WINDOW = ("--from", "2024-01-05", "--to", "2024-01-10")
PROGRAM = "from reporting_framework.cli.main import reporting; reporting()"
TYPES = {"sqlite": "TEXT", "postgres": "timestamptz"}


def invoke(command, *words, code=0):
    done = CliRunner().invoke(
        reporting, [command, "orders", *words], prog_name="reporting"
    )
    assert done.exit_code == code, done.output
    return done


def as_json(command, *words, code=0):
    return json.loads(invoke(command, *words, "--format", "json", code=code).stdout)


def moment(day, number=0):
    """Return a moment: the first is the day's first, the last is just before its end."""
    clock = "23:59:59.999999" if number == 9 else f"00:00:{number:02}.000000"
    return f"2024-01-{day:02} {clock}+00:00"


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request, tmp_path, monkeypatch):
    """Ten rows on each day of January 1 to 20, ids 10 to 209, and one without a time."""
    monkeypatch.chdir(tmp_path)
    url = request.getfixturevalue(f"{request.param}_url")
    values = [
        f"({10 * day + number}, 'i', {number}, '{moment(day, number)}')"
        for day in range(1, 21)
        for number in range(10)
    ]
    with closing(Writer(url)) as writer:
        writer.run(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, n INTEGER,"
            f" updated_at {TYPES[request.param]})",
            f"INSERT INTO orders VALUES {', '.join(values)}, (1, 'i', 0, NULL)",
        )
        yield writer


@pytest.fixture
def settled(shop, tmp_path):
    """Return a function that writes the settings of the report."""

    def write(mode, cursor="updated_at", more=""):
        text = REPORT.format(url=shop.url, sink=SINKS[mode], cursor=cursor, more=more)
        (tmp_path / "reporting.toml").write_text(text)

    return write


def table():
    """Return the rows of the report's table by id: item and version."""
    rows = pl.read_parquet("out/*.parquet").sort("id")
    assert rows["id"].n_unique() == rows.height
    return {row["id"]: (row["item"], row.get("_version")) for row in rows.to_dicts()}


def state():
    """Return the source state that was committed with the rows."""
    metadata = pl.read_parquet_metadata("out/o.parquet")
    return json.loads(metadata["reporting_framework.state"])


def ids(first, last):
    return set(range(10 * first, 10 * last + 10))


@pytest.mark.parametrize(
    "engine", ["local", pytest.param("processes", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_the_estimate_is_what_is_then_read_and_nothing_else(
    shop, settled, tmp_path, mode, engine
):
    settled(mode)
    planned = invoke("backfill", *WINDOW, "--dry-run")
    assert not (tmp_path / "out").exists()
    queries = 13 if "sqlite" in shop.url else 10  # of texts, a day more on both sides
    assert planned.stdout == ESTIMATE.format(queries=queries)
    estimate = as_json("backfill", *WINDOW, "--dry-run")["estimate"]
    unknown = {name for name, value in estimate.items() if value is None}
    assert unknown == {
        "bytes",
        "without_date",
        "get_requests",
        "seconds",
        "gb_seconds",
        "request_cost",
        "lambda_cost",
    }
    assert (estimate["unit"], estimate["objects"]) == ("rows", 60)
    words = ("--yes", "--chunk-objects", "25", "--engine", engine)
    done = as_json("backfill", *WINDOW, *words)
    assert (done["complete"], done["chunks_done"]) == (True, 3)
    assert (done["records_read"], done["accepted"]) == (60, 60)
    assert table().keys() == ids(5, 10)
    rest = as_json("run")  # no state was committed: everything is read
    assert (rest["records_read"], rest["listing"]) == (201, "full")
    assert table().keys() == ids(1, 20) | {1}


def test_an_increment_looks_where_it_would_have_looked(shop, settled):
    settled("upsert")
    invoke("run", "--quiet")
    before, position = as_json("state")["hints"], state()
    shop.run(
        f"INSERT INTO orders VALUES (900, 'late', 0, '{moment(7)}'),"
        f" (901, 'new', 0, '{moment(21)}')"
    )
    done = as_json("backfill", *WINDOW, "--yes")
    assert (done["inserted"], done["updated"], done["unchanged"]) == (1, 0, 60)
    assert (as_json("state")["hints"], state()) == (before, position)
    after = as_json("run")
    assert (after["listing"], after["inserted"]) == ("window", 1)


def test_with_append_rows_of_the_table_are_left_out(shop, settled):
    settled("append")
    invoke("backfill", *WINDOW, "--yes")
    before = table()
    shop.run(
        f"UPDATE orders SET item = 'x', updated_at = '{moment(8, 5)}' WHERE id = 60"
    )
    later = ("--from", "2024-01-08", "--to", "2024-01-11")
    estimate = as_json("backfill", *later, "--dry-run")["estimate"]
    assert (estimate["objects"], estimate["already_taken"]) == (10, 31)
    done = as_json("backfill", *later, "--yes")
    assert (done["accepted"], done["duplicates"]) == (10, 0)
    assert {key: row for key, row in table().items() if key in before} == before
    again = as_json("backfill", *later, "--yes", "--again")
    assert (again["accepted"], again["duplicates"]) == (0, 41)


def test_with_upsert_only_newer_versions_replace_rows(shop, settled):
    settled("upsert")
    invoke("run", "--quiet")
    before = table()
    shop.run(
        f"UPDATE orders SET item = 'new', updated_at = '{moment(9, 5)}' WHERE id = 60",
        f"UPDATE orders SET item = 'old', updated_at = '{moment(6, 5)}' WHERE id = 85",
        f"UPDATE orders SET item = 'old', updated_at = '{moment(6, 5)}' WHERE id = 195",
        "UPDATE orders SET item = 'changed' WHERE id = 71",  # not its cursor
        f"UPDATE orders SET item = 'out', updated_at = '{moment(1, 5)}' WHERE id = 62",
    )
    done = as_json("backfill", *WINDOW, "--yes", "--chunk-objects", "20")
    assert done["estimate"]["objects"] == done["records_read"] == 60
    assert (done["inserted"], done["updated"], done["unchanged"]) == (0, 2, 56)
    assert done["duplicates"] == 2  # older than the rows of the report's table
    version = moment(9, 5).replace(" ", "T").replace("+00:00", "Z")
    same = ("changed", before[71][1])
    assert table() == {**before, 60: ("new", version), 71: same}
    again = as_json("backfill", *WINDOW, "--yes")
    assert (again["updated"], again["unchanged"], again["duplicates"]) == (0, 58, 2)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_killed_backfill_goes_on_without_losing_or_doubling_anything(
    settled, tmp_path, mode
):
    settled(mode)
    words = ["backfill", "orders", *WINDOW, "--yes", "--chunk-objects", "2"]
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert started.stderr is not None
        line = next(line for line in started.stderr if line.startswith("chunk 3 of 30"))
    finally:
        started.kill()
        started.communicate()
    assert "2 rows, 2 accepted, 0 rejected" in line
    committed = table()
    done = as_json("backfill", *WINDOW, "--yes", "--chunk-objects", "25")
    left = 60 if mode == "upsert" else 60 - len(committed)
    assert (done["complete"], done["estimate"]["objects"]) == (True, left)
    if mode == "upsert":
        assert (done["inserted"], done["unchanged"]) == (
            60 - len(committed),
            len(committed),
        )
    assert table().keys() == ids(5, 10)
    assert {key: row for key, row in table().items() if key in committed} == committed


def test_with_upsert_a_stop_says_from_which_day_to_go_on(settled):
    settled("upsert")
    words = ("--chunk-objects", "20", "--yes", "--time-budget", "0.001")
    done = as_json("backfill", *WINDOW, *words, code=5)
    assert (done["chunks_done"], done["continue_from"]) == (1, "2024-01-06")
    rest = ("--from", "2024-01-06", "--to", "2024-01-10", *words)
    stopped = invoke("backfill", *rest, code=5).stderr
    assert "run the command again, with --from 2024-01-07 for the rest" in stopped
    done = as_json("backfill", "--from", "2024-01-07", "--to", "2024-01-10", "--yes")
    assert (done["complete"], done["continue_from"]) == (True, None)
    assert table().keys() == ids(5, 10)


def test_a_row_that_is_gone_before_it_is_read_is_unread(shop, settled, monkeypatch):
    from reporting_framework.cli import backfill_runs

    def deleting(*arguments, **more):
        shop.run("DELETE FROM orders WHERE id = 77")
        return run(*arguments, **more)

    settled("append")
    run = backfill_runs.run
    monkeypatch.setattr(backfill_runs, "run", deleting)
    done = invoke("backfill", *WINDOW, "--yes", code=4)
    assert "rows that could not be read: 1; run the command again" in done.stderr
    assert "  rows unread  1\n" in done.stdout
    assert table().keys() == ids(5, 10) - {77}


@pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
def test_a_rejected_row_is_read_again_after_a_change(shop, settled):
    settled("append")
    shop.run("UPDATE orders SET n = 'no number' WHERE id = 66")
    done = as_json("backfill", *WINDOW, "--yes")
    assert (done["accepted"], done["rejected"]) == (59, 1)
    estimate = as_json("backfill", *WINDOW, "--yes")["estimate"]
    assert (estimate["objects"], estimate["already_taken"]) == (0, 60)
    shop.run(f"UPDATE orders SET n = 6, updated_at = '{moment(6, 8)}' WHERE id = 66")
    assert as_json("backfill", *WINDOW, "--yes")["accepted"] == 1
    assert table().keys() == ids(5, 10)
    assert as_json("quarantine") == []


@pytest.mark.parametrize(
    ("cursor", "message"),
    [
        ("n", "table orders: cursor n is Int"),
        ("", "table orders: it has no cursor; a period needs a cursor"),
    ],
)
def test_a_report_that_cannot_be_done_in_parts_is_refused(
    settled, tmp_path, cursor, message
):
    settled("upsert", cursor)
    if not cursor:
        text = (tmp_path / "reporting.toml").read_text()
        (tmp_path / "reporting.toml").write_text(text.replace(' cursor = "",', ""))
    assert message in invoke("backfill", *WINDOW, "--yes", code=2).stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
def test_a_sink_that_would_get_rows_twice_is_refused(settled, tmp_path):
    settled("upsert", more=ARCHIVE)
    done = invoke("backfill", *WINDOW, "--yes", code=2)
    assert "rows twice; with upsert beside it, write it in a report of" in done.stderr
    assert not (tmp_path / "out").exists()


def test_each_table_of_a_report_has_backfills_of_its_own(shop, settled, tmp_path):
    settled("upsert")
    text = (tmp_path / "reporting.toml").read_text()
    text = text.replace('table = "orders"', 'tables = ["orders"]')
    text = text.replace("out/o.parquet", "out/{stream}.parquet")
    (tmp_path / "reporting.toml").write_text(text)
    words = ["backfill", "orders/orders", *WINDOW, "--yes", "--format", "json"]
    done = CliRunner().invoke(reporting, words)
    assert json.loads(done.stdout)["inserted"] == 60, done.output
    assert table().keys() == ids(5, 10)
    refused = invoke("backfill", *WINDOW, "--yes", code=2)
    assert "orders/orders" in refused.stderr


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
@pytest.mark.parametrize("cursor", ["updated_at", "local", "day", "text"])
def test_days_are_in_utc_for_each_type_of_postgresql(shop, settled, cursor):
    shop.run(
        "ALTER ROLE CURRENT_USER SET timezone = 'Asia/Tokyo'",
        "ALTER TABLE orders ADD local timestamp, ADD day date, ADD text text",
        "UPDATE orders SET local = updated_at AT TIME ZONE 'UTC',"
        " day = (updated_at AT TIME ZONE 'UTC')::date,"
        " text = to_char(updated_at AT TIME ZONE 'Pacific/Auckland',"
        """ 'YYYY-MM-DD"T"HH24:MI:SS.US"+13:00"')""",
    )
    try:
        settled("upsert", cursor)
        assert as_json("backfill", *WINDOW, "--yes")["inserted"] == 60
        assert table().keys() == ids(5, 10)
    finally:
        shop.run("ALTER ROLE CURRENT_USER RESET timezone")
