"""Descriptions of a report's table, as others want it described.

There is one for people, one as JSON Schema, one for Athena and one for Glue.
"""

from reporting_framework.query.schemas.comparison import (
    SchemaComparison,
    compare_schemas,
    readable_as,
)

__all__ = ["SchemaComparison", "compare_schemas", "readable_as"]
