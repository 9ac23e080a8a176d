"""Charts: valid specifications with few rows, told apart whatever their labels are, in the page's colors."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_pages import bars, columns, dots, grid, histogram, line
from reporting_pages.axes import LONGEST, short_labels
from reporting_pages.theme import CONFIG, embeddable
from tests.support.properties import given_few

ROWS = [
    {"label": "Alpha", "value": 3, "shown": "3", "before": 2},
    {"label": "Beta", "value": 0, "shown": "0"},
]
SHARES = [
    {"label": "Jan|2024", "value": 0.5, "shown": "50.0%"},
    {"label": "Feb", "value": None, "shown": "–"},
]
CELLS = [{"down": "a", "across": "b", "value": 1, "shown": "1", "tip": "a, b: 1"}]
SPANS = [{"low": 0, "high": 5, "value": 2, "tip": "0 to 4: 2"}]
CHARTS = {
    "bars": bars(ROWS),
    "dots": dots([{**ROWS[0], "value": 0.9, "before": 0.8}]),
    "columns": columns(ROWS),
    "line": line(SHARES),
    "grid": grid(CELLS, down=["a"], across=["b"]),
    "histogram": histogram(
        SPANS, [{"at": 1, "shown": "median 1", "right": True}], title="days"
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_valid_and_takes_its_place_and_colors(name):
    spec = embeddable(CHARTS[name].to_dict())  # validated against Vega-Lite's schema
    assert spec["width"] == "container"
    assert spec["config"]["font"] == CONFIG["font"]
    assert spec["config"]["aria"] is False
    assert "$schema" not in spec
    assert not [color for color in json.dumps(spec).split('"') if color.startswith("#")]


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_chart_is_the_same_text(name):
    assert CHARTS[name].to_dict() == CHARTS[name].to_dict()


@given(st.lists(st.text(), max_size=30))
def test_labels_are_short_and_told_apart(labels):
    found = short_labels(labels)
    assert len(set(found)) == len(labels)
    assert all(0 < len(label) <= LONGEST + len(" (30)") for label in found)
    assert all("\n" not in label for label in found)


def test_a_long_label_is_cut_in_the_middle():
    assert short_labels(
        ["synthetic-research-center-alpha", "synthetic-research-center-beta"]
    ) == [
        "synthetic-rese…-center-alpha",
        "synthetic-rese…h-center-beta",
    ]


def test_what_a_chart_says_of_itself_goes_before_the_theme():
    spec = embeddable({"width": 300, "config": {"axis": {"grid": True}}})
    assert spec["width"] == 300
    assert spec["config"]["axis"] == {**CONFIG["axis"], "grid": True}


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["Jan|2024"], ["Jan 2024"]),
        (
            ["Nov|2023", "Dec", "Jan|2024", "Feb", "Mar", "Apr"],
            ["Nov 2023", "Dec", "Jan 2024", "Feb", "Mar", "Apr"],
        ),
        (
            ["Nov|2023", "Dec", "Jan|2024", "Feb", "Mar", "Apr", "May"],
            ["Nov 2023", "Jan 2024", "Mar", "May"],
        ),
        (
            ["Dec|2023", "Jan|2024", "Feb", "Mar", "Apr", "May", "Jun", "Jul"],
            ["Jan 2024", "Mar", "May", "Jul"],
        ),
    ],
)
def test_a_phone_shows_whole_months_at_even_distances_each_year_and_the_last(
    labels, shown
):
    spec = columns([{"label": label, "value": 1, "shown": ""} for label in labels])
    (words,) = {
        layer["encoding"]["x"]["axis"]["labelExpr"] for layer in spec.to_dict()["layer"]
    }
    lines = json.loads(words[words.index("{") : words.index("}") + 1])
    assert list(lines) == labels
    found = [" ".join(line for line in pair if line) for pair in lines.values()]
    assert [label for label in found if label] == shown


SHARE = st.floats(0, 1, allow_subnormal=False)


@pytest.mark.parametrize(("chart", "side"), [(dots, "x"), (line, "y")])
@given_few(shares=st.lists(SHARE, min_size=1, max_size=4))
def test_an_axis_of_shares_starts_at_zero_or_says_where_it_is_cut(chart, side, shares):
    rows = [
        {"label": str(number), "value": share, "shown": ""}
        for number, share in enumerate(shares)
    ]
    (low, high), title = _axis_of_shares(chart(rows).to_dict(validate=False), side)
    assert low <= min(shares)
    assert high == 1
    assert title == (f"axis cut: starts at {low:.0%}" if low else None)


def _axis_of_shares(spec, side):
    return next(
        (layer["encoding"][side]["scale"]["domain"], layer["encoding"][side]["axis"]["title"])
        for layer in spec["layer"]
        if layer["encoding"].get(side, {}).get("axis")
        and layer["encoding"][side]["type"] == "quantitative"
    )  # fmt: skip
