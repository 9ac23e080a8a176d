"""Hooks of the package."""

from __future__ import annotations

{% if cookiecutter.role == "observer" %}
from {{ cookiecutter.__package }}.observer import reporting_run_failed, reporting_run_finished, reporting_run_started

__all__ = ["reporting_run_failed", "reporting_run_finished", "reporting_run_started"]
{% else %}
from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl


@hookimpl
def reporting_{{ cookiecutter.__role }}s() -> Sequence[LazyPlugin]:
    """The {{ cookiecutter.__words }}."""
    return [
        LazyPlugin(
            "{{ cookiecutter.name }}",
            "{{ cookiecutter.__package }}.{{ cookiecutter.__module }}:{{ cookiecutter.__made }}",
            "{{ cookiecutter.__summary }}",
        ),
    ]
{% endif %}
