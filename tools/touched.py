"""``hatch run fast``: run the tests of what a change touches.

The change is what differs from the main branch, committed or not. A module is tested by
the test of its name in the folder of its package; a module without one by the whole
folder.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = "framework/src/reporting_framework/"
TESTS = Path("tests/framework")
FOLDERS = {"_text": "text"}
CONTRIBUTING = "tests/test_contributing.py"
ELSEWHERE = {
    f"{CORE}scaffolding/templates/": ["tests/framework/scaffolding", "tests/templates"],
    f"{CORE}testing/": ["tests/framework/testing", "tests/conformance"],
    "tests/support/": ["tests/support_tests"],
    "tools/docs/": ["tests/docs"],
    "tools/": ["tests/support_tests"],
    "benchmarks/": ["tests/examples"],
    ".ci/": [CONTRIBUTING],
    ".github/": [CONTRIBUTING],
    "bin/": [CONTRIBUTING],
    "hatch.toml": [CONTRIBUTING],
    "CONTRIBUTING.md": [CONTRIBUTING, "tests/docs"],
    "README.md": [CONTRIBUTING, "tests/docs"],
}
"""Tests of files that are not found by name; the first that a path begins with counts.
"""


def main() -> None:
    """Run pytest on the tests that the change touches; without any, say so."""
    tests = sorted({str(test) for file in changed() for test in tests_of(Path(file))})
    if not tests:
        print("no changed file has tests of its own; `hatch run test` runs all tests")
        return
    command = ["pytest", "-n", "auto", "--dist", "loadscope", *tests, *sys.argv[1:]]
    print(" ".join(command), flush=True)
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


def changed() -> list[str]:
    """List the files that differ from the main branch, new ones included.

    The main branch may be ahead here or at its origin: the nearer one counts, on a
    branch of its own.
    """
    here = _git("symbolic-ref", "--short", "HEAD")
    mains = [
        name
        for name in ("origin/main", "main")
        if [name] != here and _git("rev-parse", "--verify", "--quiet", name)
    ]
    base = _git("merge-base", "HEAD", *mains) if mains else []
    named = _git("diff", "--name-only", *(base or ["HEAD"]))
    return [*named, *_git("ls-files", "--others", "--exclude-standard")]


def tests_of(file: Path) -> Iterator[Path]:
    """Yield the existing tests of a file."""
    text = file.as_posix()
    tests: list[Path] = []
    listed = [each for start, each in ELSEWHERE.items() if text.startswith(start)]
    if text.startswith("tests/") and file.name.startswith("test_"):
        tests = [file]
    elif listed:
        tests = [Path(each) for each in listed[0]]
    elif text.startswith("tests/"):
        tests = [file.parent]
    elif text.startswith(CORE):
        tests = _beside(Path(text.removeprefix(CORE)), TESTS)
    elif text.startswith("plugins/"):
        folder = Path("tests/plugins") / file.parts[1].replace("-", "_")
        tests = _beside(Path(file.name), folder) or [folder]
    elif (first := file.parts[0]) in ("docs", "terraform", "examples", "templates"):
        tests = [Path("tests") / first]
    yield from (path for path in tests if (ROOT / path).exists())


def _beside(module: Path, tests: Path) -> list[Path]:
    """Return the test of a module's name, else the folder of its package."""
    parents = [FOLDERS.get(part, part) for part in module.parts[:-1]]
    own = tests.joinpath(*parents[:1], f"test_{module.stem}.py")
    if (ROOT / own).exists():
        return [own]
    return [tests.joinpath(*parents[:1])] if parents else []


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.split() if done.returncode == 0 else []


if __name__ == "__main__":
    main()
