"""Changes of the columns of a Delta table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from deltalake import Field

from reporting_delta.column_types import delta_schema, holds
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.storage import row_versions

_LAST = (SOURCE_KEY, *row_versions.VERSION_COLUMNS)
"""Columns that follow all others."""


def added_columns(uri: str, present: pl.Schema, rows: pl.Schema) -> Sequence[Field]:
    """Return the columns that a table lacks.

    Raises:
        CorruptCheckpoint: A column of the table cannot hold the values of the rows.
    """
    check_types(uri, present, rows)
    missing = {name: kind for name, kind in rows.items() if name not in present}
    return delta_schema(pl.Schema(missing)).fields if missing else []


def check_types(uri: str, present: pl.Schema, rows: pl.Schema) -> None:
    """Refuse rows that the columns of a table cannot hold.

    Raises:
        CorruptCheckpoint: A column of the table has a narrower or another type.
    """
    problems = [
        f"column {name} is {present[name]}, not {kind}"
        for name, kind in rows.items()
        if name in present and not holds(present[name], kind)
    ]
    if present and SOURCE_KEY not in present:
        problems.append(f"no column {SOURCE_KEY}")
    if problems:
        raise CorruptCheckpoint(
            f"{uri}: the table has other columns: {'; '.join(problems)}; a column keeps"
            " its type: convert the values with a transform, or reset the report"
        )


def joined(present: pl.Schema, rows: pl.Schema) -> pl.Schema:
    """Return the columns of the rows in the table's types, and then its other columns.

    The source key and the columns of ``upsert`` are last.
    """
    columns = {name: present.get(name, kind) for name, kind in rows.items()}
    more = {name: kind for name, kind in present.items() if name not in rows}
    columns |= more
    last = {name: columns.pop(name) for name in _LAST if name in columns}
    return pl.Schema({**columns, **last})
