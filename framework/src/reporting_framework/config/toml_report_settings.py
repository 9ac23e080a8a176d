"""Settings model of a ``[reports.<name>]`` table."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reporting_framework.plugin_api.checks import CheckSetting
from reporting_framework.plugin_api.records import WriteMode
from reporting_framework.plugin_api.report import Contract
from reporting_framework.plugin_api.settings import Settings


class Part(BaseModel):
    """Reference to a plugin by name; all other keys are its settings."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    use: str = Field(description="Name of the plugin")


class ComposedSettings(Settings):
    """Parts of a report. The plugins check their own settings."""

    summary: str = Field(
        "",
        description="Summary in `reporting list`",
        json_schema_extra={"option": False},
    )
    source: Part = Field(description="Source of the records")
    validator: Part = Field(description="Validator of the records")
    transforms: tuple[Part, ...] = Field(
        (), description="Transforms of the valid records, in this order"
    )
    sinks: tuple[Part, ...] = Field(min_length=1, description="Sinks of the rows")
    engine: Part = Field(Part(use="local"), description="Engine that runs the work")
    write_mode: WriteMode = Field(
        "append",
        description="How a run changes the tables of the sinks: append, upsert or"
        " replace",
    )
    checks: tuple[CheckSetting, ...] = Field(
        (), description="Checks of the rows of a run and of the table"
    )
    contract: Contract | None = Field(
        None,
        description="What to make of other columns of the source: evolve, freeze or"
        " discard; by default the sinks convert or refuse them",
    )
    full_scan: bool = Field(
        False,
        description="Full scan of the source this time, as its setting `full_scan`",
    )
    metadata: str | None = Field(
        None,
        description=(
            "Folder for quarantine, hints and history: a URI; by default, the first"
            " sink with a location for them decides"
        ),
    )
    page: str | None = Field(
        None,
        description="Page that `reporting render` makes unless `--page` names another",
        json_schema_extra={"option": False},
    )
