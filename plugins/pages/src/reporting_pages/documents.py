"""Skeleton of a page, its sections and its figures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
from markupsafe import Markup

from reporting_pages.markup import Content, element, embedded, joined
from reporting_pages.tables import behind as folded
from reporting_pages.theme import embeddable
from reporting_pages.vega_bundle import digest, library, resource


class Section(NamedTuple):
    """Part of the page that the table of contents links to.

    Attributes:
        id: Id that links use.
        title: Heading.
        markup: Whole markup of the section.
    """

    id: str
    title: str
    markup: Markup


def section(id_: str, title: str, content: Content, *, says: Content = None) -> Section:
    """Return a section of the page.

    Args:
        id_: Id that no other section has.
        title: Heading.
        content: Content; figures are side by side if there is room.
        says: Description, one or two sentences.
    """
    lead = element("p", says, class_="lead") if says else None
    opening = element(
        "div", element("h2", title, id=f"{id_}-title"), lead, class_="opening"
    )
    inner = [opening, element("div", content, class_="figures")]
    return Section(
        id_, title, element("section", inner, id=id_, aria_labelledby=f"{id_}-title")
    )


def figure(
    title: str,
    chart: alt.TopLevelMixin | None,
    *,
    says: str,
    caption: Content,
    behind: Markup | None = None,
    rows: int = 0,
    wide: bool = False,
) -> Markup:
    """Return a chart with its heading, a caption and its numbers.

    Args:
        title: Heading.
        chart: Any chart of Altair that is not wider than its place; `None` if there is
            nothing to draw.
        says: Content of the chart in words and numbers, for readers who cannot see it.
        caption: Definition of the numbers, one sentence.
        behind: Table with the numbers, which is folded.
        rows: Number of rows in the table.
        wide: True if the figure has the whole width.
    """
    head = element("figcaption", element("h3", title), element("p", caption))
    if chart is None:
        return element(
            "figure",
            head,
            element("p", says, class_="empty"),
            class_="wide" if wide else None,
        )
    spec = embedded(embeddable(chart.to_dict()))
    place = f"chart-{hashlib.sha256(f'{title}{spec}'.encode()).hexdigest()[:12]}"
    drawing = [
        element("div", id=place, class_="chart", data_says=says),
        element("script", spec, type="application/json", data_chart=place),
    ]
    table = folded(behind, rows) if behind is not None else None
    return element("figure", head, drawing, table, class_="wide" if wide else None)


def document(
    title: str,
    sections: Sequence[Section],
    *,
    eyebrow: Content = None,
    lead: Content = None,
    above: Content = None,
    footer: Content = None,
    language: str = "en",
) -> Markup:
    """Return the whole page.

    The page needs no other file, which its content security policy enforces.

    Args:
        title: Heading and title.
        sections: Sections, in order; a table of contents links to them.
        eyebrow: Word above the heading.
        lead: Summary of the page, one or two sentences.
        above: Content between the summary and the sections, such as tiles.
        footer: Small print.
        language: Language of the text.
    """
    style, draw = resource("style.css"), resource("draw.js")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri"
        f" 'none'; form-action 'none'; script-src '{digest(library())}'"
        f" '{digest(draw)}'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        element("style", Markup(style)),
        element("noscript", element("style", Markup(".chart{display:none}"))),
    )
    body = element(
        "body",
        element("a", "Skip to the report", class_="skip", href="#report"),
        element("header", _header(title, eyebrow, lead)),
        _contents(sections),
        element(
            "main",
            above,
            joined(part.markup for part in sections),
            id="report",
            tabindex="-1",
        ),
        element("footer", footer) if footer else None,
        element("script", Markup(library())),
        element("script", Markup(draw)),
    )
    return Markup(f"<!doctype html>\n{element('html', head, body, lang=language)}\n")


def _header(title: str, eyebrow: Content, lead: Content) -> list[Markup | None]:
    return [
        element("p", eyebrow, class_="eyebrow") if eyebrow else None,
        element("h1", title),
        element("p", lead, class_="lead") if lead else None,
    ]


def _contents(sections: Sequence[Section]) -> Markup | None:
    if len(sections) < 2:
        return None
    links = [
        element("li", element("a", part.title, href=f"#{part.id}")) for part in sections
    ]
    return element(
        "nav", element("ul", links), class_="contents", aria_label="On this page"
    )
