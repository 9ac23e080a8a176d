"""Positions of keys and values in a TOML file, for problems with its content.

Only `reporting lint` imports this module: a run needs no positions.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import tree_sitter_toml
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[str, ...]


class Position(NamedTuple):
    """Position in a text file.

    Attributes:
        line: Line, from 1.
        column: Column in characters, from 1.
    """

    line: int
    column: int


class Positions:
    """Positions of the keys of a TOML document, and of the items of its arrays.

    Args:
        text: The document, which must be valid TOML.
    """

    def __init__(self, text: str) -> None:
        content = text.encode()
        self._lines = content.split(b"\n")
        self._positions: dict[Path, Position] = {}
        self._elements: Counter[Path] = Counter()
        parser = Parser(Language(tree_sitter_toml.language()))
        for node in parser.parse(content).root_node.named_children:
            self._add_block(node)

    def of(self, path: Sequence[str]) -> Position | None:
        """Return the position of the key or array item at `path`.

        If it is not in the document, return the position of the nearest table or array
        around it; `None` if there is none.
        """
        return next(
            (
                self._positions[tuple(path[:end])]
                for end in range(len(path), 0, -1)
                if tuple(path[:end]) in self._positions
            ),
            None,
        )

    def __contains__(self, path: Sequence[str]) -> bool:
        """Return whether the document has a key or an array item at `path`."""
        return tuple(path) in self._positions

    def _add_block(self, node: Node) -> None:
        """Add a table, an element of an array of tables, or a pair outside tables."""
        if node.type == "pair":
            self._add_pair(node, ())
            return
        if node.type not in ("table", "table_array_element"):
            return
        key, *pairs = node.named_children
        path = self._add_keys(key, (), through_arrays=True)
        if node.type == "table_array_element":
            number = str(self._elements[path])
            self._elements[path] += 1
            path = (*path, number)
            self._positions[path] = self._position(node)
        for pair in pairs:
            self._add_pair(pair, path)

    def _add_pair(self, node: Node, table: Path) -> None:
        if node.type != "pair":  # a comment
            return
        key, value = (child for child in node.named_children if child.type != "comment")
        self._add_value(value, self._add_keys(key, table))

    def _add_value(self, node: Node, path: Path) -> None:
        if node.type == "inline_table":
            for pair in node.named_children:
                self._add_pair(pair, path)
        elif node.type == "array":
            items = (child for child in node.named_children if child.type != "comment")
            for number, item in enumerate(items):
                place = (*path, str(number))
                self._positions[place] = self._position(item)
                self._add_value(item, place)

    def _add_keys(
        self, node: Node, table: Path, *, through_arrays: bool = False
    ) -> Path:
        """Add a key, with dots or without; return its path.

        Args:
            node: The key.
            table: Path of the table that holds it.
            through_arrays: Whether the name of an array of tables means its last
                element, as in the header of a table.
        """
        path = table
        parts = list(_parts(node))
        for number, part in enumerate(parts, start=1):
            path = (*path, _name(part))
            self._positions.setdefault(path, self._position(part))
            if through_arrays and number < len(parts) and self._elements[path]:
                path = (*path, str(self._elements[path] - 1))
        return path

    def _position(self, node: Node) -> Position:
        row, column = node.start_point
        before = self._lines[row][:column].decode()
        return Position(row + 1, len(before) + 1)


def _parts(node: Node) -> Iterator[Node]:
    if node.type == "dotted_key":
        for child in node.named_children:
            yield from _parts(child)
    else:
        yield node


def _name(node: Node) -> str:
    text = (node.text or b"").decode()
    if node.type == "bare_key":
        return text
    document: Mapping[str, object] = tomllib.loads(f"{text} = 0")
    return next(iter(document))
