"""Data of a split: the files to read, and what is known of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl


class SplitData(NamedTuple):
    """Files of a split.

    Attributes:
        keys: Paths, in order.
        schema: Columns of the report.
        replaced: For each file whose rows are replaced: number of its old records, and
            version of its old rows.
        refused: For each file that is refused: its version, and its entry in the state.
    """

    keys: Sequence[str]
    schema: pl.Schema
    replaced: Mapping[str, tuple[int, str]] = {}
    refused: Mapping[str, tuple[str, list[Any]]] = {}

    def to_json(self) -> dict[str, Any]:
        """Return the data as JSON types."""
        return {
            "keys": list(self.keys),
            "schema": _packed(self.schema),
            "replaced": {key: list(old) for key, old in self.replaced.items()},
            "refused": {key: list(old) for key, old in self.refused.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SplitData:
        """Return the files of a split."""
        return cls(
            data["keys"], _unpacked(data["schema"]), data["replaced"], data["refused"]
        )


def _packed(schema: pl.Schema) -> str:
    """Return a schema as text: an empty Arrow file, which has every type."""
    target = io.BytesIO()
    schema.to_frame().write_ipc(target)
    return base64.b64encode(target.getvalue()).decode()


def _unpacked(text: str) -> pl.Schema:
    return pl.read_ipc(io.BytesIO(base64.b64decode(text))).schema
