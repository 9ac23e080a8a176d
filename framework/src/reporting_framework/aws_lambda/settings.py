"""Settings of a function from its environment variables.

A report's own settings are separate.
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
            "Reaction to a failed run: `auto` raises if no caller reads the response,"
            " `raise` always raises, `respond` never"
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
        15, ge=1, le=10_000, description="Number of runs that may follow the first one"
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
            "Work after a run: `report` puts pages of this month and the last beside"
            " the table"
        ),
    )
    page: str | None = Field(
        None, min_length=1, description="Page to make; the report's own by default"
    )

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> FunctionSettings:
        """Return the settings from the environment.

        Raises:
            SettingsError: A variable is missing, or its value is not allowed.
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
                f"environment variable {variable} is not set; set it to the name of the"
                f" report to run{near}"
            )
        raise SettingsError(f"environment variable {variable}: {first['msg']}")
