"""Paths in records, reduced to the names that a document declares."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_json_schema.documents import Documents, Node
from reporting_json_schema.schema_facts import child_of


class DocumentPaths:
    """Paths of declared properties; names that only a record has are never returned.

    Args:
        root: Schema of the records.
        documents: The documents.
    """

    def __init__(self, root: Node, documents: Documents) -> None:
        self._root = root
        self._documents = documents
        self._known: dict[tuple[int | str, ...], str | None] = {}

    def declared(self, path: Sequence[int | str]) -> str | None:
        """Return the dotted names along a path of keys and list indices.

        The names end before the first key that is not declared.
        """
        key = tuple(0 if isinstance(segment, int) else segment for segment in path)
        if key not in self._known:
            if len(self._known) > 10_000:  # keys come from records, too
                self._known.clear()
            self._known[key] = self._names(key)
        return self._known[key]

    def _names(self, path: Sequence[int | str]) -> str | None:
        node: Node | None = self._root
        names: list[str] = []
        for segment in path:
            node = node and child_of(node, segment, self._documents)
            if node is None:
                break
            if isinstance(segment, str):
                names.append(segment)
        return ".".join(names) or None
