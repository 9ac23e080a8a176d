"""Filter of a page by study and by center, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting_event_log_checkpoint.monthly.naming import center_name
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages.formatting import plural

MAX_NAMED = 3
"""Most studies or centers that a title names; it counts more of them."""


class Scope(NamedTuple):
    """Studies and centers that a page is about; without any, all of them.

    Attributes:
        studies: Values of `study`.
        centers: Values of `pipeline_adcid`.
    """

    studies: Sequence[str] = ()
    centers: Sequence[int] = ()

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of the studies and centers."""
        if self.studies:
            rows = rows.filter(pl.col("study").is_in(self.studies))
        if self.centers:
            rows = rows.filter(pl.col("pipeline_adcid").is_in(self.centers))
        return rows

    def title(self, figures: Figures) -> str:
        """Return words for a title, such as `` of study adrc at Alder``.

        Args:
            figures: Numbers of the page, which have the names of the centers.
        """
        names = [center_name(figures, number) for number in self.centers]
        studies = ", ".join(self.studies)
        if len(self.studies) > MAX_NAMED:
            studies = plural(len(self.studies), "study", "studies")
        elif studies:
            studies = f"{'study' if len(self.studies) == 1 else 'studies'} {studies}"
        centers = (
            ", ".join(names)
            if len(names) <= MAX_NAMED
            else plural(len(names), "center")
        )
        return (f" of {studies}" if studies else "") + (
            f" at {centers}" if centers else ""
        )

    def facts(self, figures: Figures) -> list[tuple[str, str]]:
        """Return the whole filter, with the numbers of the centers."""
        centers = [
            f"{center_name(figures, number)} (pipeline_adcid {number})"
            for number in self.centers
        ]
        return [
            (name, ", ".join(values))
            for name, values in (
                ("Filter: study", self.studies),
                ("Filter: center", centers),
            )
            if values
        ]
