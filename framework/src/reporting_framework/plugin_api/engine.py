"""Base class of engines."""

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
    """Base class of engines, which process splits on this machine or on others."""

    @abstractmethod
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        """Yield the results of `process` in any order, as soon as each is available.

        Args:
            process: Function that reads, validates, transforms and stages one split.
            splits: Splits to take one by one, no faster than they can be processed.
            parallelism: Number of splits to process at once, as the source recommends
                (`Source.parallelism`).
            stop: Function to call before each split is taken; after it has returned
                True, no further split may be taken.
        """
