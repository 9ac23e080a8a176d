"""Whole page ``table-overview``: headline numbers, sections in order, small print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from reporting_pages.documents import Section, document, section
from reporting_pages.formatting import count, moment, plural
from reporting_pages.markup import Content, element
from reporting_pages.overview.columns import columns_section, texts_section
from reporting_pages.overview.course import course_section
from reporting_pages.overview.profile import Profile
from reporting_pages.overview.rejections import in_quarantine, rejections_section
from reporting_pages.overview.texts import visible
from reporting_pages.runs import checks_card, last_run, made_with, runs_card
from reporting_pages.tables import facts, table
from reporting_pages.tile import Tile, tiles

if TYPE_CHECKING:
    from reporting_framework import PageContext
    from reporting_framework.plugin_api.result import SchemaChange


def page_of(material: PageContext, profile: Profile, *, values: bool) -> Markup:
    """Return the page."""
    parts = [
        columns_section(profile, values=values),
        course_section(profile),
        texts_section(profile),
        rejections_section(material),
        _runs_section(material),
    ]
    return document(
        f"Table of {material.report}",
        [part for part in parts if part is not None],
        eyebrow=f"{material.report} · table overview",
        lead=_lead(profile),
        above=_tiles(material, profile),
        footer=_footer(material, values=values),
    )


def _lead(profile: Profile) -> str:
    columns = plural(len(profile.columns), "column")
    if not profile.rows:
        return f"The table has no rows yet, and {columns}."
    return f"The table has {plural(profile.rows, 'row')} and {columns}."


def _tiles(material: PageContext, profile: Profile) -> Markup:
    deleted = profile.deleted
    shown = [
        Tile(
            "Rows",
            count(profile.rows),
            says="All rows of the table."
            if deleted is None
            else "Rows that are not marked as deleted.",
        ),
        Tile("Columns", count(len(profile.columns)), says="Columns of the report."),
    ]
    if deleted is not None:
        says = "Rows that are marked as deleted; no other number counts them."
        shown.insert(1, Tile("Deleted rows", count(deleted), says=says))
    if material.quarantine is not None:
        rejected = in_quarantine(material.quarantine).total()
        says = "Rejected records in quarantine now."
        shown.append(Tile("Rejected", count(rejected), says=says))
    if material.runs:
        last = material.runs[0]
        says = f"Accepted by the last run, of {plural(last.records_read, 'record')}."
        shown.append(Tile("Last run", count(last.accepted), says=says))
    return tiles(shown)


def _runs_section(material: PageContext) -> Section:
    runs = material.runs
    fresh = element(
        "div",
        element("h3", "Freshness"),
        facts([*last_run(runs, material.at), ("Created", moment(material.at))]),
        class_="card",
    )
    places: list[tuple[str, Content]] = [
        ("Source", material.source or "not known"),
        ("Table", material.table or "not known"),
    ]
    where = element(
        "div",
        element("h3", "Sources"),
        facts([*places, *made_with(runs)]),
        class_="card",
    )
    changes = _changes(runs[0].schema_changes) if runs else None
    content = [fresh, where, checks_card(runs), changes, runs_card(runs)]
    return section("runs", "Runs and checks", content)


def _changes(changes: Sequence[SchemaChange]) -> Markup | None:
    """Return the changes of the source's columns in the last run."""
    if not changes:
        return None
    body = [
        [visible(change.column), change.change, change.before, change.after]
        for change in changes
    ]
    shown = table(
        ["Column", "Change", "Type before", "Type after"],
        body,
        caption="Changes of the source's columns",
        numbers=(),
    )
    return element(
        "div",
        element("h3", "Changes of columns"),
        element("p", "Changes of the source's columns that the last run found."),
        shown,
        class_="card wide scroll",
    )


def _footer(material: PageContext, *, values: bool) -> Content:
    shown = (
        "It shows least and greatest values, and texts that repeat: protect it like the"
        " table."
        if values
        else "It shows no value of a record."
    )
    return [
        element(
            "p",
            f"Created on {moment(material.at)} from the whole table of"
            f" {material.report}.",
        ),
        element("p", f"This file is self-contained and loads nothing. {shown}"),
    ]
