"""Building blocks for the HTML pages of reports."""

from markupsafe import Markup

from reporting_pages.charts import Chart, bars, columns, dots, grid, histogram, line
from reporting_pages.document import Section, document, figure, section
from reporting_pages.markup import Content, element, joined
from reporting_pages.tables import facts, table
from reporting_pages.tiles import Tile, tiles

__all__ = [
    "Chart",
    "Content",
    "Markup",
    "Section",
    "Tile",
    "bars",
    "columns",
    "document",
    "dots",
    "element",
    "facts",
    "figure",
    "grid",
    "histogram",
    "joined",
    "line",
    "section",
    "table",
    "tiles",
]
