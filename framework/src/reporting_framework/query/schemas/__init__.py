"""Schemas of a report's table: for people, as JSON Schema, for Athena, for Glue."""

from reporting_framework.query.schemas.comparison import (
    SchemaComparison,
    compare_schemas,
    readable_as,
)
from reporting_framework.query.schemas.mapping import SchemaMapping

__all__ = ["SchemaComparison", "SchemaMapping", "compare_schemas", "readable_as"]
