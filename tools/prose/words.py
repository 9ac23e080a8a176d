"""Words to avoid, listed in pyproject.toml, and the prose of Python files."""

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
    """The prose of a Python file.

    Attributes:
        docstrings: Texts that document a module, a class, a function or a name.
        messages: All other strings of several words.
        documented: How many modules, classes and functions have a docstring.
        questions: How many of these open with a word such as "What".
    """

    docstrings: list[str]
    messages: list[str]
    documented: int
    questions: int


def listed_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the words of the list in a text, each with the number of its line."""
    for match in _WORDS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def python_prose(source: str) -> PythonProse:
    """Return the docstrings of a module, and its other strings of several words.

    A string expression under an assignment documents it and is a docstring.
    """
    nodes = list(ast.walk(ast.parse(source)))
    texts = [node for node in nodes if isinstance(node, ast.Constant)]
    expressions = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    opening = [
        text
        for node in nodes
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node))
    ]
    return PythonProse(
        [str(text.value) for text in texts if id(text) in expressions],
        [
            text.value
            for text in texts
            if isinstance(text.value, str)
            and id(text) not in expressions
            and " " in text.value.strip()
        ],
        len(opening),
        sum(bool(_OPENING.match(text)) for text in opening),
    )
