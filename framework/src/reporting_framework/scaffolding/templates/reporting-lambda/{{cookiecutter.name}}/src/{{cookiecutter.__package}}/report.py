"""The report {{ cookiecutter.name }}."""

from __future__ import annotations

from typing import ClassVar

from reporting_framework import PipelineSpec, PluginRef, Report
from typing_extensions import override

from {{ cookiecutter.__package }}.settings import {{ cookiecutter.__class }}Settings
{% if cookiecutter.sink == "dynamodb-counters" %}

COUNTERS = [
    {"partition_key": "day#{timestamp:%Y-%m-%d}", "sort_key": "kind#{kind}"},
    {"partition_key": "month#{timestamp:%Y-%m}", "sort_key": "kind#{kind}"},
]
"""The items in which each record is counted."""
{% endif %}


class {{ cookiecutter.__class }}(Report):
    """Records from {{ cookiecutter.__from }} to {{ cookiecutter.__to }}."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    summary: ClassVar[str] = "records from {{ cookiecutter.__from }} to {{ cookiecutter.__to }}"
    Settings: ClassVar[type[{{ cookiecutter.__class }}Settings]] = {{ cookiecutter.__class }}Settings

    @override
    def compose(self, settings: {{ cookiecutter.__class }}Settings) -> PipelineSpec:
        return PipelineSpec(
{% if cookiecutter.__pushed %}
            source=PluginRef("{{ cookiecutter.source }}", {"dead_letters": settings.dead_letter_queue}),
{% elif cookiecutter.source == "own" %}
            source=PluginRef(self.name, {"uri": settings.source}),
{% else %}
            source=PluginRef("object-store-json", {"uri": settings.source, "include": "*.json"}),
{% endif %}
{% if cookiecutter.validator == "own" %}
            validator=PluginRef(self.name),
{% else %}
            validator=PluginRef("pydantic", {"model": "{{ cookiecutter.__package }}.models:Record"}),
{% endif %}
{% if cookiecutter.sink == "parquet-checkpoint" %}
            sinks=[PluginRef("parquet-checkpoint", {"uri": settings.checkpoint, "timestamp": "timestamp"})],
{% elif cookiecutter.sink == "ndjson-archive" %}
            sinks=[PluginRef("ndjson-archive", {"uri": settings.archive, "timestamp": "timestamp"})],
{% elif cookiecutter.sink == "dynamodb-counters" %}
            sinks=[
                PluginRef(
                    "dynamodb-counters",
                    {
                        "table": settings.table,
                        "event_id": "record_id",
                        "user_id": "subject",
                        "timestamp": "timestamp",
                        "counters": COUNTERS,
                    },
                ),
            ],
{% else %}
            sinks=[PluginRef(self.name, {"uri": settings.output})],
{% endif %}
        )
