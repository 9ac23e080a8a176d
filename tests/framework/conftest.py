"""Fixtures of the core's tests: a folder for fake distributions, and the toy report."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.framework.distributions import TOYS, Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder on the path for distributions; the modules that a test imports from it are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith(("fake_plugin_", "reporting_toy")):
            del sys.modules[name]


@pytest.fixture
def toy(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with the toy report installed, the working directory, and no settings in the environment."""
    monkeypatch.syspath_prepend(str(TOYS))
    site.add("reporting-toy", version="1.2", module="reporting_toy.plugin")
    monkeypatch.chdir(site.folder)
    for name in [each for each in os.environ if each.startswith(("REPORTING_", "TOY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    return site
