"""Wheels of this machine, and what uv is asked."""

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.provenance import Provenance
from reporting_framework.lambda_build.selection import Selection
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.wheels import (
    identity,
    local_wheels,
    requirements,
    requires_of,
)
from tests.framework.lambda_build.making import make_wheel

TARGET = Target("x86_64", "3.12")
BACKEND = """
import shutil

def build_wheel(folder, config_settings=None, metadata_directory=None):
    shutil.copy("thing-1.0-py3-none-any.whl", folder)
    return "thing-1.0-py3-none-any.whl"
"""
PROJECT = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
)


def test_a_folder_is_built_and_a_wheel_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    project = tmp_path / "project"
    make_wheel(project, "thing", requires=["a>=1"])
    (project / "pyproject.toml").write_text(
        PROJECT + '[project]\nname = "thing"\nversion = "1.0"\n'
    )
    (project / "backend.py").write_text(BACKEND)
    other = make_wheel(tmp_path, "other")
    local = [
        Provenance("thing", "1.0", "folder", project),
        Provenance("other", "1.0", "wheel", other),
    ]
    thing, taken = local_wheels(local, tmp_path / "made")
    assert (thing.path, thing.requires) == (
        tmp_path / "made" / "thing" / "thing-1.0-py3-none-any.whl",
        ("a>=1",),
    )
    assert (taken.path, taken.requires) == (other, ())


def test_what_cannot_be_built(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[build-system")
    with pytest.raises(
        BuildError, match=rf"^building a wheel of thing in {tmp_path}: uv says: "
    ):
        local_wheels(
            [Provenance("thing", "1.0", "folder", tmp_path)], tmp_path / "made"
        )
    with pytest.raises(BuildError, match="^thing: it comes from no folder or wheel"):
        local_wheels([Provenance("thing", "1.0", "index")], tmp_path / "made")


def test_what_is_not_a_wheel(tmp_path):
    (tmp_path / "x.whl").write_text("no")
    with pytest.raises(
        BuildError, match=rf"^{tmp_path}/x.whl: not a wheel \(File is not a zip file\);"
    ):
        requires_of(tmp_path / "x.whl")


def selection(*pinned: Provenance) -> Selection:
    return Selection({"reporting-framework": ("aws",), "report": ()}, (), pinned, None)


def test_what_is_asked_names_places_and_what_decides_does_not(tmp_path):
    wheel = make_wheel(tmp_path / "a b", "reporting-framework", "0.1", requires=["x"])
    wheels = local_wheels(
        [Provenance("reporting-framework", "0.1", "wheel", wheel)], tmp_path
    )
    chosen = selection(Provenance("report", "2.0", "index", plugin=True))
    assert requirements(chosen, wheels) == [
        f"reporting-framework[aws] @ {wheel.as_uri()}",
        "report==2.0",
    ]
    assert identity(chosen, wheels, TARGET) == [
        "x86_64-manylinux_2_28 3.12", "reporting-framework[aws] 0.1", "  x", "report==2.0"
    ]  # fmt: skip
