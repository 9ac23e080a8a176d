"""What docstrings describe is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    path
    for folder in ("framework/src", "plugins")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "{{" not in str(path) and "node_modules" not in path.parts
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_name_that_a_docstring_describes_is_there(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [*_unknown(tree)] == []


def test_each_text_between_statements_describes_an_assignment():
    """Such a text is the docstring of a constant; without one it is left over."""
    left_over = [
        f"{path.relative_to(ROOT)}:{text.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef)
        for before, text in zip(node.body, node.body[1:], strict=False)
        if isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and not isinstance(before, ast.Assign | ast.AnnAssign)
    ]
    assert left_over == []


def _unknown(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _missing(node, "Args", _parameters(node))
        if isinstance(node, ast.ClassDef):
            made = [
                each
                for each in node.body
                if isinstance(each, ast.FunctionDef) and each.name == "__init__"
            ]
            for each in made:
                yield from _missing(node, "Args", _parameters(each))
            if all(
                getattr(base, "id", "") in ("NamedTuple", "Protocol", "Plugin")
                for base in node.bases
            ):  # others inherit attributes
                yield from _missing(node, "Attributes", _attributes(node))


def _missing(
    node: ast.ClassDef | ast.FunctionDef, section: str, known: set[str]
) -> Iterator[str]:
    text = re.search(
        rf"^{section}:\n((?: .*\n|\n)*)", f"{ast.get_docstring(node) or ''}\n", re.M
    )
    for name in re.findall(r"^ {4}\*{0,2}(\w+):", text[1], re.M) if text else ():
        if name not in known:
            yield f"{node.name}: {section}: {name}"


def _parameters(node: ast.FunctionDef) -> set[str]:
    given = node.args
    return {
        each.arg
        for each in (
            *given.posonlyargs,
            *given.args,
            *given.kwonlyargs,
            *filter(None, (given.vararg, given.kwarg)),
        )
    }


def _attributes(node: ast.ClassDef) -> set[str]:
    return {
        name
        for each in ast.walk(node)
        for name in (
            getattr(each, "id", ""),
            getattr(each, "attr", ""),
            getattr(each, "name", ""),
        )
    }
