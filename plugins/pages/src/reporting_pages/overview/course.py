"""Section on rows over time."""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from reporting_pages.documents import Section, figure, section
from reporting_pages.formatting import count, plural
from reporting_pages.month_charts import columns
from reporting_pages.overview.periods import Scale
from reporting_pages.overview.profile import Course, Profile
from reporting_pages.overview.texts import visible
from reporting_pages.tables import table

MAX_NUMBERS = 14
"""Most columns of a chart that have their number above."""


def course_section(profile: Profile) -> Section | None:
    """Return the section on rows over time; `None` without a date or time."""
    course = profile.course
    if course is None:
        return None
    return section("time", "Rows over time", _figure(course))


def _figure(course: Course) -> Markup:
    name, scale = visible(course.column), course.scale
    caption = f"Rows by {name}; times in UTC."
    if course.undated:
        caption += f" {plural(course.undated, 'row')} without a day are left out."
    if scale is None:
        says = f"No row has a day in {name}."
        return figure("Rows by day", None, says=says, caption=caption, wide=True)
    counts = [(start, course.counts.get(start, 0)) for start in scale.starts]
    earlier = sum(course.counts.values()) - sum(number for _, number in counts)
    if earlier:
        caption += f" {plural(earlier, 'earlier row')} are left out."
    title = f"Rows by {scale.unit}"
    low, high = min(counts, key=_number), max(counts, key=_number)
    says = (
        f"{title}: between {count(low[1])} ({scale.name(low[0])}) and {count(high[1])}"
        f" ({scale.name(high[0])}) in {plural(len(counts), scale.unit)}."
    )
    behind = table(
        [scale.unit.capitalize(), "Rows"],
        [[scale.name(start), count(number)] for start, number in counts],
        caption=title,
    )
    return figure(
        title,
        columns(_rows(scale, counts)),
        says=says,
        caption=caption,
        behind=behind,
        rows=len(counts),
        wide=True,
    )


def _rows(scale: Scale, counts: list[tuple[date, int]]) -> list[dict[str, object]]:
    """Return the columns; of many, only the last has its number above."""
    last = len(counts) - 1
    return [
        {
            "label": scale.label(start, first=not at),
            "value": number,
            "shown": count(number) if at == last or last < MAX_NUMBERS else "",
            "tip": f"{scale.name(start)}: {plural(number, 'row')}",
        }
        for at, (start, number) in enumerate(counts)
    ]


def _number(pair: tuple[date, int]) -> int:
    return pair[1]
