"""Settings of the validator ``dataframely``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reporting_framework.plugin_api.settings import Settings


class DataframelySettings(Settings):
    """Settings of the validator ``dataframely``."""

    schema_path: str = Field(
        alias="schema",
        description="package.module:Schema, a subclass of dataframely.Schema",
    )
    cast: bool = Field(
        False,
        description=(
            "Convert columns of other types, as dataframely does, and texts to days and"
            " times: a value that cannot be converted rejects its row, and 1.5 becomes"
            " the integer 1"
        ),
    )
    cross_row: Literal["refuse", "batch"] = Field(
        "refuse",
        description=(
            "What to do with rules that compare rows, such as a primary key: refuse the"
            " schema, or apply them to the rows of each batch alone"
        ),
    )
