"""The engine: splits one after the other. Replace it with yours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from reporting_framework import Engine, Split, SplitResult
from typing_extensions import override


class OneByOne(Engine):
    """Runs splits one after the other in the caller's own thread, and takes none before it can be worked on."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"

    @override
    def map(
        self,
        process: Callable[[Split], SplitResult],
        splits: Iterable[Split],
        *,
        parallelism: int,
        stop: Callable[[], bool],
    ) -> Iterator[SplitResult]:
        waiting = iter(splits)
        while not stop():
            try:
                split = next(waiting)
            except StopIteration:
                return
            yield process(split)
