"""Words to avoid, listed in pyproject.toml, and the prose of Python files."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["prose"]
_LIST = "|".join(SETTINGS["words"]).replace(" ", r"\s+")
_WORDS = re.compile(rf"\b(?:{_LIST})\b", re.IGNORECASE)
_OPENING = re.compile(r"\s*(what|whether|where|those|how|who)\b", re.IGNORECASE)

LISTED = "is on the list of words; use a plainer one"
"""End of a message about a word."""


def listed_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the words of the list in a text, each with the number of its line."""
    for match in _WORDS.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def code_faults(source: str) -> Iterator[tuple[int, str]]:
    """Yield the faults in docstrings and messages of a module, each with its line.

    A string expression under an assignment documents it and is a docstring. All other
    strings of several words are messages.
    """
    nodes = list(ast.walk(ast.parse(source)))
    documents = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        text, documenting = node.value, id(node) in documents
        if documenting and (opening := _OPENING.match(text)):
            yield (
                node.lineno,
                f'docstring opens with "{opening[1]}"; use a noun or verb',
            )
        if documenting or " " in text.strip():
            for line, word in listed_words(text):
                yield node.lineno + line - 1, f'"{word}" {LISTED}'
