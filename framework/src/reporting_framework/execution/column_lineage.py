"""Columns of the source that columns of the sinks come from, as far as known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_framework.plugin_api.observer import ColumnSource
from reporting_framework.plugin_api.records import SOURCE_KEY

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline


def column_sources(pipeline: Pipeline) -> dict[str, ColumnSource]:
    """Return the source of each column whose origin is known, by its name.

    A validator of frames keeps names and may convert types. What a transform does is
    known only if it keeps values, so any other transform leaves nothing known. Of
    records that are no frames, the fields that a column comes from are not known.
    """
    known = pipeline.source_schema
    if known is None or not all(each.keeps_values for each in pipeline.transforms):
        return {}
    taken, validated = known.taken, pipeline.validator.schema
    return {
        name: ColumnSource(name, converted=taken[name] != dtype)
        for name, dtype in pipeline.schema.items()
        if name != SOURCE_KEY and name in taken and name in validated
    }
