"""The base of every settings model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of a plugin or a report.

    Unknown names are refused. Values do not change after they were checked.

    Attributes:
        environment: Published names of environment variables, by field (beside
            ``REPORTING_<REPORT>__<FIELD>``).
        alternatives: Fields that stand together in the place of one.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    environment: ClassVar[dict[str, str]] = {}
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {}


class NoSettings(Settings):
    """Settings of a plugin that has none."""
