"""Settings of the engine ``spark``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from reporting_framework.plugin_api.settings import Settings


class SparkEngineSettings(Settings):
    """Settings of the engine ``spark``."""

    master: str | None = Field(
        None,
        min_length=1,
        description=(
            "URL of the cluster, such as `local[2]` or `spark://host:7077`; by default,"
            " that of `spark-submit`, or of the session that this process has"
        ),
    )
    app_name: str = Field(
        "reporting", min_length=1, description="Name of the application in Spark"
    )
    config: Mapping[str, str] = Field(
        {},
        description=(
            "Properties of Spark, such as `spark.executor.memory`; they are ignored if"
            " this process has a session already"
        ),
    )
    max_splits: int | None = Field(
        None,
        ge=1,
        le=64,
        description=(
            "Maximum number of splits on the cluster at once; by default, a quarter"
            " more than its cores, and at most 64"
        ),
    )
