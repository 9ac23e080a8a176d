"""Schema of the rows that a pipeline gives its sinks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework._text.messages import did_you_mean
from reporting_framework.errors import PluginError, SettingsError, StepFailed
from reporting_framework.execution.plugin_errors import call, owner_of
from reporting_framework.execution.validator_binding import Columns
from reporting_framework.plugin_api.records import SOURCE_KEY

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.source_schema import SourceSchema
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import Validator


def schema_of(
    report: str, validator: Validator, transforms: Sequence[Transform]
) -> pl.Schema:
    """Return the schema after all transforms.

    The transforms are applied to a frame of the validator's schema without rows.

    Raises:
        PluginError: The source key is not its last column.
        SettingsError: A transform needs a column that nothing before it gives.
        StepFailed: A plugin raised an error of its own.
    """
    frame = call(owner_of(validator), lambda: validator.schema.to_frame())
    for number, transform in enumerate(transforms):
        try:
            frame = transform.apply(frame)
        except StepFailed as error:
            raise _with_column(error, number, transform, frame.columns) from error
    schema = frame.schema
    if schema.names()[-1:] != [SOURCE_KEY]:
        raise PluginError(
            f"report {report}: the last column after all transforms must be"
            f" {SOURCE_KEY}"
        )
    return schema


def known_schema_of(
    report: str,
    validator: Validator,
    transforms: Sequence[Transform],
    source_schema: SourceSchema | None,
    columns: Columns,
) -> pl.Schema:
    """Return the schema after all transforms; it is empty if it is not known."""
    try:
        return schema_of(report, validator, transforms)
    except SettingsError:
        if columns != "offline" or source_schema is not None:
            raise
        import polars as pl

        return pl.Schema()


def _with_column(
    error: StepFailed, number: int, transform: Transform, columns: Sequence[str]
) -> StepFailed | SettingsError:
    """Return the error of a transform; if it lacks a column, one that names it."""
    cause = error.__cause__
    if type(cause).__name__ != "ColumnNotFoundError":
        return error
    match = re.search(r'"([^"]*)"', str(cause))
    name = match[1] if match else ""
    return SettingsError(
        f"{owner_of(transform).subject} needs a column {name}, which nothing before it"
        f" gives{did_you_mean(name, columns)}; there are {', '.join(columns)}",
        path=("transforms", str(number)),
    )
