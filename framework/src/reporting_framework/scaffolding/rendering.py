"""Rendering a template with cookiecutter: the same answers give the same bytes, and nothing else is touched."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.origins import TEMPLATES, Repository
from reporting_framework.wording import cause

LAMBDA, PLUGIN = "reporting-lambda", "plugin"

CRUFT = ".cruft.json"
"""What cruft keeps beside a package: the template, its commit, and the answers."""


def check_installed(needed: str = "cookiecutter") -> None:
    """See that the extra ``new`` is installed.

    Raises:
        SettingsError: It is not.
    """
    if importlib.util.find_spec(needed) is None:
        raise SettingsError(
            f"reporting new needs {needed}, which is not installed: pip install 'reporting-framework[new]'"
        )


def render(template: str, answers: Mapping[str, Any], out: Path, repository: Repository | None) -> Path:
    """Make a package.

    Args:
        template: Name of the template.
        answers: Its variables; the others have their defaults.
        out: Where to make the package's folder.
        repository: Where the template is from; with its commit known, cruft can update the package later.

    Returns:
        The package's folder.

    Raises:
        SettingsError: The folder cannot be written, or the template refuses the answers.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context, generate_files
    from cookiecutter.prompt import prompt_for_config

    folder = TEMPLATES / template
    context = generate_context(str(folder / "cookiecutter.json"), extra_context=dict(answers))
    context["cookiecutter"] = prompt_for_config(context, no_input=True)
    if repository is not None and repository.commit is not None:
        context["cookiecutter"] |= {"_template": repository.url, "_commit": repository.commit}
    try:
        made = Path(generate_files(folder, context, str(out)))
        if repository is not None and repository.commit is not None:
            _write_cruft(made / CRUFT, f"templates/{template}", context, repository)
    except CookiecutterException as error:
        raise SettingsError(f"{out / str(answers['name'])} cannot be made: {cause(error)}") from error
    except OSError as error:
        raise SettingsError(f"{out / str(answers['name'])} cannot be written: {cause(error)}") from error
    return made


def _write_cruft(path: Path, directory: str, context: Mapping[str, Any], repository: Repository) -> None:
    """What ``cruft create`` would have written."""
    state = {
        "template": repository.url,
        "commit": repository.commit,
        "checkout": None,
        "context": context,
        "directory": directory,
    }
    path.write_text(json.dumps(state, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
