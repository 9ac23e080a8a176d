"""Building blocks for the HTML pages of reports, and the page of any table.

Light to import: a name is imported from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

    from reporting_pages.cell_charts import grid, histogram
    from reporting_pages.chart import Chart
    from reporting_pages.documents import Section, document, figure, section
    from reporting_pages.markup import Content, element, joined
    from reporting_pages.month_charts import columns, line
    from reporting_pages.row_charts import bars, dots
    from reporting_pages.tables import facts, table
    from reporting_pages.tile import Tile, tiles

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

_MODULES = {
    "cell_charts": ("grid", "histogram"),
    "chart": ("Chart",),
    "documents": ("Section", "document", "figure", "section"),
    "markup": ("Content", "Markup", "element", "joined"),
    "month_charts": ("columns", "line"),
    "row_charts": ("bars", "dots"),
    "tables": ("facts", "table"),
    "tile": ("Tile", "tiles"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
