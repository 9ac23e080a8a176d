"""Settings of the observer: the table ``[observers.dagster-pipes]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from reporting_framework import SettingsError
from reporting_framework.plugin_api.settings import Settings


class DagsterPipesSettings(Settings):
    """Settings of the observer."""

    assets: dict[str, str] = Field(
        {},
        description="Asset key of a report, or of REPORT/STREAM, by its name; by"
        " default, the only asset of the step, or the one with the name of the report",
    )
    checks: bool = Field(
        False,
        description="Report the outcomes of checks as asset checks. Dagster fails a"
        " step that reports a check which its asset does not declare",
    )


def settings_of(table: Mapping[str, Any], where: str) -> DagsterPipesSettings:
    """Return the settings.

    Raises:
        SettingsError: A setting is wrong.
    """
    try:
        return DagsterPipesSettings.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        setting = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"{where}: {setting}: {first['msg']}; settings: assets, checks"
        ) from None
