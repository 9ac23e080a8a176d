"""Building blocks for the HTML pages of reports."""

from markupsafe import Markup

from reporting_pages.cell_charts import grid, histogram
from reporting_pages.chart import Chart
from reporting_pages.document import Section, document, figure, section
from reporting_pages.markup import Content, element, joined
from reporting_pages.month_charts import columns, line
from reporting_pages.row_charts import bars, dots
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
