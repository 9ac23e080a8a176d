"""The framework finds the plugin by its entry point."""

from __future__ import annotations

from reporting_framework.plugins import load_plugins
{% if cookiecutter.role != "observer" %}

from {{ cookiecutter.__package }}.{{ cookiecutter.role }} import {{ cookiecutter.__made }}
{% endif %}


def test_it_is_found() -> None:
    registry = load_plugins(["{{ cookiecutter.name }}"])
    [row] = [row for row in registry.listing if row.distribution == "{{ cookiecutter.name }}"]
    assert (row.name, row.role, row.status) == ("{{ cookiecutter.name }}", "{{ cookiecutter.role }}", "loaded")
{% if cookiecutter.role != "observer" %}
    assert registry.find("{{ cookiecutter.role }}", "{{ cookiecutter.name }}") is {{ cookiecutter.__made }}
{% endif %}
