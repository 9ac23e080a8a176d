"""Work on splits, as an engine divides it between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, cast

from reporting_framework.plugin_api.engine import DividedWork
from reporting_framework.plugin_api.records import Split, SplitResult

Process = Callable[[Split], SplitResult]


def divided(process: Process) -> DividedWork:
    """Return the work of a function, which another process may do as a whole."""
    if hasattr(process, "first_part"):
        return cast(DividedWork, process)
    return _WholeWork(process)


class _WholeWork(DividedWork):
    """Work of a function that cannot be divided."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __call__(self, split: Split) -> SplitResult:
        return self._process(split)

    def first_part(self) -> Callable[[Split], Iterator[SplitResult]]:
        return _Whole(self._process)

    def start(self, split: Split) -> SplitResult:
        return SplitResult(split)

    def add(self, result: SplitResult, number: int, part: Any) -> None:
        for field in fields(result):
            setattr(result, field.name, getattr(part, field.name))


class _Whole:
    """Function that yields the result of a split as its only part."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __call__(self, split: Split) -> Iterator[SplitResult]:
        yield self._process(split)
