"""The smallest source and the smallest sink, as the how-to pages show them, keep every promise."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from reporting_framework import SOURCE_KEY, Sink, Source
from reporting_framework.registry.class_checks import check_class
from reporting_framework.testing import CANARY, SinkContract, SourceContract
from tests.docs.playing import DOCS, blocks
from tests.support.plugins import event, execute, pipeline


def shown(role: str) -> str:
    page = (DOCS / "how-to" / f"write-a-{role}.md").read_text()
    title = f"smallest_{role}.py"
    return next(block.text for block in blocks(page) if block.title == title)


def module_of(role: str) -> ModuleType:
    module = ModuleType(f"smallest_{role}")
    exec(shown(role), module.__dict__)
    return module


def kept() -> list[dict[str, object]]:
    """The rows that the smallest sink has written."""
    if not Path("orders.db").exists():
        return []
    with closing(sqlite3.connect("orders.db")) as database:
        rows = database.execute("SELECT row FROM orders").fetchall()
    return [json.loads(row) for (row,) in rows]


SMALLEST_SOURCE, SMALLEST_SINK = module_of("source").Orders, module_of("sink").Orders


class TestSmallestSource(SourceContract):
    plugin = SMALLEST_SOURCE

    @pytest.fixture
    def settings(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return {}

    @pytest.fixture
    def records(self, settings):
        Path("orders").mkdir()
        given = {
            f"{number}.json": f'"{CANARY} {number}"'.encode() for number in range(5)
        }
        for name, payload in given.items():
            Path("orders", name).write_bytes(payload)
        return given


class TestSmallestSink(SinkContract):
    plugin = SMALLEST_SINK
    bounded = False

    @pytest.fixture
    def settings(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return {}

    @pytest.fixture
    def rows(self):
        schema = {"number": pl.Int64, "note": pl.String, SOURCE_KEY: pl.String}
        return lambda numbers: pl.DataFrame(
            [(number, CANARY, f"{number}.json") for number in numbers],
            schema,
            orient="row",
        )

    @pytest.fixture
    def visible(self, settings, rows):
        return lambda: pl.DataFrame(kept(), rows([]).schema, orient="row")


@pytest.mark.parametrize(
    ("role", "base", "own"),
    [
        ("source", Source, {"plan", "read"}),
        ("sink", Sink, {"stage", "commit"}),
    ],
)
def test_the_smallest_plugin_has_two_methods_in_less_than_25_lines(role, base, own):
    plugin = module_of(role).Orders
    check_class(plugin, role, f"the {role} orders")
    assert issubclass(plugin, base)
    assert {name for name, value in vars(plugin).items() if callable(value)} == own
    assert len(shown(role).splitlines()) < 25


def test_the_smallest_source_and_the_smallest_sink_make_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("orders").mkdir()
    for number in range(3):
        Path("orders", f"{number}.json").write_bytes(event(number))
    for _ in range(2):
        report = pipeline(SMALLEST_SOURCE(), SMALLEST_SINK())
        assert execute(report).records_read == 3
        keys = sorted(row[SOURCE_KEY] for row in kept())
        assert keys == ["0.json", "1.json", "2.json"]
