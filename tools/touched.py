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


def main() -> None:
    """Run pytest on the tests that the change touches; without any, say so."""
    tests = sorted({str(test) for file in changed() for test in tests_of(Path(file))})
    if not tests:
        print("nothing is touched that has tests of its own; `hatch run test` runs all")
        return
    command = ["pytest", "-n", "auto", "--dist", "loadscope", *tests, *sys.argv[1:]]
    print(" ".join(command), flush=True)
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


def changed() -> list[str]:
    """List the files that differ from the main branch, new ones included."""
    base = _git("merge-base", "HEAD", "origin/main") or _git(
        "merge-base", "HEAD", "main"
    )
    named = _git("diff", "--name-only", *(base or ["HEAD"]))
    return [*named, *_git("ls-files", "--others", "--exclude-standard")]


def tests_of(file: Path) -> Iterator[Path]:
    """Yield the tests of a file, as far as they are there."""
    text = file.as_posix()
    tests: list[Path] = []
    if text.startswith("tests/") and file.name.startswith("test_"):
        tests = [file]
    elif text.startswith("tests/"):
        tests = [file.parent]
    elif text.startswith(CORE):
        tests = _beside(Path(text.removeprefix(CORE)), TESTS)
    elif text.startswith("plugins/") and "/src/" in text:
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
