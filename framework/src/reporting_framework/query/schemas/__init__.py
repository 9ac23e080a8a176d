"""A report's table as others want it described: for people, as JSON Schema, for Athena and for Glue."""

from reporting_framework.query.schemas.comparison import SchemaComparison, compare_schemas, readable_as

__all__ = ["SchemaComparison", "compare_schemas", "readable_as"]
