"""Schemas of a report's table: for people, as JSON Schema, for Athena, for Glue."""

from reporting_framework.query.schemas.comparison import (
    SchemaComparison,
    compare_schemas,
    readable_as,
)

__all__ = ["SchemaComparison", "compare_schemas", "readable_as"]
