"""Settings of the report ``redcap-report``, which are options too."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from reporting_framework import CheckSetting, SecretText
from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import parse_location
from reporting_redcap.settings import ParameterPath, ReportId


class RedcapReportSettings(BaseModel):
    """Settings: project, records, place of the file, and write mode.

    It is no `Settings`, whose class variable ``environment`` would hide the setting.
    """

    model_config = Settings.model_config

    parameter_path: ParameterPath | None = Field(
        None,
        description=(
            "Folder in SSM Parameter Store with the parameters `url` and `token` of the"
            " project"
        ),
    )
    url: str | None = Field(
        None, description="URL of the API, instead of --parameter-path"
    )
    token: SecretText | None = Field(
        None,
        description=(
            "Token of the project, with --url: a secret such as secret:env:NAME or"
            " secret:aws:NAME"
        ),
    )
    report_id: ReportId | None = Field(
        None, description="Number of a saved report; unless set, all records"
    )
    environment: str = Field(
        "prod",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Folder below --s3-prefix, such as dev, sandbox or prod",
    )
    mode: Literal["append", "upsert", "replace", "overwrite"] = Field(
        "replace",
        description=(
            "What a run does to the file: append new rows, upsert changed ones, or"
            " replace all (also called overwrite)"
        ),
    )
    s3_prefix: str = Field(
        min_length=1,
        description=(
            "Bucket and folder, such as bucket/folder or s3://bucket/folder; a local"
            " folder begins with / or ."
        ),
    )
    s3_suffix: str = Field(
        description="Path of the parquet file below the environment's folder"
    )
    region: str | None = Field(
        None,
        min_length=1,
        description=(
            "AWS region of the parameters or secrets; unless set, that of the"
            " environment, which is always the bucket's"
        ),
    )
    values: Literal["codes", "labels", "both"] = Field(
        "codes",
        description=(
            "Values of choices: their codes, their labels, or both, with the label in a"
            " column NAME__label"
        ),
    )
    time_zone: str | None = Field(
        None, description="Time zone of the server, such as America/Los_Angeles"
    )
    chunk_records: int = Field(
        500, ge=1, le=10_000, description="How many records a request asks for"
    )
    max_records: int | None = Field(
        None,
        ge=1,
        description=(
            "How many records a run reads at most, about; the next run goes on (append,"
            " upsert)"
        ),
    )
    full_scan: bool = Field(False, description="Full scan: read all records this time")
    full_scan_every_days: float | None = Field(
        None, ge=0, le=100_000, description="Full scan when the last one is older"
    )
    infer_deletes: bool = Field(
        False,
        description="With upsert: delete rows that a full scan does not find",
    )
    allow_private: bool = Field(
        False, description="Whether the server may have a private or a loopback address"
    )
    checks: tuple[CheckSetting, ...] = Field(
        (), description="Checks of the rows of a run and of the table"
    )

    @field_validator("s3_suffix")
    @classmethod
    def _is_parquet(cls, value: str) -> str:
        if not value.endswith(".parquet") or value.startswith("/"):
            raise ValueError("give a relative path that ends in .parquet")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.parameter_path is None and (self.url is None or self.token is None):
            raise ValueError("give parameter_path, or url and token")
        try:
            parse_location(self.uri)
        except LocationError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def uri(self) -> str:
        """URI of the parquet file."""
        prefix = self.s3_prefix.rstrip("/") or "/"
        if "://" not in prefix and prefix[0] not in "/.":
            prefix = f"s3://{prefix}"
        return f"{prefix}/{self.environment}/{self.s3_suffix}"
