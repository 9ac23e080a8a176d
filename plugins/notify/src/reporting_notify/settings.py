"""Settings of the observer: the table ``[observers.notify]``, and one variable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar, get_args

from pydantic import Field, ValidationError, field_validator

from reporting_framework import SecretText, SettingsError
from reporting_framework.plugin_api.durations import checked_age, duration_of
from reporting_framework.plugin_api.settings import Settings

VARIABLE = "REPORTING_NOTIFY"
"""Variable with the URLs, separated by spaces, or ``off``."""

Topic = Literal["failure", "checks", "rejections", "staleness", "schema"]
"""Reason for a message."""

TOPICS: tuple[Topic, ...] = get_args(Topic)

M = TypeVar("M", bound=Settings)


class ReportSettings(Settings):
    """Settings that hold for all reports, or for one."""

    urls: tuple[SecretText, ...] = Field(
        (),
        description="Targets: URLs of Apprise, ARNs of SNS topics, or references to"
        " secrets, such as secret:env:SLACK_URL",
    )
    on: tuple[Topic, ...] = Field(TOPICS, description="Reasons for a message")
    max_rejection_rate: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Greatest share of the records read that a run may reject without a"
        " message: 0.05 is 5 %",
    )
    max_age: str | None = Field(
        None,
        description="Greatest age of the newest data at the end of a run: a number and"
        " s, m, h, d or w, such as 36h; by default, the age is not judged",
    )
    attach_page: bool | str = Field(
        False,
        description="Attach a page: true for the report's own page, or the name of one",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="Time limit of all deliveries of a message"
    )

    @field_validator("max_age")
    @classmethod
    def _is_age(cls, value: str | None) -> str | None:
        if value is not None and not duration_of(checked_age(value)):
            raise ValueError("give a duration above zero, such as 36h")
        return value

    @property
    def age_limit(self) -> timedelta | None:
        """Greatest age of the newest data; `None`: it is not judged."""
        return duration_of(self.max_age or "")


class NotifySettings(ReportSettings):
    """Settings of the observer."""

    reports: dict[str, ReportSettings] = Field(
        {}, description="Other settings for single reports, by name"
    )


def settings_of(
    report: str, table: Mapping[str, Any], where: str, environment: Mapping[str, str]
) -> ReportSettings:
    """Return the settings for a report.

    Args:
        report: Name of the report; ``REPORT/STREAM`` has the settings of ``REPORT``
            unless it has its own.
        table: The table ``[observers.notify]``.
        where: Name of the table for messages.
        environment: The environment variables.

    Raises:
        SettingsError: A setting is wrong; the message names it, and shows no value.
    """
    general = _checked(NotifySettings, table, where)
    for name in general.reports:  # a mistake must not wait for the other report
        _merged(table, name, where)
    names = (report, report.partition("/")[0])
    one = next((name for name in names if name in general.reports), None)
    chosen = _merged(table, one, where)
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return chosen
    urls = [] if text.lower() == "off" else text.split()
    values = {**_values(table, one), "urls": urls}
    return _checked(ReportSettings, values, VARIABLE)


def _merged(table: Mapping[str, Any], one: str | None, where: str) -> ReportSettings:
    place = f"{where}: reports.{one}" if one else where
    return _checked(ReportSettings, _values(table, one), place)


def _values(table: Mapping[str, Any], one: str | None) -> dict[str, Any]:
    values = {name: value for name, value in table.items() if name != "reports"}
    return {**values, **table["reports"][one]} if one else values


def _checked(model: type[M], values: Mapping[str, Any], where: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        setting = ".".join(map(str, first["loc"]))
        allowed = ", ".join(model.model_fields)
        raise SettingsError(
            f"{where}: {setting}: {first['msg']}; settings: {allowed}"
        ) from None
