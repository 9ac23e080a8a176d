"""An environment made up for a test: a toy report, a framework, an index in a folder, and no network."""

import shutil
import sys
from pathlib import Path

import pytest

from reporting_framework.lambda_build.target import Target
from tests.framework.distributions import Site
from tests.framework.lambda_build.making import (
    from_wheel,
    index_in,
    install,
    install_framework,
    make_wheel,
)

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
TOY = "[reporting_framework]\nreporting-toy = reporting_toy.plugin\n"


@pytest.fixture
def target() -> Target:
    """A target of the running Python, whether or not Lambda has it."""
    return Target("x86_64", RUNNING)


@pytest.fixture
def offline(
    toy: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The toy report, installed from a wheel, with all it needs in a folder that uv takes for the index."""
    index, wheels = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("wheels")
    install_framework(toy, wheels)
    shutil.rmtree(toy.folder / "reporting_toy-1.2.dist-info")
    needs = ["reporting-framework", "made-up-models>=1"]
    files = {"reporting_toy/__init__.py": "", "reporting_toy/plugin.py": "X = 1\n"}
    wheel = make_wheel(
        wheels, "reporting-toy", "1.2", requires=needs, points=TOY, files=files
    )
    install(
        toy,
        "reporting-toy",
        "1.2",
        requires=needs,
        points=TOY,
        direct_url=from_wheel(wheel),
    )
    make_wheel(index, "click", requires=["made-up-colours"])
    make_wheel(index, "made-up-colours")
    make_wheel(
        index,
        "made-up-frames",
        tag="py3-none-manylinux_2_28_x86_64",
        files={"frames/x.so": "machine code"},
    )
    make_wheel(index, "made-up-tools", requires=["made-up-shared"])
    make_wheel(index, "made-up-shared")
    make_wheel(index, "made-up-models", requires=["made-up-shared"])
    return index_in(index, monkeypatch)
