"""The transform: leaves rows out by the values of a column. Replace it with yours."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field
from reporting_framework import SettingsError, Transform
from reporting_framework.plugin_api.settings import Settings
from typing_extensions import override


class LeaveOutSettings(Settings):
    """Settings of the transform."""

    column: str = Field(description="A column of strings")
    values: tuple[str, ...] = Field(min_length=1, description="Rows with one of these in it are left out")


class LeaveOut(Transform):
    """Leaves rows out by the values of a column; they are counted as filtered. A null is none of the values."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[LeaveOutSettings]] = LeaveOutSettings

    @override
    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        if frame.schema.get(self.settings.column) != pl.String:
            raise SettingsError(
                f"transform {self.name}: setting column names {self.settings.column}, which is not a column of String; "
                f"there are {', '.join(f'{name} ({dtype})' for name, dtype in frame.schema.items())}"
            )
        return frame.remove(pl.col(self.settings.column).is_in(self.settings.values))
