"""The promises of a sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import polars as pl
import pytest

from reporting_framework.testing.contract import PluginContract


class SinkContract(PluginContract):
    """The promises of a `Sink`.

    To give, beside what `PluginContract` says:
        rows: Fixture: a function that makes a frame, `ORIGIN_COLUMN` last, with one row for each of the numbers that it
            is given: the same number, the same row and origin. With `CANARY` in some value.
        visible: Fixture: a function that reads back what any reader now sees, as a frame; in any order, with the columns
            of `rows` or some of them.

    To give if you can:
        expected: Fixture: a function from a frame of `rows` to what `visible` must show once exactly these rows were
            committed, for a sink that shows something else than its rows. The rows themselves unless given.
        files: Fixture: a function that gives the bytes of every visible file by name, where there are files.
        clear: Fixture: a function that empties the place, as it was before the first run.

    To say:
        atomic: Class attribute: False where `rows` lead to several outputs, each of which becomes visible on its own.
        idempotent: Class attribute: False for a sink that counts or keeps the same row again when it comes again, and
            whose documentation says so.
    """

    atomic: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True

    @pytest.fixture
    def rows(self) -> Callable[[Sequence[int]], pl.DataFrame]:
        """Makes frames."""
        self._lacks("rows", "a function from numbers to a frame with a row for each, ORIGIN_COLUMN last")

    @pytest.fixture
    def visible(self) -> Callable[[], pl.DataFrame]:
        """Reads back."""
        self._lacks("visible", "a function that reads back, as a frame, what any reader now sees")

    @pytest.fixture
    def expected(self) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """What must be visible once these rows were committed."""
        return lambda frame: frame

    @pytest.fixture
    def files(self) -> Callable[[], Mapping[str, bytes]] | None:
        """Reads back the bytes."""
        return None

    @pytest.fixture
    def clear(self) -> Callable[[], object] | None:
        """Empties the place."""
        return None
