"""The promises of every engine."""

from __future__ import annotations

from reporting_framework import Split, SplitResult
from reporting_framework.testing import EngineContract

from {{ cookiecutter.__package }}.engine import OneByOne


class TestOneByOne(EngineContract):
    plugin = OneByOne
    strict = True
    look_ahead = 2


def test_no_split_is_taken_once_it_is_to_stop() -> None:
    done: list[str] = []

    def process(split: Split) -> SplitResult:
        done.append(split.id)
        return SplitResult(split)

    engine = OneByOne()
    splits = [Split(str(number), {}) for number in range(5)]
    split_results = list(engine.map(process, splits, parallelism=4, stop=lambda: len(done) == 2))
    assert [split_result.split.id for split_result in split_results] == done == ["0", "1"]
