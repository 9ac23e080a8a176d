"""Rendering of a template with cookiecutter.

The same answers give the same bytes, and only the new folder is written.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting_framework._text.install_command import install_command
from reporting_framework._text.messages import cause, one_line, system_problem
from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.origins import TEMPLATES, Repository

LAMBDA, PLUGIN = "reporting-lambda", "plugin"

CRUFT = ".cruft.json"
"""File that cruft keeps in a package: the template, its commit, and the answers."""


def check_installed(needed: str = "cookiecutter") -> None:
    """Check that the extra ``new`` is installed.

    Raises:
        SettingsError: It is missing.
    """
    if importlib.util.find_spec(needed) is None:
        raise SettingsError(
            f"reporting new needs {needed}, which is not installed:"
            f" {install_command('new')}"
        )


def render(
    template: str, answers: Mapping[str, Any], out: Path, repository: Repository | None
) -> Path:
    """Make a package from a template.

    Args:
        template: Name of the template.
        answers: Values of its variables; other variables keep their defaults.
        out: Parent of the package's folder.
        repository: Repository of the template; if its commit is known, cruft can update
            the package later.

    Returns:
        The package's folder.

    Raises:
        SettingsError: The folder cannot be written, or the template refuses the
            answers.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context, generate_files
    from cookiecutter.prompt import prompt_for_config

    check_plain({**answers, "out": str(out.absolute())})
    folder = TEMPLATES / template
    context = generate_context(
        str(folder / "cookiecutter.json"), extra_context=dict(answers)
    )
    context["cookiecutter"] = prompt_for_config(context, no_input=True)
    if repository is not None and repository.commit is not None:
        context["cookiecutter"] |= {
            "_template": repository.url,
            "_commit": repository.commit,
        }
    package_folder = out / str(answers["name"])
    try:
        out.mkdir(parents=True, exist_ok=True)
        with _temporary_folder(out) as place:
            begun = Path(generate_files(folder, context, str(place)))
            for compiled in [
                *begun.rglob("__pycache__")
            ]:  # pip compiles every file that ends in .py, even in templates
                shutil.rmtree(compiled)
            if repository is not None and repository.commit is not None:
                _write_cruft(
                    begun / CRUFT, f"templates/{template}", context, repository
                )
            begun.rename(package_folder)
    except CookiecutterException as error:
        raise SettingsError(
            f"{out / str(answers['name'])} cannot be made: {cause(error)}"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{out / str(answers['name'])} cannot be written:"
            f" {system_problem(error) or cause(error)}"
        ) from error
    return package_folder


def check_plain(answers: Mapping[str, Any]) -> None:
    """Check that no answer holds template syntax, which cookiecutter would evaluate.

    Raises:
        SettingsError: A value has double braces or similar, or a control character.
    """
    for name, value in answers.items():
        if isinstance(value, str) and (
            "{{" in value or "{%" in value or "{#" in value or not value.isprintable()
        ):
            raise SettingsError(
                f"{name}: {one_line(value, 80)!r} holds {{{{, {{%, {{# or a control"
                " character; remove it"
            )


@contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """Make a private folder to build the package in, and remove it afterwards.

    The caller moves the finished package out of it.

    Temporary files get a separate private folder: cookiecutter writes its hooks there,
    and Python would import modules beside a hook that it runs.
    """
    known = tempfile.tempdir
    with (
        tempfile.TemporaryDirectory(dir=out, prefix=".reporting-new-") as place,
        tempfile.TemporaryDirectory() as own,
    ):
        tempfile.tempdir = own
        try:
            yield Path(place)
        finally:
            tempfile.tempdir = known


def _write_cruft(
    path: Path, directory: str, context: Mapping[str, Any], repository: Repository
) -> None:
    """Write the file that ``cruft create`` would have written."""
    state = {
        "template": repository.url,
        "commit": repository.commit,
        "checkout": None,
        "context": context,
        "directory": directory,
    }
    path.write_text(
        json.dumps(state, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
