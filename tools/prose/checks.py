"""Measures of prose and its faults, over all files of the repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.prose.markdown import broken_blocks, dead_links, first_paragraph
from tools.prose.words import LISTED, ROOT, code_faults, listed_words

HAND_WRITTEN = ("glossary.md",)
"""Pages of ``docs/reference`` that no generator writes."""
OPENING = "After this page you can "
README_LINES = 180


def files(pattern: str) -> list[Path]:
    """List the files that git knows or would add, by a pattern such as ``*.md``."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(filter(None, done.stdout.split("\0"))))
    return [path for name in names if (path := ROOT / name).exists()]


def pages() -> list[Path]:
    """List the Markdown pages that are written by hand."""
    return [path for path in files("*.md") if not is_generated(path)]


def is_generated(path: Path) -> bool:
    """Tell whether a page is made of the code, templates included."""
    generated = path.parent == ROOT / "docs" / "reference"
    return (generated and path.name not in HAND_WRITTEN) or "{{" in str(path)


def page_faults(path: Path) -> Iterator[str]:
    """Yield the listed words, dead links and broken code blocks of a page."""
    text, name = path.read_text(), path.relative_to(ROOT)
    for line, word in listed_words(text):
        yield f'{name}:{line}: "{word}" {LISTED}'
    yield from (f"{name}: {fault}" for fault in broken_blocks(text))


def link_faults(path: Path) -> Iterator[str]:
    """Yield the dead links of a page, generated pages included."""
    yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in dead_links(path))


def without_opening() -> list[Path]:
    """List the how-to pages that do not open with the reader's gain."""
    return [
        path
        for path in sorted((ROOT / "docs" / "how-to").glob("*.md"))
        if not first_paragraph(path.read_text()).startswith(OPENING)
    ]


def modules() -> list[Path]:
    """List the modules of the packages and tools, templates and tests left out."""
    return [
        path
        for path in files("*.py")
        if (parts := set(path.relative_to(ROOT).parts)) & {"src", "tools", "benchmarks"}
        and not parts & {"tests", "templates"}
    ]


def module_faults(path: Path) -> Iterator[str]:
    """Yield the faults in docstrings and messages of a module."""
    name = path.relative_to(ROOT)
    for line, fault in code_faults(path.read_text()):
        yield f"{name}:{line}: {fault}"


def misspelled() -> list[str]:
    """Return the lines that codespell prints, with its settings in pyproject.toml."""
    names = [str(path.relative_to(ROOT)) for path in (*pages(), *modules())]
    done = subprocess.run(
        ["codespell", *names], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.splitlines() + done.stderr.splitlines()


def main() -> None:
    """Print the table and the faults; exit with 1 if there are any."""
    written = pages()
    listed = [fault for path in written for fault in page_faults(path)]
    dead = [fault for path in files("*.md") for fault in link_faults(path)]
    silent = without_opening()
    spelling = misspelled()
    coded = [fault for path in modules() for fault in module_faults(path)]
    readme = len((ROOT / "README.md").read_text().splitlines())
    how_to = len(list((ROOT / "docs" / "how-to").glob("*.md")))
    rows = [
        ("lines of README.md", f"{readme}", f"{README_LINES}"),
        ("listed words and broken blocks in pages", f"{len(listed)}", "0"),
        ("dead links", f"{len(dead)}", "0"),
        ("misspelled words", f"{len(spelling)}", "0"),
        ("how-to pages that open as they must", f"{how_to - len(silent)}", f"{how_to}"),
        ("listed words and openings in docstrings and messages", f"{len(coded)}", "0"),
    ]
    print(f"{'measure':<60}{'now':>8}{'bar':>8}")
    for name, now, bar in rows:
        print(f"{name:<60}{now:>8}{bar:>8}")
    faults = [*listed, *dead, *spelling, *coded]
    faults += [f'{path}: first paragraph must start "{OPENING}"' for path in silent]
    faults += [f"README.md: {readme} lines; shorten it"] * (readme > README_LINES)
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    sys.exit(bool(faults))
