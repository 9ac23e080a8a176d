"""A report's table as others want it described: for people, as JSON Schema, for Athena and for Glue."""
