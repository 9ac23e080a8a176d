"""What was made follows its template: cruft says that there is something new, and brings it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reporting_framework.scaffolding.origins import TEMPLATES, Repository
from reporting_framework.scaffolding.rendering import CRUFT, LAMBDA, PLUGIN, render

WHERE = Path("framework/src/reporting_framework/scaffolding/templates")
ANSWERS = {LAMBDA: {"name": "visits", "source": "own", "modules": "x/{module}"}, PLUGIN: {"name": "our-sink", "role": "sink"}}


def run(*command: str, folder: Path, code: int = 0) -> str:
    """What a command prints, in an environment where git knows who commits."""
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder), "PATH": path, "NO_COLOR": "1"} | who,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def committed(folder: Path) -> str:
    """Commit all that is in a folder, and give the commit."""
    run("git", "add", "-A", folder=folder)
    run("git", "commit", "-qm", "change", folder=folder)
    return run("git", "rev-parse", "HEAD", folder=folder)


@pytest.fixture
def origin(tmp_path) -> Repository:
    """A repository with the templates, as this project's has them."""
    folder = tmp_path / "origin"
    shutil.copytree(TEMPLATES, folder / WHERE, symlinks=True)
    (folder / "templates").symlink_to(WHERE)
    run("git", "init", "-q", folder=folder)
    return Repository(str(folder), committed(folder), folder)


@pytest.mark.slow
@pytest.mark.parametrize("template", [LAMBDA, PLUGIN])
def test_cruft_says_that_there_is_something_new_and_brings_it(template, origin, tmp_path):
    made = render(template, ANSWERS[template], tmp_path, origin)
    run("git", "init", "-q", folder=made)
    committed(made)
    assert "up to date" in run("cruft", "check", folder=made)
    assert run("cruft", "diff", folder=made) == ""

    (made / "src").joinpath(made.name.replace("-", "_"), "own.py").write_text("OWN = 1\n")
    readme = made / "README.md"
    readme.write_text(readme.read_text() + "\nOur own words.\n")
    committed(made)
    changed = Path(origin.url) / WHERE / template / "{{cookiecutter.name}}" / "README.md"
    changed.write_text(changed.read_text().replace("pip install hatch\n", "pip install hatch     # {{ cookiecutter.name }}\n"))
    committed(Path(origin.url))

    assert "out of date" in run("cruft", "check", folder=made, code=1)
    run("cruft", "update", "--skip-apply-ask", folder=made)
    text = readme.read_text()
    assert f"pip install hatch     # {made.name}\n" in text
    assert text.endswith("\nOur own words.\n")
    assert "up to date" in run("cruft", "check", folder=made)
    assert run("git", "status", "--porcelain", folder=made).split() == ["M", CRUFT, "M", "README.md"]


@pytest.mark.slow
def test_cruft_makes_the_same(origin, tmp_path):
    ours = render(PLUGIN, ANSWERS[PLUGIN], tmp_path / "ours", origin)
    answers = '{"name": "our-sink", "role": "sink"}'
    create = ["cruft", "create", origin.url, "--directory", f"templates/{PLUGIN}", "--no-input", "--default-config"]
    run(*create, "--extra-context", answers, "--output-dir", str(tmp_path / "theirs"), folder=tmp_path)
    theirs = tmp_path / "theirs" / ours.name
    files = {path.relative_to(ours) for path in ours.rglob("*") if path.is_file()}
    assert files == {path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()}
    assert [each for each in files if (ours / each).read_bytes() != (theirs / each).read_bytes()] == []


def test_without_a_commit_there_is_nothing_for_cruft(tmp_path):
    made = render(PLUGIN, ANSWERS[PLUGIN], tmp_path, Repository("https://example.org/r.git", None, None))
    assert not (made / CRUFT).exists()
