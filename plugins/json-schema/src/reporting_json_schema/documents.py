"""JSON Schema documents: the one of the setting, and those that it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from reporting_framework._text.messages import one_line
from reporting_framework.builtin.strict_json import NotStrict, parse_strict
from reporting_framework.errors import ReportingError, SettingsError
from reporting_json_schema.document_place import DocumentPlace
from reporting_json_schema.settings import PATH, Draft

_FOLDER = "http://document.invalid/schema/"
"""Base of a document without an ``$id``; the domain exists nowhere."""


_DRAFTS: dict[str, Draft] = {
    "json-schema.org/draft-04/schema": "4",
    "json-schema.org/draft-06/schema": "6",
    "json-schema.org/draft-07/schema": "7",
    "json-schema.org/draft/2019-09/schema": "2019-09",
    "json-schema.org/draft/2020-12/schema": "2020-12",
}


_ANCHORS = ("$anchor", "$dynamicAnchor", "$id", "id")
"""Keywords that may name a schema within its document."""

_VALUES = frozenset({"const", "default", "enum", "examples"})
"""Keywords that hold values, not schemas."""


class Node(NamedTuple):
    """Schema within a document.

    Attributes:
        schema: The schema: an object or a boolean.
        base: URI that its references are relative to.
    """

    schema: Any
    base: str


class Documents:
    """Documents of one folder, read when they are referred to.

    Args:
        place: The folder.
        draft: Draft of a document that does not name one.

    Raises:
        SettingsError: The document is not there, is not JSON, or is of another draft.

    Attributes:
        name: Name of the document.
        root: The document itself.
        draft: Draft of the document.
        problem: Error of a reference, if one could not be read: jsonschema-rs raises
            an error of its own in its place.
    """

    def __init__(self, place: DocumentPlace, draft: Draft) -> None:
        self._place = place
        self.name = place.name
        self.problem: ReportingError | None = None
        schema = self._read(place.name)
        self.draft = self._draft(schema, draft)
        self.root = self.rebased(Node(schema, _FOLDER + place.name))
        self._folder = self.root.base.rpartition("/")[0] + "/"
        self._known: dict[str, Any] = {}
        self._anchors: dict[tuple[str, str], Node] = {}
        self._add(self.root)

    def ignores(self, schema: Mapping[str, Any]) -> bool:
        """Return whether all keywords but ``$ref`` are ignored, as in old drafts."""
        return "$ref" in schema and self.draft in ("4", "6", "7")

    def retrieve(self, uri: str) -> Any:
        """Return the document of a URI, for references.

        Raises:
            ReportingError: It is not in the folder, or cannot be read.
        """
        uri = urldefrag(uri).url
        if uri not in self._known:
            try:
                self._add(Node(self._read(self._name(uri)), uri))
            except ReportingError as error:
                self.problem = error
                raise
        return self._known[uri]

    def target(self, node: Node) -> Node | None:
        """Return the schema that a schema refers to with ``$ref``.

        Returns `None` if it has no reference, or one to a schema that is in none of the
        documents, such as one that jsonschema-rs brings.
        """
        reference = node.schema.get("$ref") if isinstance(node.schema, dict) else None
        if not isinstance(reference, str):
            return None
        uri, fragment = urldefrag(urljoin(node.base, reference))
        fragment = unquote(fragment)
        try:
            target = Node(self.retrieve(uri), uri)
        except ReportingError:
            return None
        if fragment and not fragment.startswith("/"):
            return self._anchors.get((uri, fragment))
        for token in fragment.split("/")[1:]:
            schema = self.rebased(target).schema
            name = token.replace("~1", "/").replace("~0", "~")
            try:
                part = schema[int(name) if isinstance(schema, list) else name]
            except (KeyError, IndexError, ValueError, TypeError):
                return None
            target = Node(part, self.rebased(target).base)
        return self.rebased(target)

    def rebased(self, node: Node) -> Node:
        """Return a schema with the base that its own id gives it."""
        keyword = "id" if self.draft == "4" else "$id"
        own = node.schema.get(keyword) if isinstance(node.schema, dict) else None
        if not isinstance(own, str) or own.startswith("#"):
            return node
        return Node(node.schema, urldefrag(urljoin(node.base, own)).url)

    def _add(self, document: Node) -> None:
        """Add a document, and the schemas in it that have an id or an anchor."""
        self._known[document.base] = document.schema
        nodes = [document]
        while nodes:
            node = self.rebased(nodes.pop())
            if isinstance(node.schema, list):
                nodes += [Node(part, node.base) for part in node.schema]
            if not isinstance(node.schema, dict):
                continue
            self._known.setdefault(node.base, node.schema)
            for keyword in _ANCHORS:
                if isinstance(name := node.schema.get(keyword), str):
                    self._anchors[node.base, name.removeprefix("#")] = node
            nodes += [
                Node(part, node.base)
                for keyword, part in node.schema.items()
                if keyword not in _VALUES
            ]

    def _draft(self, schema: Any, default: Draft) -> Draft:
        """Return the draft that the document names.

        Raises:
            SettingsError: It is another one than the known ones.
        """
        named = schema.get("$schema") if isinstance(schema, dict) else None
        if named is None:
            return default
        plain = str(named).rstrip("#").partition("://")[2]
        if plain not in _DRAFTS:
            raise SettingsError(
                f"validator json-schema: schema {self.name}: $schema is"
                f" {one_line(str(named))}; it must be that of draft"
                f" {', '.join(_DRAFTS.values())}",
                path=PATH,
            )
        return _DRAFTS[plain]

    def _name(self, uri: str) -> str:
        """Return the name of a document within the folder.

        Raises:
            SettingsError: It is not in the folder.
        """
        name = unquote(uri.removeprefix(self._folder))
        inside = uri.startswith(self._folder) and not any(
            part in ("", ".", "..") or "\\" in part for part in name.split("/")
        )
        if not inside:
            shown = uri.removeprefix(_FOLDER).removeprefix("http://document.invalid/")
            raise SettingsError(
                f"validator json-schema: schema {self.name}: it refers to"
                f" {shown}, which is not in its folder and is not fetched; put the"
                " document beside it",
                path=PATH,
            )
        return name

    def _read(self, name: str) -> Any:
        try:
            return parse_strict(self._place.read(name))
        except NotStrict as error:
            raise SettingsError(
                f"validator json-schema: schema {name}: it is not strict JSON"
                f" ({error.error_type}); correct the document",
                path=PATH,
            ) from error
