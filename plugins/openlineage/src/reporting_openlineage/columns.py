"""Column lineage of outputs: what the framework knows, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from openlineage.client.facet_v2 import column_lineage_dataset

from reporting_openlineage.naming import name_of

if TYPE_CHECKING:
    from reporting_framework import ColumnSource


def column_lineage(
    inputs: list[str], columns: Mapping[str, ColumnSource]
) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
    """Return the column lineage of an output.

    Args:
        inputs: Places that the source reads. With several it is not known which one a
            column comes from.
        columns: Columns of the source, by the name of the column in the output.

    Returns:
        The facet, `None` if nothing is known.
    """
    if len(inputs) != 1 or not columns:
        return None
    place = name_of(inputs[0])
    fields = {}
    for name, source in columns.items():
        how = column_lineage_dataset.Transformation(
            type="DIRECT",
            subtype="TRANSFORMATION" if source.converted else "IDENTITY",
            description="type conversion" if source.converted else "",
            masking=False,
        )
        field = column_lineage_dataset.InputField(
            place.namespace, place.name, source.column, transformations=[how]
        )
        fields[name] = column_lineage_dataset.Fields(inputFields=[field])
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)
