"""Columns and primary key of a source in the header of the history.

A schema is kept as an empty Arrow stream: its types are read back exactly.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence

import polars as pl

Schemas = tuple[pl.Schema, pl.Schema]
"""Columns that a source had, and columns that a report took."""

_PRIMARY_KEY = "primary_key"
_KEYS = ("source_columns", "taken_columns")


def schemas_text(schemas: Schemas | None) -> dict[str, str]:
    """Return columns for the header; the second entry only if it differs."""
    if schemas is None:
        return {}
    texts = [_encoded(schema) for schema in schemas]
    return dict(zip(_KEYS, texts[: 1 if texts[0] == texts[1] else 2], strict=False))


def schemas_text_in(head: bytes) -> dict[str, str]:
    """Return the columns in a header line, as they are written there."""
    content = _content(head)
    return {key: text for key in _KEYS if isinstance(text := content.get(key), str)}


def schemas_in(head: bytes) -> Schemas | None:
    """Return the columns in a header line, `None` if it has none or is damaged."""
    texts = schemas_text_in(head)
    if _KEYS[0] not in texts:
        return None
    try:
        source = _decoded(texts[_KEYS[0]])
        taken = texts.get(_KEYS[1])
        return source, source if taken is None else _decoded(taken)
    except (ValueError, pl.exceptions.PolarsError, OSError):
        return None


def key_text(primary_key: Sequence[str] | None) -> dict[str, object]:
    """Return a primary key for the header."""
    return {_PRIMARY_KEY: list(primary_key)} if primary_key else {}


def key_in(head: bytes) -> Sequence[str] | None:
    """Return the primary key in a header line, `None` if it has none."""
    names = _content(head).get(_PRIMARY_KEY)
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names or None
    return None


def _content(head: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(head) if head else {}
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _encoded(schema: pl.Schema) -> str:
    written = io.BytesIO()
    schema.to_frame().write_ipc_stream(written)
    return base64.b64encode(written.getvalue()).decode()


def _decoded(text: str) -> pl.Schema:
    return pl.read_ipc_stream(base64.b64decode(text, validate=True)).schema
