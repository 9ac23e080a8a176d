"""Section on submitted visits."""

from __future__ import annotations

from reporting_event_log_checkpoint.monthly.counts import course, ranked
from reporting_event_log_checkpoint.monthly.naming import (
    DRAWN,
    by_module,
    center_name,
    labels,
    left_out,
    order,
    summed,
)
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Markup, Section, figure, grid, section, table
from reporting_pages.formatting import count, month_name, plural

HEADS = 14
"""Most modules in the grid."""

_VISIT = (
    "A visit is identified by study, center (pipeline_adcid), project, participant,"
    " visit date, visit number, datatype and module."
)


def volumes(figures: Figures) -> Section:
    """Return the submitted visits by month, by center and by module."""
    name, centers, modules = (
        month_name(figures.month),
        summed(figures.submitted, 0),
        by_module(figures, figures.submitted),
    )
    centers_before, modules_before = (
        summed(figures.before, 0),
        by_module(figures, figures.before),
    )
    content = [
        course(
            figures,
            "Visits submitted by month",
            "submitted",
            "visit",
            "Visits with a submit in each month; a visit with submits in two months"
            " counts in both.",
        ),
        ranked(
            figures,
            "Visits submitted by center",
            "Center",
            {
                center_name(figures, center): number
                for center, number in centers.items()
            },
            {
                center_name(figures, center): number
                for center, number in centers_before.items()
            },
            f"Visits with a submit in {name}.",
            f"No visit was submitted in {name}.",
        ),
        ranked(
            figures,
            "Visits submitted by module",
            "Module",
            modules,
            modules_before,
            f"Visits with a submit in {name}, by module, or by datatype if there is no"
            " module.",
            f"No visit was submitted in {name}.",
        ),
        _grid(figures),
    ]
    return section("volumes", "Volumes", content, says=_VISIT)


def _grid(figures: Figures) -> Markup:
    """Return the grid of centers and modules."""
    name, title = month_name(figures.month), "Visits submitted by center and module"
    caption = (
        f"Visits with a submit in {name}. A stronger color means more visits; an empty"
        " cell means none."
    )
    if not figures.submitted:
        return figure(
            title,
            None,
            says=f"No visit was submitted in {name}.",
            caption=caption,
            wide=True,
        )
    names = labels(figures)
    centers = [
        center_name(figures, center) for center in order(summed(figures.submitted, 0))
    ]
    modules = order(by_module(figures, figures.submitted))
    cells = {
        (center_name(figures, center), names[kind, module]): number
        for (center, kind, module), number in figures.submitted.items()
    }
    shown, heads = centers[:DRAWN], modules[:HEADS]
    rows = [
        {
            "down": center,
            "across": module,
            "value": number,
            "shown": count(number),
            "tip": f"{center}, {module}: {plural(number, 'visit')}",
        }
        for (center, module), number in cells.items()
        if center in shown and module in heads
    ]
    rows.sort(
        key=lambda row: (shown.index(str(row["down"])), heads.index(str(row["across"])))
    )
    (center, module), most = max(cells.items(), key=lambda item: (item[1], item[0]))
    behind = table(
        ["Center", *modules, "All"],
        [
            [
                center,
                *(cells.get((center, one)) for one in modules),
                sum(cells.get((center, one), 0) for one in modules),
            ]
            for center in centers
        ],
        caption=f"{title}, {name}",
    )
    left = left_out(len(centers), len(shown), "centers") + left_out(
        len(modules), len(heads), "modules"
    )
    return figure(
        title,
        grid(rows, down=shown, across=heads),
        says=f"{title}: most at {center} in {module}, {plural(most, 'visit')}.",
        caption=f"{caption}{left}",
        behind=behind,
        rows=len(centers),
        wide=True,
    )
