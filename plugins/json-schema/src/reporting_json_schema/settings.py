"""Settings of the validator ``json-schema``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reporting_framework.builtin.model_reader import Extra
from reporting_framework.plugin_api.settings import Settings

PATH = ("schema",)
"""Path of the setting that names the document."""

Draft = Literal["4", "6", "7", "2019-09", "2020-12"]


class JsonSchemaSettings(Settings):
    """Settings of the validator ``json-schema``."""

    document: str = Field(
        alias="schema",
        description=(
            "The JSON Schema document: a path, a URI, or package:resource, as in"
            " shop.schemas:order.json"
        ),
    )
    draft: Draft = Field(
        "2020-12", description="Draft of a document that does not name one ($schema)"
    )
    formats: bool = Field(
        True,
        description=(
            "Check the keyword format. If so, a text of format date is a Date, and one"
            " of format date-time is a time in UTC"
        ),
    )
    extra: Extra = Field(
        "ignore",
        description=(
            "What to do with fields that the document accepts and does not declare:"
            " leave out and count, reject the record, or keep as JSON"
        ),
    )
