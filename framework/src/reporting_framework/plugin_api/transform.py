"""The interface of a transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reporting_framework.plugin_api.base import Plugin

if TYPE_CHECKING:
    import polars as pl


class Transform(Plugin, Protocol):
    """What shapes frames.

    It keeps the column `SOURCE_KEY` as it is; the rows it drops are counted as
    filtered.
    """

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The new frame.

        Must also work on a frame with no rows: the sinks' schema is found that way.
        """
        ...
