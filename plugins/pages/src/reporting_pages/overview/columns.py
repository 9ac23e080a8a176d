"""Section on the columns: their types, nulls, distinct values and extremes."""

from __future__ import annotations

from markupsafe import Markup

from reporting_pages.documents import Section, figure, section
from reporting_pages.formatting import count, plural, share
from reporting_pages.markup import element
from reporting_pages.overview.profile import MAX_VALUES, MIN_ROWS, Column, Profile
from reporting_pages.overview.texts import estimate, extreme, visible
from reporting_pages.row_charts import bars
from reporting_pages.tables import table

MAX_CHARTS = 24
"""Most columns whose texts are drawn, the first ones of the table."""


def columns_section(profile: Profile, *, values: bool) -> Section:
    """Return the section on all columns."""
    heads = ["Column", "Type", "Nulls", "Nulls, share", "Distinct values"]
    body: list[list[str | None]] = []
    for column in profile.columns:
        row: list[str | None] = [
            visible(column.name),
            column.type,
            count(column.nulls),
            share(column.nulls / profile.rows) if profile.rows else None,
            count(column.distinct) if profile.exact else estimate(column.distinct),
        ]
        body.append(
            [*row, extreme(column.least), extreme(column.greatest)] if values else row
        )
    if values:
        heads += ["Least", "Greatest"]
    says = "Distinct values are counted without null."
    if not profile.exact:
        says += " Their numbers are estimates: most are off by less than a tenth."
    if values:
        says += " Numbers, dates and times have a least and a greatest value."
    shown = table(
        heads, body, caption="Columns of the table", numbers=range(2, len(heads))
    )
    return section(
        "columns", "Columns", element("div", shown, class_="card wide"), says=says
    )


def texts_section(profile: Profile) -> Section | None:
    """Return the section on texts that repeat; `None` if there are none."""
    drawn = [column for column in profile.columns if column.texts]
    if not drawn:
        return None
    says = (
        f"Columns with at most {MAX_VALUES} distinct texts, each in at least"
        f" {MIN_ROWS} rows."
    )
    if len(drawn) > MAX_CHARTS:
        says += f" The first {MAX_CHARTS} of {count(len(drawn))} columns are shown."
    figures = [_figure(column, profile.rows) for column in drawn[:MAX_CHARTS]]
    return section("values", "Texts that repeat", figures, says=says)


def _figure(column: Column, rows: int) -> Markup:
    title = visible(column.name)
    named = [(visible(text), number) for text, number in column.texts]
    values = [
        {
            "label": text,
            "value": number,
            "shown": count(number),
            "tip": f"{text}: {plural(number, 'row')} ({share(number / rows)})",
        }
        for text, number in named
    ]
    nulls = f" {plural(column.nulls, 'row')} without a value." if column.nulls else ""
    return figure(
        title,
        bars(values),
        says=f"{title}: " + ", ".join(f"{text} {count(at)}" for text, at in named),
        caption=f"Rows by {title}.{nulls}",
        behind=table(
            [title, "Rows", "Share"],
            [[text, count(at), share(at / rows)] for text, at in named],
            caption=f"Rows by {title}",
        ),
        rows=len(named),
    )
