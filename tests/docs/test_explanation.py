"""The explanations: examples that run, and statements that hold."""

import ast
import doctest
import re

import pytest

import reporting_framework
from reporting_event_log_checkpoint.models import VisitEvent, VisitEventV2
from tests.docs.playing import DOCS, Player, blocks

PLUGINS = DOCS.parent / "plugins"
STABILITY = (DOCS / "explanation" / "stability.md").read_text()
STABLE = {
    f"reporting_framework.{name}"
    for name in (
        "plugin_api.settings",
        "plugin_api.result",
        "plugin_api.records",
        "storage",
        "query.schemas",
        "errors",
    )
}


def test_the_examples_for_those_who_come_from_lambdas_print_what_they_show():
    page = DOCS / "explanation" / "migrate-from-lambdas.md"
    text = "".join(
        block.text for block in blocks(page.read_text()) if block.language == "pycon"
    )
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    runner.run(test, out=said.append)
    assert (runner.failures, "".join(said)) == (0, "")
    assert runner.tries > 20


@pytest.mark.slow
def test_the_handler_answers_as_shown_to_those_who_come_from_lambdas(tmp_path):
    page = (DOCS / "explanation" / "migrate-from-lambdas.md").read_text()
    assert Player(tmp_path).play(blocks(page))[-1] == "python run.py"


def imported(plugin: str) -> dict[str, set[str]]:
    """What a first-party plugin imports of the framework, by module."""
    found: dict[str, set[str]] = {}
    for path in (PLUGINS / plugin / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "reporting_framework"
            ):
                found.setdefault(node.module or "", set()).update(
                    each.name for each in node.names
                )
    return found


@pytest.mark.parametrize(
    "plugin", sorted(path.parent.name for path in PLUGINS.glob("*/pyproject.toml"))
)
def test_first_party_plugins_use_nothing_but_what_is_stable(plugin):
    sections = STABILITY.partition("## Stable for commands")[2]
    provisional = set(re.findall(r"`(\w+)`", sections.partition("## Not stable")[0]))
    for module, names in imported(plugin).items():
        if module == "reporting_framework":
            assert names <= set(reporting_framework.__all__)
        elif module.endswith("pydantic_validator"):
            assert names == {"ModelValidator"}
        else:
            assert module in STABLE or names <= provisional, f"{module}: {names}"
        if module in STABLE:
            assert f".{module.rpartition('.')[2]}`" in STABILITY


@pytest.mark.parametrize("name", ["faults", "guarantees"])
def test_every_test_that_a_page_names_is_there(name):
    page = (DOCS / "explanation" / f"{name}.md").read_text()
    named = re.compile(r"`(?P<file>[\w./-]+\.py)?(?P<names>(?:::\w+)+)`")
    absent, count = [], 0
    for line in page.splitlines():
        file = ""
        for match in named.finditer(line):
            file = match["file"] or file
            text = (DOCS.parent / file).read_text()
            for each in match["names"].split("::")[1:]:
                count += 1
                if not re.search(rf"^ *(def|class) {each}\b", text, re.MULTILINE):
                    absent.append(f"{file}::{each}")
    assert absent == []
    assert count > 15


def test_the_tests_of_the_guarantees_are_named_for_each_of_them():
    page = (DOCS / "explanation" / "guarantees.md").read_text()
    headings = re.findall(r"^## (.+)", page, re.MULTILINE)
    table = page.partition("## Tests of the guarantees")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^`|]+) \| .*`tests", table, re.MULTILINE)
    last = headings.index("Operations of several steps")
    assert rows == [heading[0].lower() + heading[1:] for heading in headings[:last]]


def test_the_page_on_visit_events_has_every_field_of_the_models_in_their_order():
    page = (DOCS / "explanation" / "visit-event-fields.md").read_text()
    fields = list(VisitEventV2.__annotations__)
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == fields
    assert set(VisitEvent.__annotations__) <= set(fields)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert {line.count(" |") for line in rows} == {4}, "field, specification, here, why"
