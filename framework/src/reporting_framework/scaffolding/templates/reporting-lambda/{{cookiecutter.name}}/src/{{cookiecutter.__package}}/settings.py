"""Settings of the report; each is an option of the command line too."""

from __future__ import annotations

from pydantic import Field
from reporting_framework.plugin_api.settings import Settings


class {{ cookiecutter.__class }}Settings(Settings):
    """Where records come from, and where rows go."""

{% if cookiecutter.__pushed %}
    dead_letter_queue: str | None = Field(
        None, description="URL of the queue for records that can never succeed; without it they come again"
    )
{% else %}
    source: str = Field(description="Folder of the records: s3://bucket/prefix/ or a path")
{% endif %}
{% if cookiecutter.sink == "parquet-checkpoint" %}
    checkpoint: str = Field(description="The parquet file: s3://bucket/key.parquet or a path")
{% elif cookiecutter.sink == "ndjson-archive" %}
    archive: str = Field(description="Folder of the archive: s3://bucket/prefix/ or a path")
{% elif cookiecutter.sink == "dynamodb-counters" %}
    table: str = Field(
        min_length=3, description="Table of the counters, with partition_key and sort_key (strings), TTL on expires_at"
    )
{% else %}
    output: str = Field(description="The table: s3://bucket/key.ndjson or a path")
{% endif %}
