"""Page of the conformance suites: the author's input, and the promises tested."""

from __future__ import annotations

from reporting_framework import testing
from reporting_framework.testing import pytest_plugin
from tools.docs.classes import described
from tools.docs.docstrings import as_markdown, summary, text_of
from tools.docs.markdown import code, page, table


def suites_page() -> str:
    """Render every suite with its promises, and the fixtures."""
    kinds = [
        getattr(testing, name)
        for name in testing.__all__
        if isinstance(getattr(testing, name), type)
    ]
    suites = [kind for kind in kinds if kind.__name__.endswith("Contract")]
    suites.sort(key=lambda kind: kind is not testing.PluginContract)
    others = [kind for kind in kinds if kind not in suites]
    behind = [kind for kind in others if ".contracts." in kind.__module__]
    faults = [kind for kind in others if kind not in behind]
    return page(
        "Conformance suites",
        as_markdown(text_of(testing, "testing")),
        "[Test a plugin](../how-to/test-a-plugin.md) shows how to use them.",
        *[part for suite in suites for part in _suite(suite, suites)],
        "## What is behind a source",
        "Fixtures of two suites, as a test changes them. `Expected` is a pair: the"
        " source key of a record, and what must come out, the payload as bytes or the"
        " values of a row as a mapping.",
        *[part for kind in behind for part in described(kind, "###")],
        "## Faults",
        *[part for kind in faults for part in described(kind, "###")],
        "## Fixtures",
        as_markdown(text_of(pytest_plugin, "pytest_plugin")),
    )


def _suite(suite: type, suites: list[type]) -> list[str]:
    """Describe a suite; tests of a base that is not a suite count as its own."""
    name = suite.__name__
    own = [base for base in suite.__mro__ if base is suite or base not in suites]
    tests = {
        test: member
        for base in own
        for test, member in vars(base).items()
        if test.startswith("test_")
    }
    rows = [
        [code(test), summary(function, f"{name}.{test}")]
        for test, function in tests.items()
    ]
    parts = [f"## {name}", as_markdown(text_of(suite, name))]
    return [*parts, table(["test", "promise"], rows)] if rows else parts
