"""Settings of the source ``rest-api``."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from reporting_framework.plugin_api.settings import Settings
from reporting_rest.http import AuthSettings, HttpSettings
from reporting_rest.paginator_settings import Path
from reporting_rest.resource_settings import ResourceSettings


class RetryWhen(Settings):
    """Settings of a body that calls for another attempt, whatever its status."""

    path: Path = Field(description="Path of a value in the body")
    equals: str | int | float | bool | None = Field(
        None,
        description=(
            "Value that calls for another attempt; unless set, any but null, false, 0"
            " and what is empty"
        ),
    )

    def applies(self, value: Any) -> bool:
        """Return whether a value at the path calls for another attempt."""
        if self.equals is None:
            return bool(value)
        return type(value) is type(self.equals) and bool(value == self.equals)


class RestApiSettings(HttpSettings):
    """Settings of the source ``rest-api``."""

    base_url: str = Field(
        description="URL that all paths follow; its server gets the credentials",
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
    )
    auth: AuthSettings | None = Field(None, description="Credentials")
    headers: dict[str, str] = Field({}, description="Headers of each request")
    resources: list[ResourceSettings] = Field(
        min_length=1, description="Resources to read, each a stream"
    )
    retry_when: list[RetryWhen] = Field(
        [], description="Bodies that call for another attempt"
    )
    full_scan: bool = Field(
        False, description="Read all records this time, whatever the last run read"
    )
    batch_records: int = Field(
        10_000,
        ge=1,
        le=1_000_000,
        description="Records of a stream that are handed on at once, about",
    )
    split_pages: int = Field(
        1_000,
        ge=1,
        description="Pages that are read before a run may stop at its deadline",
    )

    @field_validator("headers")
    @classmethod
    def _printable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ValueError("a header has characters that it must not have")
            if value.startswith("secret:"):
                raise ValueError(
                    "a reference to a secret is not for headers; use auth, such as type"
                    " = 'header'"
                )
        return headers

    @model_validator(mode="after")
    def _resources(self) -> Self:
        known: set[str] = set()
        for resource in self.resources:
            if resource.name in known:
                raise ValueError(f"two resources are called {resource.name}")
            unknown = sorted(resource.parents - known)
            if unknown:
                raise ValueError(
                    f"resource {resource.name} refers to {unknown[0]}, which is not"
                    " before it; list parents first"
                )
            known.add(resource.name)
        return self
