"""A table copied by upsert into another database, with nothing but the third-party example."""

import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner
from tests.examples.test_third_party import EXAMPLE
from tests.framework.distributions import Site

from reporting_framework.cli.main import reporting, reporting_run

REPORT = "orders-table"
ROWS = 1_000


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The example is on the path of this process until the test ends, and nothing of REPORTING_* is set."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("REPORTING_")]:
        monkeypatch.delenv(name)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("acme_reporting"):
            del sys.modules[name]


@pytest.fixture
def shop(tmp_path, installed):
    """The example's folder, with a table of orders, one a minute; and a way to change it."""
    Site(tmp_path).metadata(
        "acme-reporting", "[reporting_framework]\ntable = acme_reporting.plugin\n"
    )
    shutil.copy(EXAMPLE / "reporting.toml", tmp_path)

    def change(statement, *values):
        with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
            database.executemany(statement, values or [()])

    columns = (
        "id INTEGER PRIMARY KEY, item TEXT, price REAL, placed_at TEXT, updated_at TEXT"
    )
    change(f"CREATE TABLE orders ({columns})")
    change(
        "INSERT INTO orders VALUES (?, 'cup', ?, '2024-01-01T10:00:00Z', ?)",
        *((number, number / 2, at(number)) for number in range(ROWS)),
    )
    tmp_path.joinpath("out").mkdir()
    return tmp_path, change


def at(minute):
    return (
        f"2024-02-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
    )


def output_of(command, *arguments):
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def run(*options):
    return json.loads(output_of(reporting_run, REPORT, "--format", "json", *options))


def rows(path, condition):
    query = f"SELECT id, item, price FROM orders WHERE {condition} ORDER BY id"
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def check_equal(folder, valid="price >= 0"):
    copied = rows(folder / "out" / "orders.db", "_deleted_at IS NULL")
    assert copied == rows(folder / "shop.db", valid)


def test_a_reset_of_the_quarantine_names_the_run_that_reads_rejected_rows(
    shop, monkeypatch
):
    monkeypatch.delenv("HATCH_ENV_ACTIVE", raising=False)
    _, change = shop
    change("UPDATE orders SET price = -1 WHERE id = 3")
    assert run()["rejected"] == 1
    words = ["state", REPORT, "reset", "--only", "quarantine", "--yes"]
    effect = output_of(reporting, *words).splitlines()[-1]
    assert run()["rejected"] == 0
    command = effect.partition("a full scan does: reporting run orders-table ")[2]
    assert run(*command.split())["rejected"] == 1


def test_the_copy_equals_the_table_after_updates_a_delete_a_late_row_and_a_tie(shop):
    folder, change = shop
    first = run()
    assert (first["accepted"], first["inserted"]) == (ROWS, ROWS)
    check_equal(folder)

    change(
        "UPDATE orders SET item = 'jug', updated_at = ? WHERE id = ?",
        (at(ROWS), 3),
        (at(ROWS + 1), 700),
    )
    second = run()
    assert (second["updated"], second["inserted"]) == (2, 0)
    assert second["records_read"] < 100, "the look-back, and no more"
    assert second["listing"] == "window"
    check_equal(folder)

    late, tie = at(ROWS - 20), at(ROWS + 1)
    insert = "INSERT INTO orders VALUES (?, 'lid', 1, '2024-01-01T10:00:00Z', ?)"
    change(insert, (5_000, late), (5_001, tie))
    third = run()
    assert (third["inserted"], third["updated"]) == (2, 0)
    check_equal(folder)

    change("DELETE FROM orders WHERE id = 42")
    assert run()["deleted"] == 0, "an increment cannot know"
    fourth = run("--set", "source.full_scan=true")
    assert (fourth["deleted"], fourth["unchanged"]) == (1, ROWS + 1)
    output = fourth["outputs"][0]
    assert (output["rows"], output["deleted_rows"]) == (ROWS + 1, 1)
    check_equal(folder)

    last = run()
    assert (last["inserted"], last["updated"], last["deleted"]) == (0, 0, 0)
    assert last["records_read"] < 100

    traced = json.loads(
        output_of(reporting, "trace", REPORT, "orders/3", "--format", "json")
    )
    assert traced["rows"][0]["version"].startswith(at(ROWS)[:16])
    versions = json.dumps(traced)
    assert at(3)[:16] in versions
    assert at(ROWS)[:16] in versions


