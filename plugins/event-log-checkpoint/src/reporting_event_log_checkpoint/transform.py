"""The transform ``exclude-projects``."""

from __future__ import annotations

import fnmatch
import re
from typing import ClassVar

import polars as pl
from pydantic import Field

from reporting_event_log_checkpoint.settings import Pattern
from reporting_framework import Transform
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.settings import Settings

LABEL = "project_label"


class ExcludeProjectsSettings(Settings):
    """Settings of the transform ``exclude-projects``."""

    patterns: list[Pattern] = Field(
        min_length=1, description="Glob patterns of project labels, such as sandbox-*"
    )


class ExcludeProjects(Transform):
    """Filter that drops events of projects whose label matches a pattern.

    A pattern matches the whole label and is case-sensitive.
    """

    name: ClassVar[str] = "exclude-projects"
    Settings: ClassVar[type[ExcludeProjectsSettings]] = ExcludeProjectsSettings
    keeps_values: ClassVar[bool] = True

    def __init__(self, settings: ExcludeProjectsSettings) -> None:
        self._matches = re.compile(
            "|".join(map(fnmatch.translate, settings.patterns))
        ).match

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Transform.apply`.

        A batch has few labels, so each is matched once, with the semantics of fnmatch.

        Raises:
            SettingsError: The events have no project label, as in another report.
        """
        if frame.schema.get(LABEL) != pl.String:
            raise SettingsError(
                f"transform {self.name}: there is no column {LABEL} of strings to"
                " match;"
                " remove the transform"
            )
        labels = frame[LABEL].drop_nulls().unique().to_list()
        excluded = [label for label in labels if self._matches(label)]
        if not excluded:
            return frame
        return frame.filter(
            ~pl.col(LABEL).is_in(excluded).fill_null(False)
        )  # events without a label are kept
