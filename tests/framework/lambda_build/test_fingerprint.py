"""What decides what a build makes."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reporting_framework.lambda_build.fingerprint import fingerprint, sources
from reporting_framework.lambda_build.provenance import Provenance
from reporting_framework.lambda_build.selection import Selection
from reporting_framework.lambda_build.target import Target

TARGET = Target("x86_64", "3.12")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("src/a.py", "src/build/b.py", "pyproject.toml", ".hidden"):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(name)
    (tmp_path / "pylock.toml").write_text("lock")
    (tmp_path / "reporting.toml").write_text("")
    return tmp_path / "project"


def selection(project: Path) -> Selection:
    return Selection(
        {"thing": ()},
        (Provenance("thing", "1", "folder", project),),
        (Provenance("report", "2", "index"),),
        project.parent / "reporting.toml",
    )


def fingerprint_of(
    project: Path, chosen: Selection | None = None, report="toy", target=TARGET
) -> str:
    place = project.parent
    return fingerprint(
        report,
        chosen or selection(project),
        target,
        place / "pylock.toml",
        place / "out",
    )


def test_the_same_inputs_elsewhere_have_the_same(project, tmp_path):
    shutil.copytree(project.parent, tmp_path / "copy")
    assert fingerprint_of(project) == fingerprint_of(tmp_path / "copy" / "project")


@pytest.mark.parametrize(
    "name",
    [
        "project/src/a.py",
        "project/src/build/b.py",
        "project/new.py",
        "project/.hidden",
        "pylock.toml",
        "reporting.toml",
    ],
)
def test_every_source_counts(project, name):
    before = fingerprint_of(project)
    (project.parent / name).write_text("changed")
    assert fingerprint_of(project) != before


@pytest.mark.parametrize(
    "name",
    [
        "dist/x.whl",
        "build/lib/a.py",
        ".git/HEAD",
        "src/__pycache__/a.pyc",
        "a.egg-info/X",
        "env/pyvenv.cfg",
        ".coverage.1",
    ],
)
def test_what_is_made_does_not(project, name):
    before = fingerprint_of(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("changed")
    assert fingerprint_of(project) == before


def test_nor_does_the_folder_of_the_results(project):
    (project / "results").mkdir()
    (project / "results" / "x.zip").write_text("")
    assert project / "results" / "x.zip" not in set(
        sources(project, project / "results")
    )


def test_options_and_versions_count(project):
    chosen = selection(project)
    others = [
        fingerprint_of(project, report="other"),
        fingerprint_of(project, target=Target("arm64", "3.12")),
        fingerprint_of(project, target=Target("x86_64", "3.13")),
        fingerprint_of(project, replace(chosen, roots={"thing": ("x",)})),
        fingerprint_of(
            project, replace(chosen, pinned=(Provenance("report", "3", "index"),))
        ),
        fingerprint_of(project, replace(chosen, config=None)),
        fingerprint_of(
            project,
            replace(
                chosen, local=(Provenance("thing", "1", "wheel", project / "src/a.py"),)
            ),
        ),
        fingerprint_of(
            project, replace(chosen, local=(Provenance("thing", "1", "wheel"),))
        ),
    ]
    assert len({fingerprint_of(project), *others}) == 1 + len(others)
