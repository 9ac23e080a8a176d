"""Base class of engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import (
        Split,
        SplitResult,
    )


class DividedWork(Protocol):
    """Work on splits whose first part can be done in another process.

    The function `process` of `Engine.map` is of this kind. An engine that works
    elsewhere sends `first_part` there, calls `start` for each split here, and `add` for
    each item that `first_part` yields for it. The other process needs no sink: `add`
    stages the rows. A split may be started again, for example if a process has ended.
    """

    def __call__(self, split: Split) -> SplitResult:
        """Process a split in this process."""

    def first_part(self) -> Callable[[Split], Iterable[Any]] | None:
        """Return the function for the other process, which reads and validates.

        It can be pickled, and so can its results. Where it is unpickled, it builds the
        plugins from their classes and settings; it has a method `close`. `None`: all
        work must be done in this process, as in a dry run.

        Raises:
            PluginError: A plugin cannot be built in another process.
        """

    def start(self, split: Split) -> SplitResult:
        """Return the result of a split of which nothing is known yet."""

    def add(self, result: SplitResult, number: int, part: Any) -> None:
        """Add an item that `first_part` has yielded to the result of the split.

        Args:
            result: Return value of `start`.
            number: Number of the item, from 0; items are added in their order.
            part: The item.
        """


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
                It may also be a `DividedWork`.
            splits: Splits to take one by one, no faster than they can be processed.
                `operator.length_hint` estimates how many there are; 0: not known.
            parallelism: Number of splits to process at once, as the source recommends
                (`Source.parallelism`).
            stop: Function to call before each split is taken; after it has returned
                True, no further split may be taken.
        """
