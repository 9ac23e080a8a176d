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
    offered,
)

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
SPARK = "[reporting_framework]\nspark = reporting_spark.plugin\n"
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


@pytest.fixture
def home(tmp_path_factory) -> Path:
    """Files of an interpreter, as they are downloaded: some that an archive has, and others."""
    home = tmp_path_factory.mktemp("home")
    library = f"lib/python{RUNNING}"
    for name, text in {
        f"bin/python{RUNNING}": "#!/bin/sh\n",
        "bin/pip": "#!/bin/sh\n",
        f"lib/libpython{RUNNING}.so.1.0": "machine code",
        "lib/tcl9/init.tcl": "",
        "include/Python.h": "",
        f"{library}/os.py": "",
        f"{library}/json/__init__.py": "",
        f"{library}/test/test_os.py": "",
        f"{library}/site-packages/pip/__init__.py": "",
        f"{library}/config-{RUNNING}-x86_64/Makefile": "",
        f"{library}/_sysconfigdata__linux_x86_64-linux-gnu.py": (
            "# system configuration generated and used by the sysconfig module\n"
            "build_time_vars = {'prefix': '/install'}\n"
        ),
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "bin" / f"python{RUNNING}").chmod(0o755)
    (home / "bin" / "python").symlink_to(f"python{RUNNING}")
    return home


@pytest.fixture
def spark(toy, offline, home, tmp_path_factory, monkeypatch) -> Path:
    """A made-up engine `spark`, installed from a wheel, and an interpreter that uv offers."""
    wheels = tmp_path_factory.mktemp("spark")
    given = {"requires": ["reporting-framework", "pyspark"], "points": SPARK}
    files = {"reporting_spark/__init__.py": ""}
    wheel = make_wheel(wheels, "reporting-spark", "0.1.0", files=files, **given)
    install(toy, "reporting-spark", "0.1.0", direct_url=from_wheel(wheel), **given)
    make_wheel(offline, "pyspark", requires=["py4j"])
    make_wheel(offline, "py4j")
    offered(wheels / "offered", monkeypatch, home, RUNNING)
    return wheels
