"""Broken configuration files, each with all problems that are to be found in it.

The problems are at the end of a file, in comments that begin with ``#:``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reporting_framework.operations.lint import Problem, lint
from reporting_framework.registry.registry import load_plugins
from tests.framework.distributions import Site

CORPUS = Path(__file__).with_name("corpus")
MARK = "#: "


def found(path: Path, registry=None, **environment: str) -> list[str]:
    """The problems that are found in a file, one a line."""
    linted = lint(path, registry or load_plugins(), environment)
    here = os.getcwd()
    return [line(problem, path).replace(here, "HERE") for problem in linted.problems]


def line(problem: Problem, path: Path) -> str:
    """A problem as it is in the corpus."""
    place = problem.place.replace(str(path), "").lstrip(":")
    message = problem.message.replace(str(path), path.name)
    message = re.sub(r"; known: .*", "; known: …", message)  # what is installed
    return f"{place} {problem.severity}: {message}".lstrip()


@pytest.fixture
def sample(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with the plugins that the corpus names; the working directory."""
    site.add("sample", module="tests.framework.operations.lint.sample")
    monkeypatch.chdir(site.folder)
    return site


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*.toml")), ids=lambda path: path.stem
)
def test_every_problem_is_found_at_its_position(sample, path):
    text = path.read_text()
    expected = [
        each.removeprefix(MARK) for each in text.splitlines() if each.startswith(MARK)
    ]
    assert found(path) == expected


def test_no_problem_shows_a_secret(sample):
    for path in CORPUS.glob("*.toml"):
        assert not [each for each in found(path) if "hunter2" in each]
