"""The settings that the READMEs of packages show, as a reader would use them."""

import re
import subprocess
from datetime import UTC, datetime
from textwrap import dedent

import polars as pl
import pytest

from reporting_framework import run_report
from reporting_framework.storage import open_store
from tests.docs.playing import DOCS, blocks

PLUGINS = DOCS.parent / "plugins"
INDENTED = re.compile(r"^(?: {4,}.*\n|\n(?= {4}))+", re.MULTILINE)
MODULES = {
    "my_package/models.py": "from datetime import datetime\nfrom pydantic import BaseModel\nclass Visit(BaseModel):\n    timestamp: datetime\n",
    "shop/__init__.py": """from datetime import datetime
from pydantic import BaseModel

class Price(BaseModel):
    year: int

class Exposure(BaseModel):
    event_id: str
    user_id: str
    experiment_id: str
    event_type: str
    timestamp: datetime
""",
    "shop/schemas/__init__.py": "import dataframely as dy\nclass Order(dy.Schema):\n    placed_at = dy.Datetime(time_zone='UTC')\n",
    "shop/schemas/order.json": """{"type": "object", "properties": {
        "placed_at": {"type": "string", "format": "date-time"}}, "required": ["placed_at"]}""",
}


def shown(readme):
    """Return the blocks of settings that a README shows."""
    text = readme.read_text()
    indented = [dedent(block).strip("\n") for block in INDENTED.findall(text)]
    return [
        *(block.text for block in blocks(text) if block.language == "toml"),
        *(block for block in indented if re.match(r"(#.*\n)?\[", block)),
    ]


SETTINGS = {
    readme.parent.name: found
    for readme in sorted(PLUGINS.glob("*/README.md"))
    if (found := shown(readme))
}


def test_the_settings_of_readmes_are_found():
    assert SETTINGS.keys() >= {"aws", "dataframely", "datasets", "files", "notify"}


@pytest.mark.parametrize("plugin", SETTINGS)
def test_the_settings_have_no_errors(tmp_path, monkeypatch, plugin):
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SLACK_URL", "slack://a/b/c")
    for text in SETTINGS[plugin]:
        (tmp_path / "reporting.toml").write_text(text)
        done = subprocess.run(
            ["reporting", "lint"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_files_reads_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [text] = SETTINGS["files"]
    (tmp_path / "reporting.toml").write_text(text.replace("s3://", ""))
    open_store("shop/prices").put(
        "may.csv", b"price,day\n1.50,2024-05-01\n", if_version=None
    )
    assert run_report("prices").accepted == 1
    days = pl.read_parquet("tables/prices.parquet")["day"].to_list()
    assert days == [datetime(2024, 5, 1, tzinfo=UTC)]
