"""The transform ``exclude-projects``."""

from __future__ import annotations

import fnmatch
import re
from typing import ClassVar

import polars as pl
from pydantic import Field

from reporting_framework.settings import Settings


class ExcludeProjectsSettings(Settings):
    """Settings of the transform ``exclude-projects``."""

    patterns: list[str] = Field(min_length=1, description="Glob patterns of project labels, such as sandbox-*")


class ExcludeProjects:
    """Drops events of projects whose label matches one of the patterns as a whole, upper and lower case apart."""

    name: ClassVar[str] = "exclude-projects"
    Settings: ClassVar[type[ExcludeProjectsSettings]] = ExcludeProjectsSettings

    def __init__(self, settings: ExcludeProjectsSettings) -> None:
        self._matches = re.compile("|".join(map(fnmatch.translate, settings.patterns))).match

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Transform.apply`. A batch has few labels, so each is matched once, with fnmatch's own semantics."""
        labels = frame["project_label"].unique().to_list()
        excluded = [label for label in labels if self._matches(label)]
        return frame.filter(~pl.col("project_label").is_in(excluded)) if excluded else frame
