"""The README, as a newcomer would follow it."""

import re
import tomllib

import pytest

from tests.docs.playing import DOCS, Player, blocks

README = (DOCS.parent / "README.md").read_text()
EXAMPLE = "reporting-run event-log-checkpoint --source examples/visit-events --checkpoint out/events.parquet"
MODELS = """from datetime import datetime
from pydantic import BaseModel


class Order(BaseModel):
    number: int
    placed_at: datetime


class Click(BaseModel):
    clicked_at: datetime
"""


@pytest.fixture
def player(tmp_path) -> Player:
    player = Player(tmp_path)
    (player.folder / "examples").symlink_to(DOCS.parent / "examples")
    return player


def indented(first: str) -> str:
    """The indented block that begins so."""
    block = re.search(rf"^    {first}.*\n(?:    .*\n)*", README, re.MULTILINE)
    assert block
    return re.sub(r"^    ", "", block[0], flags=re.MULTILINE)


def test_the_example_prints_what_is_shown_and_the_page_is_made(player):
    player.check(f"{EXAMPLE} --quiet", indented("event-log-checkpoint: ok"))
    player.check(f"{EXAMPLE} --quiet", "…\n  accepted          0\n…\n")
    page = indented("hatch run reporting render").removeprefix("hatch run ").strip()
    player.check(page, "february.html: monthly-visits of 2024-02, … bytes\n")


@pytest.mark.slow
def test_each_report_of_choose_your_source_is_accepted(player):
    shown = [block.text for block in blocks(README) if block.language == "toml"]
    (player.folder / "reporting.toml").write_text("\n".join(shown))
    (player.folder / "my_package").mkdir()
    (player.folder / "my_package" / "models.py").write_text(MODELS)
    player.environment["PYTHONPATH"] += f":{player.folder}"
    player.check(
        "pip install --quiet --no-build-isolation examples/third-party-plugin", ""
    )
    names = tomllib.loads("\n".join(shown))["reports"]
    assert list(names) == ["orders", "clicks", "items", "issues"]
    for name in names:
        player.check(f"reporting iam {name}", "…\n")
