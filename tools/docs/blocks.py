"""Building blocks of plugins: the base of settings and validators, and storage."""

from __future__ import annotations

from reporting_framework import storage
from reporting_framework.builtin.pydantic_validator import (
    ModelValidator,
    ModelValidatorSettings,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.query import schemas
from tools.docs.classes import described, function
from tools.docs.docstrings import as_markdown, text_of
from tools.docs.markdown import page


def blocks_page() -> str:
    """Render the page of base classes and storage."""
    kinds = [
        kind
        for name in storage.__all__
        if isinstance(kind := getattr(storage, name), type)
    ]
    return page(
        "Building blocks",
        "Classes and functions that a plugin may use with the"
        " [interfaces](interfaces.md).",
        "## Settings and validators",
        "`reporting_framework.plugin_api.settings` and"
        " `reporting_framework.builtin.pydantic_validator`.",
        *described(Settings, "###"),
        *described(ModelValidatorSettings, "###"),
        *described(ModelValidator, "###"),
        "## Storage",
        f"`reporting_framework.storage`: {as_markdown(text_of(storage, 'storage'))}",
        *function(storage.open_store),
        *function(storage.parse_location),
        *function(storage.write_frame),
        *[part for kind in kinds for part in described(kind, "###")],
        "## Schemas",
        "`reporting_framework.query.schemas`.",
        *function(schemas.compare_schemas),
        *function(schemas.readable_as),
        *described(schemas.SchemaComparison, "###"),
    )
