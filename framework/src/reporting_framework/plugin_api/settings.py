"""Base class of all settings models."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of a plugin or a report.

    Unknown names are an error. Values are immutable.

    Attributes:
        environment: Published names of environment variables, by field.
            ``REPORTING_<REPORT>__<FIELD>`` works for every field.
        alternatives: Groups of fields that together replace one field, by its name.
        program_fields: Fields with a program and its arguments; ``reporting lint``
            looks whether there is such a program.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    environment: ClassVar[dict[str, str]] = {}
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {}
    program_fields: ClassVar[tuple[str, ...]] = ()


class NoSettings(Settings):
    """Settings of a plugin without settings."""
