"""Hooks of the package."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl
{% if cookiecutter.source == "own" %}


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """The source."""
    return [
        LazyPlugin(
            "{{ cookiecutter.name }}",
            "{{ cookiecutter.__package }}.source:CsvFiles",
            "CSV files in S3 or a folder",
        ),
    ]
{% endif %}
{% if cookiecutter.validator == "own" %}


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """The validator."""
    return [
        LazyPlugin(
            "{{ cookiecutter.name }}",
            "{{ cookiecutter.__package }}.validator:RecordValidator",
            "what a record must be",
        ),
    ]
{% endif %}
{% if cookiecutter.sink == "own" %}


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """The sink."""
    return [
        LazyPlugin(
            "{{ cookiecutter.name }}",
            "{{ cookiecutter.__package }}.sink:NdjsonTable",
            "one NDJSON file that is its own ledger",
        ),
    ]
{% endif %}


@hookimpl
def reporting_reports() -> Sequence[LazyPlugin]:
    """The report."""
    return [
        LazyPlugin(
            "{{ cookiecutter.name }}",
            "{{ cookiecutter.__package }}.report:{{ cookiecutter.__class }}",
            "records from {{ cookiecutter.__from }} to {{ cookiecutter.__to }}",
        ),
    ]
