"""The promises of a transform."""

from __future__ import annotations

import polars as pl
import pytest

from reporting_framework.testing.contract import PluginContract


class TransformContract(PluginContract):
    """The promises of a `Transform`.

    To give, beside what `PluginContract` says:
        frame: Fixture: a frame that it takes, of at least three rows, `ORIGIN_COLUMN` last, with `CANARY` in some value.

    To give if you can:
        expected: Fixture: what it must make of that frame.
    """

    @pytest.fixture
    def frame(self) -> pl.DataFrame:
        """A frame that it takes."""
        self._lacks("frame", "a frame that the transform takes, of at least three rows, ORIGIN_COLUMN last")

    @pytest.fixture
    def expected(self) -> pl.DataFrame | None:
        """What it must make of it."""
        return None
