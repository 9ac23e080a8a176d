"""Fixtures of the core's tests: a folder for fake distributions, and the toy report."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reporting_framework import run_report
from tests.framework.distributions import TOYS, Site
from tests.support.events import made_of
from tests.support.events import name as name_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "visit-events"


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
    for name in [
        each for each in os.environ if each.startswith(("REPORTING_", "TOY_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    return site


@pytest.fixture
def settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[object, object], Path]:
    """Makes a working directory whose reporting.toml leads the report of visit events to a source and a checkpoint."""

    def made(source: object, checkpoint: object) -> Path:
        for name in [each for each in os.environ if each.startswith("REPORTING_")]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "100")
        settings = f'[settings.event-log-checkpoint]\nsource = "{source}"\ncheckpoint = "{checkpoint}"\n'
        (tmp_path / "reporting.toml").write_text(settings)
        return tmp_path

    return made


@pytest.fixture
def ran(tmp_path: Path, settled: Callable[[object, object], Path]) -> Path:
    """A working directory with a report that ran on two good events and a bad one."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / name_of(number)).write_bytes(
            made_of() if number else made_of(study=7)
        )
    settled(f"{tmp_path}/in", f"{tmp_path}/out/x.parquet")
    run_report("event-log-checkpoint")
    return tmp_path


@pytest.fixture
def checkpointed(few: Path, settled: Callable[[object, object], Path]) -> Path:
    """A working directory whose reporting.toml leads to the checkpoint of a few events."""
    return settled(f"{few}/in", f"{few}/out.parquet")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 14 events of the example, of four participants, and their checkpoint: 3 visits share a second."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "in").mkdir()
    for each in EXAMPLE.iterdir():
        if "TWIN" in each.name or "-SYN0013-" in each.name:
            shutil.copy(each, folder / "in")
    run_report(
        "event-log-checkpoint",
        {"source": f"{folder}/in", "checkpoint": f"{folder}/out.parquet"},
    )
    return folder