def test_what_a_report_keeps_is_beside_its_only_sink_a_database(shop):
    folder, change = shop
    change("UPDATE orders SET price = -1 WHERE id = 7")
    result = run()
    assert (result["accepted"], result["rejected"]) == (ROWS - 1, 1)
    assert result["quarantine"]["rows"] == 1
    listed = output_of(reporting, "quarantine", REPORT, "list")
    assert "greater_than_equal" in listed

    change("UPDATE orders SET price = 1 WHERE id = 7")
    output_of(reporting, "quarantine", REPORT, "replay")
    check_equal(folder)
    history = output_of(reporting, "history", REPORT)
    assert history.count("ok") >= 2
    head, replay, first = history.splitlines()
    assert head.endswith("changes")
    assert replay.endswith("1 inserted")
    assert first.endswith(f"{ROWS - 1:,} inserted")
    fresh = output_of(reporting, "freshness", REPORT, "--max-age", "1h")
    assert ": fresh: " in fresh
    assert "quarantine" in output_of(reporting, "state", REPORT, "show")


def test_a_table_that_is_dropped_by_hand_is_made_again(shop):
    folder, _ = shop
    run()
    with closing(sqlite3.connect(folder / "out" / "orders.db")) as database:
        database.execute("DROP TABLE orders")
    assert run()["inserted"] == ROWS
    check_equal(folder)


def test_a_reset_copies_the_table_and_removes_it_with_its_state(shop):
    folder, _ = shop
    run()
    reset = output_of(reporting, "state", REPORT, "reset", "--yes")
    with closing(sqlite3.connect(folder / "out" / "orders.db")) as database:
        found = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        tables = {name for (name,) in found} - {"_reporting_state"}
        (copy,) = tables
        count = database.execute(f"SELECT count(*) FROM {copy}").fetchone()
        state = database.execute("SELECT state FROM _reporting_state").fetchall()
    assert (count, state) == ((ROWS,), [(None,)])
    assert copy in reset
    assert run()["inserted"] == ROWS
    check_equal(folder)

    restore = next(line for line in reset.splitlines() if "INSERT INTO" in line)
    with closing(sqlite3.connect(folder / "out" / "orders.db")) as database:
        database.executescript(f"DELETE FROM {copy} WHERE id > 9; {restore}")
        assert database.execute("SELECT count(*) FROM orders").fetchone() == (10,)
    assert run()["inserted"] == ROWS - 10, "everything is read"
    check_equal(folder)


def test_several_tables_are_copied_each_with_its_own_columns_and_state(shop):
    folder, change = shop
    change(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, city TEXT, updated_at TEXT)"
    )
    change("INSERT INTO customers VALUES (?, 'Ulm', ?)", (1, at(1)), (2, at(2)))
    report = (
        "[reports.shop]\n"
        'source = { use = "sqlite-table", path = "shop.db", tables = ["orders", "customers"], cursor = "updated_at" }\n'
        'validator = { use = "frame" }\n'
        'sinks = [{ use = "sqlite-table", path = "out/shop.db", table = "{stream}" }]\n'
        'write_mode = "upsert"\n'
    )
    folder.joinpath("reporting.toml").write_text(report)

    def copied():
        document = output_of(reporting_run, "shop", "--format", "json")
        streams = json.loads(document)["streams"].items()
        return {name: (each["inserted"], each["updated"]) for name, each in streams}

    assert copied() == {"orders": (ROWS, 0), "customers": (2, 0)}
    change("UPDATE customers SET city = 'Bonn', updated_at = ? WHERE id = 2", (at(9),))
    assert copied() == {"orders": (0, 0), "customers": (0, 1)}
    with closing(sqlite3.connect(folder / "out" / "shop.db")) as database:
        cities = database.execute("SELECT id, city FROM customers ORDER BY id")
        assert cities.fetchall() == [(1, "Ulm"), (2, "Bonn")]
