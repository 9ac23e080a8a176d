"""Section on rejected records, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework import FILTERED
from reporting_pages.documents import Section, section
from reporting_pages.formatting import count
from reporting_pages.markup import element
from reporting_pages.overview.texts import visible
from reporting_pages.runs import RUNS
from reporting_pages.tables import table

if TYPE_CHECKING:
    from reporting_framework import PageContext
    from reporting_framework.plugin_api.result import RunRecord

_Reason = tuple[str, str | None]


def rejections_section(material: PageContext) -> Section:
    """Return the section on the quarantine, and on rejections by the last runs."""
    runs = material.runs[:RUNS]
    kept, seen = in_quarantine(material.quarantine), by_runs(runs)
    reasons = sorted({*kept, *seen}, key=lambda key: (-kept[key], -seen[key], str(key)))
    heads = ["Reason", "Field"]
    heads += ["In quarantine"] * (material.quarantine is not None)
    last = "run" if len(runs) == 1 else f"{len(runs)} runs"
    heads += [f"By the last {last}"] * bool(runs)
    body = [
        [
            visible(kind),
            visible(field) if field else "(whole record)",
            *[count(kept[kind, field])] * (material.quarantine is not None),
            *[count(seen[kind, field])] * bool(runs),
        ]
        for kind, field in reasons
    ]
    says = (
        "Rejected records stay in quarantine until their object changes, or until they"
        " are replayed or discarded. It has source key and reason, never values."
        if material.quarantine is not None
        else "This report keeps no quarantine."
    )
    shown = table(
        heads,
        body,
        caption="Rejected records by reason",
        numbers=range(2, len(heads)),
        empty="No record was rejected.",
    )
    card = element("div", element("h3", "By reason"), shown, class_="card wide scroll")
    return section("rejected", "Rejected records", card, says=says)


def in_quarantine(entries: pl.DataFrame | None) -> Counter[_Reason]:
    """Count the rejected records in quarantine by reason, without filtered records."""
    if entries is None:
        return Counter()
    rejected = entries.filter(pl.col("error_type").ne_missing(FILTERED))
    counts = rejected.group_by("error_type", "field").len()
    return Counter(
        {(str(kind), field): number for kind, field, number in counts.iter_rows()}
    )


def by_runs(runs: Sequence[RunRecord]) -> Counter[_Reason]:
    """Sum the rejections of runs by reason."""
    sums: Counter[_Reason] = Counter()
    for run in runs:
        for rejection in run.rejections:
            sums[rejection.type, rejection.field] += rejection.count
    return sums
