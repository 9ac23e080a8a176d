"""What docs/how-to/test-a-plugin.md shows runs, and fails as it says."""

import inspect
import re
from pathlib import Path

import pytest

from reporting_framework import testing
from tests.docs.playing import blocks

pytest_plugins = ["pytester"]

for name in testing.__all__:
    getattr(
        testing, name
    )  # what is imported here needs not be imported anew for each run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-a-plugin.md"
SOURCES = PAGE.with_name("write-a-source.md")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def example(pytester):
    plugin, suite, _ = PYTHON.findall(PAGE.read_text())

    def run(plugin=plugin):
        pytester.makepyfile(my_plugin=plugin, test_my_plugin=suite)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not slow")

    return plugin, run


def test_the_example_passes(example):
    split_results = example[1]().parseoutcomes()
    assert set(split_results) == {"passed", "skipped", "unpromised", "deselected"}
    assert split_results["passed"] >= 9


def test_what_is_broken_is_named_as_the_page_says(example):
    plugin, run = example
    result = run(
        plugin.replace(
            "return frame.filter",
            'return frame.insert_column(0, pl.lit(1).alias("one")).filter',
        )
    )
    text = str(result.stdout)
    for line in (
        re.search(r"( +FAILED .*\n.*)\n", PAGE.read_text()).group(1).splitlines()
    ):
        for part in line.split(maxsplit=1)[1:]:
            assert part in text


def test_a_strict_suite_fails_for_what_it_was_not_given(pytester):
    plugin, suite, _ = PYTHON.findall(PAGE.read_text())
    strict = re.sub(r"(\n    plugin = .*)", r"\1\n    strict = True", suite)
    pytester.makepyfile(my_plugin=plugin, test_my_plugin=strict)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not slow")
    counts = result.parseoutcomes()
    # The summary below the failures repeats a message that fits the terminal's width.
    reasons = re.findall(r"(?m)^strict: not tried: .*: give the ", str(result.stdout))
    assert counts["failed"] == len(reasons) > 0
    assert "skipped" not in counts
    assert counts["unpromised"], "a promise that the plugin does not make is no skip"
    assert "strict: not tried" in str(result.stdout)


def test_the_suite_of_the_source_of_several_streams_passes(pytester):
    (source,) = [
        block.text
        for block in blocks((PAGE.parent / "write-a-source.md").read_text())
        if "class Shop(" in block.text
    ]
    (suite,) = [
        block.text
        for block in blocks(PAGE.read_text())
        if block.title == "test_shop.py"
    ]
    pytester.makepyfile(shop=source, test_shop=suite)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not slow")
    counts = result.parseoutcomes()
    assert set(counts) == {"passed", "unpromised", "deselected"}
    assert counts["passed"] > 20


@pytest.mark.parametrize(
    "tests", ["not slow and not faults", pytest.param("", marks=pytest.mark.slow)]
)
def test_the_strict_suite_of_a_table_sink_passes(pytester, tests):
    (sink,) = [
        block.text
        for block in blocks(PAGE.with_name("write-a-sink.md").read_text())
        if "class SqliteTable(TableSink)" in block.text
    ]
    (suite,) = [
        block.text
        for block in blocks(PAGE.read_text())
        if block.title == "test_small_sqlite.py"
    ]
    pytester.makepyfile(small_sqlite=sink, test_small_sqlite=suite)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", tests)
    counts = result.parseoutcomes()
    assert set(counts) - {"deselected"} == {"passed", "unpromised"}
    assert counts["passed"] >= 40


def test_a_fixture_that_is_missing_is_named(pytester):
    suites = "\n".join(
        f"import pytest\nfrom reporting_framework.testing import {name}\nclass Test{name}({name}):\n    plugin = object\n"
        f"    @pytest.fixture\n    def settings(self):\n        return {{}}\n"
        for name in (
            "SourceContract",
            "ValidatorContract",
            "TransformContract",
            "SinkContract",
        )
    )
    pytester.makepyfile(test_nothing_given=suites)
    text = str(
        pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not slow").stdout
    )
    for suite, fixtures in {
        "SourceContract": ("records",),
        "ValidatorContract": ("good", "bad"),
        "TransformContract": ("frame",),
        "SinkContract": ("rows",),
    }.items():
        for fixture in fixtures:
            assert f"Test{suite}: the fixture `{fixture}` must be given: " in text


def test_every_suite_and_what_it_is_given_is_on_the_page():
    page = PAGE.read_text()
    for name in testing.__all__:
        assert f"`{name}`" in page or name in ("Faults", "Killed", "PluginContract")


@pytest.mark.slow
def test_the_suite_of_a_table_source_passes(pytester):
    _, _, suite = PYTHON.findall(PAGE.read_text())
    (source,) = [
        text
        for text in PYTHON.findall(SOURCES.read_text())
        if "class Orders(TableSource)" in text
    ]
    pytester.makepyfile(my_source=source, test_my_source=suite)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not slow")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed", "skipped", "unpromised", "deselected"}
    assert outcomes["passed"] >= 25


def test_all_tests_of_faults_and_no_others_are_marked():
    for name in testing.__all__:
        for method, test in inspect.getmembers(getattr(testing, name)):
            if method.startswith("test_"):
                marks = {mark.name for mark in getattr(test, "pytestmark", ())}
                assert ("faults" in marks) == ("each_fault(" in inspect.getsource(test))
