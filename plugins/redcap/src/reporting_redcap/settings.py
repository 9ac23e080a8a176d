"""Settings of the source ``redcap``."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator

from reporting_framework import SecretText
from reporting_rest.http import HttpSettings

READ_AT = "redcap_read_at"

ReportId = Annotated[str, Field(pattern=r"^[0-9]{1,12}$", coerce_numbers_to_str=True)]
"""Number of a saved report."""

ParameterPath = Annotated[
    str, StringConstraints(pattern=r"^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?$")
]
"""Folder of parameters in SSM Parameter Store."""

_READING = {
    "report_id", "fields", "forms", "events", "filter_logic", "data_access_groups",
    "values", "missing_data_codes", "date_begin",
}  # fmt: skip
"""Settings that decide what is read of a project."""


class RedcapSettings(HttpSettings):
    """Settings of the source ``redcap``."""

    url: str | None = Field(
        None, description="URL of the API, such as https://redcap.example.org/api/"
    )
    token: SecretText | None = Field(
        None,
        description=(
            "Token of the project, or a secret: secret:ssm:/NAME, secret:aws:NAME,"
            " secret:aws:NAME#KEY or secret:env:NAME"
        ),
    )
    parameter_path: ParameterPath | None = Field(
        None,
        description=(
            "Folder in SSM Parameter Store with the parameters `url` and `token`,"
            " instead of these settings"
        ),
    )
    region: str | None = Field(
        None,
        min_length=1,
        description=(
            "AWS region of the parameters or secrets; unless set, that of the"
            " environment"
        ),
    )
    report_id: ReportId | None = Field(
        None, description="Number of a saved report to read instead of all records"
    )
    fields: list[str] = Field(
        [], description="Fields to read, beside the record id; unless set, all"
    )
    forms: list[str] = Field([], description="Forms whose fields are read")
    events: list[str] = Field(
        [], description="Unique names of the events to read; unless set, all"
    )
    filter_logic: str | None = Field(
        None,
        min_length=1,
        description="Logic of REDCap that records must meet, such as [age] > 30",
    )
    data_access_groups: bool = Field(
        False, description="Whether there is a column redcap_data_access_group"
    )
    values: Literal["codes", "labels", "both"] = Field(
        "codes",
        description=(
            "Values of choices: their codes, their labels, or both, with the label in a"
            " column NAME__label"
        ),
    )
    missing_data_codes: Literal["null", "keep"] = Field(
        "null",
        description=(
            "What becomes of the project's missing data codes: null, or texts; with"
            " `keep`, the columns of a project with such codes are texts"
        ),
    )
    read_at: bool = Field(
        False,
        description=(
            "Whether there is a column redcap_read_at: time of the server (UTC) when"
            " the run that read the row began"
        ),
    )
    read_seconds: float = Field(
        180, gt=0, description="Time limit of each wait for data of a response"
    )
    chunk_records: int = Field(
        500, ge=1, le=10_000, description="How many records a request asks for"
    )
    max_records: int | None = Field(
        None,
        ge=1,
        description=(
            "How many records a run reads at most, about; the next run goes on. For"
            " functions with a time limit; unless set, all"
        ),
    )
    date_begin: datetime | None = Field(
        None,
        description=(
            "Time of the server from which on records were created or changed; unless"
            " set, all records are read at first"
        ),
    )
    time_zone: str | None = Field(
        None,
        description=(
            "Time zone of the server, such as America/Los_Angeles; unless set,"
            " increments begin 12 hours earlier, to be right in any zone"
        ),
    )
    overlap_seconds: float = Field(
        300,
        ge=0,
        le=86_400 * 365,
        description=(
            "How long before the beginning of the last reading an increment begins, for"
            " clocks that differ"
        ),
    )
    full_scan: bool = Field(False, description="Full scan: read all records this time")
    full_scan_every_days: float | None = Field(
        None,
        ge=0,
        le=100_000,
        description=(
            "Full scan when the last one is older; it finds deleted records. Unless"
            " set, only if asked for"
        ),
    )
    infer_deletes: bool = Field(
        False,
        description=(
            "Whether rows that a full scan does not find are deleted from the tables of"
            " the report"
        ),
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not a URL; use https://HOST/PATH/api/")
        if parts.username or parts.password or parts.query:
            raise ValueError("the token is a setting of its own; leave it out here")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("not a time zone; use a name such as Europe/Berlin")
        return value

    @field_validator("date_begin")
    @classmethod
    def _is_local(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("a time of the server has no offset; leave it out")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.parameter_path is None:
            if self.url is None or self.token is None:
                raise ValueError("give url and token, or parameter_path")
        elif self.url is not None or self.token is not None:
            raise ValueError("give either url and token, or parameter_path")
        if self.report_id is not None and (
            self.fields
            or self.forms
            or self.events
            or self.filter_logic
            or self.date_begin
        ):
            raise ValueError(
                "a saved report has its own fields, events and filters; leave out"
                " fields, forms, events, filter_logic and date_begin"
            )
        return self

    @property
    def fingerprint(self) -> str:
        """Text that changes if the settings ask for other rows or columns."""
        chosen = self.model_dump(mode="json", include=_READING)
        for name in ("fields", "forms", "events"):
            chosen[name] = sorted(set(chosen[name]))
        text = json.dumps(chosen, sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def zone(self) -> ZoneInfo | None:
        """Time zone of the server, `None` if it is not known."""
        return None if self.time_zone is None else ZoneInfo(self.time_zone)
