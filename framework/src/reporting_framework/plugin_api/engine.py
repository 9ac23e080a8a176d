"""The base class of engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import (
        Split,
        SplitResult,
    )


class Engine(Plugin):
    """Base class of engines, which run the work on splits, here or elsewhere."""

    @abstractmethod
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        """Yield the results of `process` in any order, as they come.

        Args:
            process: Reads, validates, transforms and stages one split.
            splits: Taken one by one, no faster than they can be worked on.
            parallelism: How many splits the source says are worth having under way at
                once.
            stop: Asked before each split is taken; once it says True no more are taken.
        """
