"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """Return the validator."""
    return [
        LazyPlugin(
            "json-schema",
            "reporting_json_schema.validator:JsonSchemaValidator",
            "a JSON Schema document (drafts 4 to 2020-12); JSON records",
        )
    ]
