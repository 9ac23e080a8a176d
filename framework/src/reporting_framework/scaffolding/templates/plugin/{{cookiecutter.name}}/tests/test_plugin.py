"""The framework finds the plugin by its entry point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
{% if cookiecutter.__module < "plugin" and cookiecutter.role != "observer" %}

from {{ cookiecutter.__package }}.{{ cookiecutter.__module }} import {{ cookiecutter.__made }}
from {{ cookiecutter.__package }}.plugin import reporting_{{ cookiecutter.__role }}s
{% elif cookiecutter.role != "observer" %}

from {{ cookiecutter.__package }}.plugin import reporting_{{ cookiecutter.__role }}s
from {{ cookiecutter.__package }}.{{ cookiecutter.__module }} import {{ cookiecutter.__made }}
{% endif %}


def test_it_is_found() -> None:
    program = Path(sys.executable).with_name("reporting")
    done = subprocess.run([program, "plugins", "--check", "--format", "json"], capture_output=True, text=True)
    [row] = [row for row in json.loads(done.stdout) if row["distribution"] == "{{ cookiecutter.name }}"]
    assert row["name"] == "{{ cookiecutter.name }}"
    assert (row["role"], row["status"], row["reason"]) == ("{{ cookiecutter.__role }}", "loaded", "")
{% if cookiecutter.role != "observer" %}


def test_its_name_leads_to_the_class() -> None:
    assert [(each.name, each.load()) for each in reporting_{{ cookiecutter.__role }}s()] == [({{ cookiecutter.__made }}.name, {{ cookiecutter.__made }})]
{% endif %}
