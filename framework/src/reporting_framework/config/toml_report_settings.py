"""What a ``[reports.<name>]`` table may hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reporting_framework.plugin_api.records import WriteMode
from reporting_framework.plugin_api.settings import Settings


class Part(BaseModel):
    """A plugin by name; all other keys are its settings."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    use: str = Field(description="The name of the plugin")


class ComposedSettings(Settings):
    """A report's parts. The plugins check their own settings."""

    summary: str = Field(
        "",
        description="What `reporting list` shows",
        json_schema_extra={"option": False},
    )
    source: Part = Field(description="Where records come from")
    validator: Part = Field(description="What tells good records from bad ones")
    transforms: tuple[Part, ...] = Field(
        (), description="What shapes the good ones, in this order"
    )
    sinks: tuple[Part, ...] = Field(min_length=1, description="Where they go")
    engine: Part = Field(Part(use="local"), description="What runs the work")
    write_mode: WriteMode = Field(
        "append",
        description="What a run does to the tables of the sinks: append, upsert or"
        " replace",
    )
    metadata: str | None = Field(
        None,
        description=(
            "Folder for quarantine, hints and history: a URI; unless set, the first"
            " sink that has a place for them decides"
        ),
    )
