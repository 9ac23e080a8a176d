"""The page ``table-overview``: what it says of tables of several sinks."""

import re
from contextlib import closing
from datetime import UTC, date, datetime

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import PageContext, run_report
from reporting_framework.cli.main import reporting
from reporting_framework.plugin_api.result import CheckOutcome, SchemaChange
from reporting_pages.overview.texts import estimate
from reporting_pages.page import TableOverview
from reporting_pages.vega_bundle import library
from tests.plugins.pages.test_profile import HOSTILE
from tests.plugins.sql.conftest import Writer
from tests.support import visits

REPORT = """
[reports.orders]
source    = { use = "sql-table", url = "sqlite:///shop.db", table = "orders", primary_key = ["id"], infer_deletes = true }
validator = { use = "frame", rules = { day = { type = "date" } } }
write_mode = "%s"
sinks     = [%s]
checks    = [{ check = "row_count", min = 100, severity = "warn" }]
metadata  = "meta/"
page      = "table-overview"
"""
UPSERTS = [
    '{ use = "parquet-checkpoint", uri = "out/orders.parquet" }',
    '{ use = "parquet-dataset", uri = "out/orders/" }',
    '{ use = "sql-table", url = "sqlite:///out.db", table = "orders" }',
]
CSV = '{ use = "csv", uri = "out.csv" }'


def words(page):
    """The text of a page, without its scripts and styles."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def render(*arguments, code=0):
    done = CliRunner().invoke(reporting, ["render", "orders", *arguments], prog_name="reporting")  # fmt: skip
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Twelve orders in a database."""
    monkeypatch.chdir(tmp_path)
    with closing(Writer("sqlite:///shop.db")) as writer:
        writer.run(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, day DATE, note TEXT)",
            *(
                f"INSERT INTO orders VALUES ({number}, '{'<paid>' if number % 2 else 'new'}',"
                f" '2024-05-{number + 1:02}', 'note {number}')"
                for number in range(12)
            ),
        )
        yield writer


@pytest.mark.parametrize(("sink", "mode"), [*((sink, "upsert") for sink in UPSERTS), (CSV, "append")])  # fmt: skip
def test_a_report_in_toml_names_the_page_of_its_table(shop, sink, mode, tmp_path):
    (tmp_path / "reporting.toml").write_text(REPORT % (mode, sink))
    run_report("orders")
    if mode == "upsert":
        shop.run("DELETE FROM orders WHERE id = 0")
        run_report("orders", {"full_scan": True})
    done = render("--html", "page.html")
    page = (tmp_path / "page.html").read_text()
    assert re.fullmatch(r"page\.html: table-overview, [\d,]+ bytes\n", done.stdout)
    assert done.stderr == ""
    said = words(page)
    if mode == "upsert":
        assert "The table has 11 rows and 5 columns." in said
        assert "Deleted rows 1 Rows that are marked as deleted" in said
        assert "&lt;paid&gt; 6 54.5%" in said
        assert re.search(r"id Int64 0 0\.0% 11 1 11 ", said)
        assert "6 May 2024 1" in said
    else:
        assert "The table has 12 rows and 5 columns." in said
        assert "Deleted rows" not in said
    assert re.search(r"day (Date|String) 0 0\.0% 1[12] ", said)
    assert "note 3" not in said
    assert "row_count" in said
    assert "Last runs" in said


def test_settings_of_the_page_are_options_and_a_month_is_refused(shop, tmp_path):
    (tmp_path / "reporting.toml").write_text(REPORT % ("upsert", UPSERTS[0]))
    run_report("orders")
    page = render("--html", "-", "--no-values").stdout
    assert "It shows no value of a record." in page
    assert "&lt;paid&gt;" not in page
    assert "2024-05-12" not in page
    done = render("--html", "-", "--month", "2024-01", code=2)
    assert "page table-overview: it is about the whole table; leave out --month" in done.stderr  # fmt: skip
    done = render("--html", "-", "--time-column", "status", code=2)
    assert "time_column status: it is no column of dates or times; there are day" in done.stderr  # fmt: skip


