"""The how-to pages for plugins' authors, as a reader would follow them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.playing import DOCS, Block, Player, blocks

TUTORIAL = (DOCS / "tutorial" / "first-report.md").read_text()
ROLES = [
    "a-source",
    "a-validator",
    "a-transform",
    "a-sink",
    "an-engine",
    "an-observer",
    "a-page",
]


def page(role: str) -> str:
    return (DOCS / "how-to" / f"write-{role}.md").read_text()


def packaging(text: str) -> Block:
    """The tutorial's pyproject.toml, with the names that the page says."""
    distribution, module = re.findall(r"with the names `([\w-]+)` and `(\w+)`", text)[0]
    given = next(
        block
        for block in blocks(TUTORIAL)
        if block.title == "shop-rules/pyproject.toml"
    )
    renamed = given.text.replace("shop-rules", distribution).replace(
        "shop_rules", module
    )
    return Block("toml", f"{distribution}/pyproject.toml", renamed)


def test_a_transform_is_written_installed_and_used_as_the_page_shows(tmp_path):
    text = page("a-transform")
    done = Player(tmp_path).play(
        [packaging(text), *blocks(text.partition("## Test it")[0])]
    )
    assert "reporting-run orders" in done


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_is_written_used_and_tested_as_the_page_shows(tmp_path, role):
    text = page(role)
    done = Player(tmp_path).play([packaging(text), *blocks(text)])
    assert [line for line in done if line.startswith("pip install")]
    assert done[-1].startswith("pytest -q ")
    assert len(done) == text.count("\n$ ")


@pytest.mark.slow
def test_the_example_is_queried_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    assert (
        len(
            player.play(blocks((DOCS / "how-to" / "query-a-checkpoint.md").read_text()))
        )
        == 10
    )


def test_a_table_is_checked_as_the_page_shows(tmp_path):
    done = Player(tmp_path).play(
        blocks((DOCS / "how-to" / "check-a-table.md").read_text())
    )
    assert len(done) == 2


def test_mistakes_are_found_as_the_page_shows(tmp_path):
    done = Player(tmp_path).play(
        blocks((DOCS / "how-to" / "configure-a-report.md").read_text())
    )
    assert done == ["PYTHONPATH=. reporting lint"]


def test_fields_change_as_the_page_shows(tmp_path):
    done = Player(tmp_path).play(
        blocks((DOCS / "how-to" / "schema-evolution.md").read_text())
    )
    assert len(done) == 3


def test_a_message_is_sent_as_the_page_shows(tmp_path):
    assert len(played(tmp_path, "be-notified.md")) == 2


def test_tables_are_joined_as_the_page_shows(tmp_path):
    assert len(played(tmp_path, "join-tables.md")) == 4


@pytest.mark.slow
def test_the_example_is_cared_for_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    text = (DOCS / "how-to" / "operate-a-report.md").read_text()
    assert len(player.play(blocks(text))) == text.count("\n$ ")


@pytest.mark.slow
def test_rows_of_the_example_are_traced_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    assert (
        len(player.play(blocks((DOCS / "how-to" / "trace-a-row.md").read_text()))) == 4
    )


def played(tmp_path, name: str, end: str | None = None) -> list[str]:
    """Play a page, or what comes before a text of it, beside the example's files."""
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    text = (DOCS / "how-to" / name).read_text().partition(end or "\0")[0]
    done = player.play(blocks(text))
    assert len(done) == text.count("\n$ ")
    return done


def test_messages_of_the_first_symptoms_are_what_the_program_prints(tmp_path):
    assert played(tmp_path, "troubleshooting.md", "### A setting is missing")


@pytest.mark.slow
def test_each_message_of_a_symptom_is_what_the_program_prints(tmp_path):
    assert len(played(tmp_path, "troubleshooting.md")) > 20


@pytest.mark.slow
def test_the_example_is_run_as_the_page_shows(tmp_path):
    assert played(tmp_path, "run-a-report.md")[-2] == "python run.py"


@pytest.mark.slow
def test_a_dataset_is_written_read_and_compacted_as_the_page_shows(tmp_path):
    assert len(played(tmp_path, "write-a-dataset.md")) == 10


@pytest.mark.slow
def test_a_report_runs_on_spark_as_the_page_shows(tmp_path):
    pytest.importorskip("pyspark", reason="hatch run spark:test installs pyspark")
    (tmp_path / "examples").symlink_to(DOCS.parent / "examples")
    page = (DOCS / "how-to" / "run-on-spark.md").read_text()
    [command] = re.findall("^reporting-run .*", page, re.MULTILINE)
    subprocess.run(shlex.split(command), check=True, cwd=tmp_path)
    assert (tmp_path / "out" / "e.parquet").exists()


@pytest.mark.slow
def test_a_period_is_backfilled_as_the_page_shows(tmp_path):
    assert len(played(tmp_path, "backfill.md")) == 4


def test_each_page_with_commands_and_their_output_is_played():
    tests = (path.read_text() for path in Path(__file__).parents[1].rglob("*.py"))
    module = "".join(tests)
    shown = {
        path.name
        for path in (DOCS / "how-to").glob("*.md")
        if "```console" in path.read_text()
    }
    written = {f"write-{role}.md" for role in ROLES}
    assert {name for name in shown - written if f'"{name}"' not in module} == set()


SQL_PAGE = (DOCS / "how-to" / "query-with-sql.md").read_text()


@pytest.mark.slow
def test_the_example_is_asked_in_sql_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    assert len(player.play(blocks(SQL_PAGE))) == 7


def test_the_page_shows_the_published_queries_as_they_are():
    shown = {
        block.title: block.text for block in blocks(SQL_PAGE) if block.language == "sql"
    }
    assert shown == {
        path.name: path.read_text()
        for path in (DOCS.parent / "examples" / "sql").iterdir()
    }


@pytest.mark.slow
def test_the_monthly_report_of_the_example_is_made_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    assert (
        len(
            player.play(
                blocks((DOCS / "how-to" / "read-the-monthly-report.md").read_text())
            )
        )
        == 3
    )
    assert "Visits in February 2024" in (player.folder / "february.html").read_text()


@pytest.mark.slow
def test_any_table_is_rendered_as_the_page_shows(tmp_path):
    player = Player(tmp_path)
    text = (DOCS / "how-to" / "render-any-table.md").read_text()
    assert len(player.play(blocks(text))) == 3
    assert "Table of orders" in (player.folder / "orders.html").read_text()


@pytest.mark.slow
def test_the_examples_are_fully_typed(tmp_path):
    shown = [block for text in (TUTORIAL, *map(page, ROLES)) for block in blocks(text)]
    modules = {
        block.title.rpartition("/src/")[2]: block.text
        for block in shown
        if block.title and ("/src/" in block.title or "smallest_" in block.title)
    }
    for name, text in modules.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"Success: no issues found in {len(modules)} source files\n"


@pytest.mark.parametrize("role", ROLES)
def test_a_page_lists_duties_shows_an_example_and_how_to_test_it(role):
    assert re.findall(r"^## (.*)$", page(role), re.MULTILINE) == [
        "Contract",
        "Minimal example",
        "Test it",
    ]


def test_files_are_read_as_the_page_shows(tmp_path):
    text = (DOCS / "how-to" / "read-files.md").read_text()
    done = Player(tmp_path).play(blocks(text.partition("## Declare types")[0]))
    assert done == ["reporting-run prices"]
