"""Property tests try enough examples to be worth the name."""

import re
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[2]
LEAST = 100
FILES = [
    path
    for folder in ("tests", "framework/src", "plugins", "examples", "templates")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "max_examples" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_property_is_tried_on_fewer_than_a_hundred_examples(path: Path) -> None:
    found = [
        int(number)
        for number in re.findall(
            r"max_examples=(\d+)", path.read_text(encoding="utf-8")
        )
    ]
    assert [number for number in found if number < LEAST] == []


def test_a_property_that_says_nothing_is_tried_on_a_hundred_examples() -> None:
    assert hypothesis.settings().max_examples >= LEAST
