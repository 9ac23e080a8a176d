"""Base class of transforms."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from reporting_framework.plugin_api.base import Plugin
from reporting_framework.plugin_api.records import WriteMode

if TYPE_CHECKING:
    import polars as pl


class Transform(Plugin):
    """Base class of transforms, which shape frames.

    A transform must keep the column `SOURCE_KEY` unchanged. Rows that it drops are
    counted as filtered. With ``upsert``, the row of an older version of such a record
    stays in the table until a run that reads all records of the source, and infers
    deletes, deletes it.

    Attributes:
        keeps_values: True if each column of a frame stays, with the values of the rows
            that stay: it only drops rows, or adds columns. Observers learn which
            columns of the source reach the sinks through such transforms alone.
    """

    keeps_values: ClassVar[bool] = False

    @property
    def write_modes(self) -> frozenset[WriteMode]:
        """Write modes that fit the settings of the transform.

        A sink with another mode is refused. So a transform that may drop a record whose
        older version it has kept should leave ``upsert`` out.
        """
        return frozenset({"append", "upsert", "replace"})

    @abstractmethod
    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the new frame.

        It must also accept a frame without rows, which gives the schema of the sinks.
        """
