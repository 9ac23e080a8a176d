"""``hatch run structure``: print measures of the core's layout, one a row.

A room is a top-level module or package of the core. An arrow is an import from one room
to another, however many statements there are, those under ``TYPE_CHECKING`` included.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grimp

ROOT = Path(__file__).parents[1]
CORE = "reporting_framework"
SOURCE = ROOT / "framework" / "src" / CORE
DRAWING = ROOT / "docs" / "explanation" / "architecture.md"
SUITES = SOURCE / "testing"
BOUNDARY = "plugin_errors.py"
"""The module of the error boundary, the only one that may open it."""


def main() -> None:
    """Print the table."""
    import grimp  # the environment of tests has no need of it

    graph = grimp.build_graph(CORE, exclude_type_checking_imports=False)
    arrows = room_arrows(graph)
    modules, packages = rooms()
    runner = SOURCE / "execution" / "runner.py"
    for name, value in (
        ("top-level modules of the core", f"{modules} + {packages} packages"),
        ("import arrows between rooms", len(arrows)),
        ("circles between rooms", len(circles(arrows))),
        ("arrows that the drawing has wrong", len(drawn() ^ essential(arrows))),
        ("lines of the runner", len(runner.read_text().splitlines())),
        ("private methods and functions of the runner", private_functions(runner)),
        ("openings of the error boundary outside its module", boundary_openings()),
        ("lines of product code", product_lines()),
        ("statements of product code", statements()),
        ("statements of the suites for plugin authors", statements(SUITES)),
    ):
        print(f"{name:<52}{value:>16}")


def rooms() -> tuple[int, int]:
    """Count the top-level modules and packages of the core."""
    modules = sum(
        path.suffix == ".py" and path.name != "__init__.py" for path in SOURCE.iterdir()
    )
    packages = sum(
        (path / "__init__.py").exists() for path in SOURCE.iterdir() if path.is_dir()
    )
    return modules, packages


def room_arrows(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    """Collect the imports between rooms.

    The package's own ``__init__`` re-exports and is not a room.
    """
    arrows = set()
    for importer in graph.modules - {CORE}:
        for imported in graph.find_modules_directly_imported_by(importer) - {CORE}:
            pair = importer.split(".")[1], imported.split(".")[1]
            if pair[0] != pair[1]:
                arrows.add(pair)
    return arrows


def circles(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Collect the arrows whose end leads back to their start."""
    return {(begin, end) for begin, end in arrows if begin in reached(end, arrows)}


def essential(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Collect the arrows that do not follow from others."""
    return {
        (begin, end)
        for begin, end in arrows
        if end not in reached(begin, arrows - {(begin, end)})
    }


def reached(start: str, arrows: set[tuple[str, str]]) -> set[str]:
    """Collect the rooms to which arrows lead from one."""
    todo, seen = [start], set[str]()
    while todo:
        room = todo.pop()
        ends = {end for begin, end in arrows if begin == room} - seen
        seen |= ends
        todo += ends
    return seen


def drawn() -> set[tuple[str, str]]:
    """Collect the arrows of the drawing in the page on the architecture."""
    arrows = set()
    for begin, ends in re.findall(
        r"^    (\w+)(?:\[.*?\])? --> (.*)$", DRAWING.read_text(), re.MULTILINE
    ):
        for end in re.sub(r"\[.*?\]", "", ends).split(" & "):
            arrows.add((begin, end.replace("text", "_text")))
    return arrows


def private_functions(path: Path) -> int:
    """Count functions and methods whose name begins with one underscore."""
    tree = ast.parse(path.read_text())
    functions = [
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    ]
    return sum(name.startswith("_") and not name.startswith("__") for name in functions)


def boundary_openings() -> int:
    """Count the statements that open the error boundary.

    Those in the module that defines it do not count.
    """
    return sum(
        len(re.findall(r"\bwith (?:step|plugin_errors)\(", path.read_text()))
        for path in product_files()
        if path.name != BOUNDARY
    )


def product_lines() -> int:
    """Count the lines of Python that is shipped, templates and docstrings included."""
    return sum(len(path.read_text().splitlines()) for path in product_files())


def statements(folder: Path = ROOT) -> int:
    """Count the statements below a folder of Python that is shipped.

    Unlike lines they do not depend on the width of a line. Docstrings are not counted,
    nor are templates, which are no Python yet.
    """
    return sum(
        isinstance(node, ast.stmt) and not _is_docstring(node)
        for path in product_files()
        if path.is_relative_to(folder) and "{{" not in str(path)
        for node in ast.walk(ast.parse(path.read_text()))
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def product_files() -> list[Path]:
    """List the Python files of the core and the first-party plugins."""
    listed = subprocess.run(
        ["git", "ls-files", "framework/src/**.py", "plugins/*/src/**.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


if __name__ == "__main__":
    main()
