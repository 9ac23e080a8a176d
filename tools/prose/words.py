"""The words to avoid, listed in pyproject.toml, and the prose of Python files."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["prose"]
_LIST = "|".join(SETTINGS["words"]).replace(" ", r"\s+")
_WORDS = re.compile(rf"\b(?:{_LIST})\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:what|whether|where|those|how)\b", re.IGNORECASE)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class PythonProse(NamedTuple):
    """The prose of a Python file."""

    docstrings: list[str]
    messages: list[str]


def listed_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the words of the list in a text, each with the number of its line."""
    for match in _WORDS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def python_prose(source: str) -> PythonProse:
    """Return the docstrings of a module, and its other strings of several words.

    A string expression under an assignment documents it and is a docstring.
    """
    tree = ast.parse(source)
    documentation = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and _is_text(node.value)
    ]
    known = set(map(id, documentation))
    messages = [
        node for node in ast.walk(tree) if _is_text(node) and id(node) not in known
    ]
    return PythonProse(
        [_text(node) for node in documentation],
        [text for node in messages if " " in (text := _text(node)).strip()],
    )


def openings(source: str) -> tuple[int, int]:
    """Count the docstrings of a module that open with a question word, and all."""
    found = [
        text
        for node in ast.walk(ast.parse(source))
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node))
    ]
    return sum(bool(_OPENING.match(text)) for text in found), len(found)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""
