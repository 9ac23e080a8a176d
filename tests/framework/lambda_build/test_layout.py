"""Which distribution goes into which package."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.layout import (
    DATA,
    FUNCTION,
    POWERTOOLS,
    Layout,
    lay_out,
)
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.unpack import Unpacked

FRAMEWORK = (
    "click",
    "frames",
    "shared",
    "tools; extra == 'aws'",
    "sdk; extra == 'aws'",
    "click; extra == 'cli'",
)


def unpacked(needs, plugins=(), machine=()) -> dict[str, Unpacked]:
    return {
        name: Unpacked(
            name, "1", Path(), (), tuple(requires), plugin=name in plugins,
            tags=("cp312-cp312-linux_x86_64",) if name in machine else ("py3-none-any",),
        )
        for name, requires in needs.items()
    }  # fmt: skip


def laid(needs, local=(), **more) -> Layout:
    found = unpacked(needs, plugins=("reporting-framework", "report"), **more)
    graph = Graph(
        lambda name: found[name].requires if name in found else None,
        Target("x86_64", "3.12").markers,
    )
    return lay_out(found, graph, {"report": (), "reporting-framework": ("aws",)}, local)


NEEDS = {
    "report": ["reporting-framework", "models"],
    "reporting-framework": FRAMEWORK,
    "models": ["shared"],
    "frames": ["frames-runtime"],
    "frames-runtime": [],
    "click": ["colours"],
    "colours": [],
    "tools": ["shared"],
    "sdk": ["sdk-core"],
    "sdk-core": [],
    "shared": [],
}


def test_plugins_the_closure_of_the_extra_and_the_rest():
    assert laid(NEEDS).packages == {
        FUNCTION: ("report", "reporting-framework"),
        POWERTOOLS: ("sdk", "sdk-core", "shared", "tools"),
        DATA: ("frames", "frames-runtime", "models"),
    }


def test_what_only_the_command_line_needs_is_left_out():
    assert laid(NEEDS).left_out == ("click", "colours")


def test_what_another_needs_too_is_not_left_out():
    assert laid({**NEEDS, "models": ["click"]}).packages[DATA] == (
        "click", "colours", "frames", "frames-runtime", "models"
    )  # fmt: skip


def test_what_comes_from_this_machine_goes_with_the_function_unless_it_is_for_one_machine():
    assert "models" in laid(NEEDS, local=["models"]).packages[FUNCTION]
    assert "models" in laid(NEEDS, local=["models"], machine=["models"]).packages[DATA]


@given(
    st.dictionaries(
        st.sampled_from(sorted(NEEDS)), st.lists(st.sampled_from(sorted(NEEDS)))
    )
)
def test_property_each_distribution_is_in_exactly_one_place(more):
    needs = {name: [*requires, *more.get(name, [])] for name, requires in NEEDS.items()}
    layout = laid(needs)
    everywhere = [
        *layout.left_out,
        *(name for names in layout.packages.values() for name in names),
    ]
    assert sorted(everywhere) == sorted(NEEDS)
