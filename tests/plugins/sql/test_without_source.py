"""Commands that read what is stored work while the source database is gone."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from reporting_framework.errors import ReportingError
from reporting_framework.execution.assembly import assemble
from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
from reporting_framework.registry.registry import load_plugins

pytestmark = pytest.mark.slow

CONFIG = """
[reports.orders]
source    = {{ use = "sql-table", url = "{url}", table = "orders" }}
validator = {{ use = "frame", rules = {{ item = {{ not_null = true }} }} }}
sinks     = [{{ use = "parquet-dataset", uri = "out/orders/", mode = "upsert" }}]
metadata  = "meta/"
"""
UNREACHABLE = "postgresql://reporting@127.0.0.1:1/shop"
COMMANDS = [
    (["sql", "orders", "SELECT max(item) AS top FROM orders"], "i2"),
    (["history", "orders"], "2 inserted"),
    (["state", "orders"], "2 rows"),
    (["freshness", "orders", "--max-age", "1d"], "fresh"),
    (["quarantine", "orders"], "missing"),
    (["quarantine", "orders", "show"], "orders/3"),
    (["compact", "orders"], "1 file"),
    (["schema", "orders"], "item"),
    (
        ["schema", "orders", "--format", "athena", "--location", "s3://b/orders/"],
        "`item` string",
    ),
]


def invoke(*words):
    return CliRunner().invoke(reporting, words, prog_name="reporting")


@pytest.fixture
def shop(tmp_path, monkeypatch, writer):
    monkeypatch.chdir(tmp_path)
    Path("reporting.toml").write_text(CONFIG.format(url="sqlite:///shop.db"))
    shop = writer("sqlite:///shop.db")
    shop.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)",
        "INSERT INTO orders VALUES (1, 'i1'), (2, 'i2'), (3, NULL)",
    )
    return shop


def lose(how):
    if how == "removed":
        Path("shop.db").unlink()
    else:
        Path("reporting.toml").write_text(CONFIG.format(url=UNREACHABLE))


@pytest.mark.parametrize("how", ["removed", "unreachable"])
def test_what_is_stored_can_be_read(shop, how):
    assert invoke("run", "orders").exit_code == 0
    lose(how)
    for words, shown in COMMANDS:
        done = invoke(*words)
        assert done.exit_code == 0, (words, done.output)
        assert shown in done.output, words
    assert invoke("run", "orders").exit_code != 0
    assert "the source does not say" in invoke("state", "orders").output


def test_freshness_does_not_ask_the_source_before_the_first_run(shop):
    lose("unreachable")
    for of in ("runs", "data"):
        done = invoke(
            "freshness", "orders", "--max-age", "1d", "--of", of, "--format", "json"
        )
        assert done.exit_code == 7, done.output
        assert json.loads(done.output)["state"] == "never"


def test_before_the_first_run_other_commands_ask_the_source(shop):
    assert "item" in invoke("schema", "orders").output
    assert "nothing yet" in invoke("state", "orders").output


def test_newer_settings_than_the_last_run_ask_the_source(shop):
    assert invoke("run", "orders").exit_code == 0
    shop.run("ALTER TABLE orders ADD COLUMN note TEXT")
    config = Path("reporting.toml").read_text()
    Path("reporting.toml").write_text(
        config.replace("rules = {", "rules = { note = { not_null = true },")
    )
    assert "note" in invoke("schema", "orders").output
    assert invoke("freshness", "orders", "--max-age", "1d").exit_code == 0


def test_the_primary_key_of_the_last_run_opens_the_sinks(shop):
    assert invoke("run", "orders").exit_code == 0
    Path("shop.db").unlink()
    registry = load_plugins()
    spec = PipelineSpec(
        PluginRef("sql-table", {"url": "sqlite:///shop.db", "table": "orders"}),
        PluginRef("frame", {}),
        [PluginRef("parquet-dataset", {"uri": "out/orders/", "mode": "upsert"})],
        metadata="meta/",
    )
    stored = assemble("orders", spec, registry, columns="stored")
    assert list(stored.primary_key or ()) == ["id"]
    assert stored.schema.names()[:2] == ["id", "item"]
    with pytest.raises(ReportingError):
        assemble("orders", spec, registry)