def made(rows, **more):
    given = {
        "report": "shop", "month": date(2024, 1, 1), "rows": rows.lazy(), "quarantine": None, "runs": (),
        "source": "", "table": "", "at": datetime(2024, 6, 1, tzinfo=UTC),
    }  # fmt: skip
    page = TableOverview(TableOverview.Settings()).render(PageContext(**given | more))
    return str(page).replace(library(), "")


def test_names_and_texts_of_any_form_are_text():
    page = made(pl.DataFrame({name: [name] * 5 for name in HOSTILE}))
    assert "<b id=raw>" not in page
    said = words(page)
    assert "&lt;/script&gt;&lt;b id=raw&gt;" in said
    assert "a\\x00\\u202eb" in said
    assert not set(said) & {"\x00", "\u202e"}
    assert "x" * 121 not in page
    assert "(empty)" in said
    assert page.count("data-chart=") == len(HOSTILE)


def test_an_empty_table_without_a_history_has_a_page():
    schema = {"n": pl.Int64, "t": pl.String, "day": pl.Date}
    said = words(made(pl.DataFrame(schema=schema)))
    for part in ("The table has no rows yet, and 3 columns.", "No row has a day in day.", "This report keeps no quarantine.",
                 "No record was rejected.", "this report keeps no history of runs", "Source not known"):  # fmt: skip
        assert part in said, part


def test_a_wide_table_has_at_most_two_dozen_charts_of_texts():
    frame = pl.DataFrame({f"c{number}": ["a"] * 5 for number in range(30)})
    page = made(frame)
    assert page.count("data-chart=") == 24
    assert "The first 24 of 30 columns are shown." in page


def test_rows_before_the_last_years_are_said_to_be_left_out():
    days = [date(1950, 1, 1)] * 3 + [date(2024, 1, 1), None]
    said = words(made(pl.DataFrame({"day": days})))
    assert "Rows by year" in said
    assert "1 row without a day" in said
    assert "3 earlier rows" in said
    assert "between 0 (1995) and 1 (2024) in 30 years" in made(pl.DataFrame({"day": days}))  # fmt: skip


@pytest.mark.parametrize(
    ("number", "shown"), [(None, "–"), (99, "99"), (100, "≈ 100"), (2_879_031, "≈ 2,900,000")]
)  # fmt: skip
def test_estimates_have_two_digits(number, shown):
    assert estimate(number) == shown


def test_a_page_says_that_numbers_are_estimates():
    said = words(made(pl.select(n=pl.int_range(1_000_001))))
    assert "Their numbers are estimates: most are off by less than a tenth." in said
    assert re.search(r"n Int64 0 0\.0% ≈ (9[0-9]0,000|1,[01]00,000) 0 1000000 ", said)
    assert "estimates" not in made(pl.DataFrame({"n": [1]}))


def test_rejections_checks_and_changes_of_the_history_are_listed():
    runs = visits.runs(count=12)
    checks = [CheckOutcome(name="unique(id)", check="unique", over="table", severity="fail", passed=False, problem="2 of 9")]  # fmt: skip
    changes = [SchemaChange(column="<b>", change="retyped", before="Int64", after="String")]  # fmt: skip
    runs[0] = runs[0].model_copy(update={"checks": checks, "schema_changes": changes})
    entries = visits.quarantined(count=40)
    said = words(made(pl.DataFrame({"n": [1]}), runs=runs, quarantine=entries))
    missing = entries.filter(pl.col("error_type") == "missing").height
    by_runs = sum(each.count for run in runs[:10] for each in run.rejections)
    assert f"missing module {missing} {by_runs} " in said
    assert "By the last 10 runs" in said
    assert "filtered -" not in said
    assert "unique(id) table fail failed 2 of 9" in said
    assert "&lt;b&gt; retyped Int64 String" in said
    assert said.count(" ok ") <= 11
