"""The base class of transforms."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl


class Transform(Plugin):
    """Base class of transforms, which shape frames.

    A transform keeps the column `SOURCE_KEY` as it is; the rows it drops are counted as
    filtered.
    """

    @abstractmethod
    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the new frame.

        It must also work on a frame with no rows: the sinks' schema is found that way.
        """
