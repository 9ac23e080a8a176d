"""What a function's environment says of how the handler behaves.

A report's own settings are not among it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from reporting_framework._text.messages import did_you_mean
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.settings import Settings

PREFIX = "REPORTING_"


class FunctionSettings(Settings):
    """Settings of a function, each read from ``REPORTING_<NAME>``."""

    report: str = Field(min_length=1, description="Report to run")
    on_error: Literal["auto", "raise", "respond"] = Field(
        "auto",
        description=(
            "What a failed run does: raise where nobody reads the answer, or always, or"
            " never"
        ),
    )
    margin: float = Field(
        10,
        ge=0,
        le=600,
        description="Seconds of the function's time that a run leaves unused",
    )
    continue_: Literal["self", "no"] = Field(
        "no",
        alias="continue",
        description="Whether a run that stopped at its deadline starts the next one",
    )
    continue_limit: int = Field(
        15, ge=1, le=10_000, description="How many runs may follow the first one"
    )
    environment_: str = Field(
        "dev",
        alias="environment",
        pattern=r"^[!-~]([ -~]{0,253}[!-~])?$",
        description="Dimension of all metrics",
    )
    metrics_namespace: str = Field(
        "Reporting",
        pattern=r"^[A-Za-z0-9._/#:-][A-Za-z0-9 ._/#:-]{0,254}$",
        description="Namespace of all metrics",
    )
    after: Literal["nothing", "report"] = Field(
        "nothing",
        description=(
            "What follows a run: `report` puts pages of this month and the last beside"
            " the table"
        ),
    )
    page: str | None = Field(
        None, min_length=1, description="That page; the report's own unless set"
    )

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> FunctionSettings:
        """The settings that the environment holds.

        Raises:
            SettingsError: One is missing, or not one that is allowed.
        """
        names = [field.alias or name for name, field in cls.model_fields.items()]
        given = {
            name: environment[f"{PREFIX}{name.upper()}"]
            for name in names
            if f"{PREFIX}{name.upper()}" in environment
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        variable = f"{PREFIX}{str(first['loc'][0]).upper()}"
        if first["type"] == "missing":
            near = did_you_mean(
                variable, [name for name in environment if name.startswith("REPORT")]
            )
            raise SettingsError(
                f"environment variable {variable} is not set; it names the report to"
                f" run{near}"
            )
        raise SettingsError(f"environment variable {variable}: {first['msg']}")
