"""The engine: splits one after the other. Make of it what yours is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from reporting_framework import Split, SplitResult
from reporting_framework.plugin_api.settings import Settings


class OneByOneSettings(Settings):
    """Settings of the engine: it has none yet."""


class OneByOne:
    """Runs splits one after the other in the caller's own thread, and takes none before it can be worked on."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[OneByOneSettings]] = OneByOneSettings

    def __init__(self, settings: OneByOneSettings) -> None:
        self.settings = settings

    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        """See `Engine.map`."""
        waiting = iter(splits)
        while not stop():
            try:
                split = next(waiting)
            except StopIteration:
                return
            yield process(split)
