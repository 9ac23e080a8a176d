"""What needs what."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import requires as metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.selection import EXTRA
from reporting_framework.lambda_build.target import Target

NEEDS = {
    "a": [
        "B.x>=1",
        "c[fast]",
        "windows-only; sys_platform == 'win32'",
        "tools; extra == 'aws'",
        "c; extra == 'cli'",
    ],
    "b-x": ["d"],
    "c": ["quick; extra == 'fast'"],
    "d": ["a"],
}


def requires(name):
    try:
        return metadata(name)
    except PackageNotFoundError:
        return None


def graph(needs=NEEDS) -> Graph:
    return Graph(needs.get, Target("x86_64", "3.12").markers)


def test_direct_needs_are_those_of_the_target_with_the_extras_that_are_asked():
    assert graph().direct("a") == {"b-x": frozenset(), "c": {"fast"}}
    assert graph().direct("a", ["aws"]) == {
        "b-x": frozenset(),
        "c": {"fast"},
        "tools": frozenset(),
    }
    assert graph().direct("nowhere") == {}


def test_what_an_extra_lists_is_known_whether_or_not_it_is_needed_anyway():
    assert graph().listed("a", "cli") == {"c"}
    assert graph().listed("a", "aws") == {"tools"}
    assert graph().listed("a", "nothing") == set()


def test_a_closure_follows_extras_and_circles():
    assert graph().closure({"a": ()}) == {"a", "b-x", "c", "quick", "d"}
    assert graph().closure({"a": ["aws"]}) == {"a", "b-x", "c", "quick", "d", "tools"}


def test_what_the_framework_s_conformance_suites_need_is_no_part_of_a_function():
    found = Graph(requires, Target("x86_64", "3.12").markers)
    assert {"pytest", "hypothesis", "moto"} <= found.listed(
        "reporting-framework", "testing"
    )
    assert not {"pytest", "hypothesis", "moto"} & found.closure(
        {"reporting-framework": [EXTRA]}
    )


OURS = ["aws", "event-log-checkpoint", "event-processor", "framework", "object-store"]


def test_what_sql_needs_is_in_no_package():
    found = Graph(requires, Target("x86_64", "3.12").markers)
    needed = {"duckdb", "fsspec"}
    assert found.listed("reporting-framework", "sql") == needed
    everything = found.closure({f"reporting-{name}": [EXTRA] for name in OURS})
    assert {f"reporting-{name}" for name in OURS} <= everything
    assert "polars" in everything
    assert not needed & everything


def test_extras_that_are_asked_for_later_are_minded():
    needs = {"a": ["b", "c"], "b": ["d"], "c": ["d[x]"], "d": ["e; extra == 'x'"]}
    assert graph(needs).closure({"a": ()}) == {"a", "b", "c", "d", "e"}


def test_what_one_is_not_to_bring_another_still_may():
    assert graph().closure({"a": ()}, without={"a": {"c"}}) == {"a", "b-x", "d"}
    assert graph({**NEEDS, "d": ["c"]}).closure({"a": ()}, without={"a": {"c"}}) == {
        "a",
        "b-x",
        "c",
        "d",
    }


def test_what_is_not_a_requirement_is_an_error():
    with pytest.raises(
        BuildError, match=r"^a: its requirement '\?\?' cannot be parsed; install"
    ):
        graph({"a": ["??"]}).direct("a")


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef")), min_size=1
    )
)
def test_property_a_closure_holds_the_needs_of_all_that_it_holds(needs):
    found = graph(needs).closure({"a": ()})
    assert "a" in found
    assert all(set(graph(needs).direct(name)) <= found for name in found)
