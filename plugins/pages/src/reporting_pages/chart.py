"""Base of the charts of pages: Altair specifications with few rows.

`document.figure` takes any other chart of Altair too. Rows are plain dictionaries with
numbers that were counted before. Labels may be any text; a label that is too long for a
chart is cut in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Row = Mapping[str, Any]

PADDING = {"left": 1, "right": 1, "top": 2, "bottom": 2}
"""Padding of a chart, in pixels."""

TIP, SHOWN = alt.Tooltip("tip:N"), alt.Text("shown:N")
"""Channels of tooltips and numbers. Altair takes 10 ms to find the class of a channel
that is given as a string.
"""


def base_chart(values: Sequence[Row]) -> alt.Chart:
    """Return a chart without marks that holds these rows."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in values]))
