"""Rendering a template with cookiecutter.

The same answers give the same bytes, and nothing else is touched.
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
"""What cruft keeps beside a package: the template, its commit, and the answers."""


def check_installed(needed: str = "cookiecutter") -> None:
    """See that the extra ``new`` is installed.

    Raises:
        SettingsError: It is not.
    """
    if importlib.util.find_spec(needed) is None:
        raise SettingsError(
            f"reporting new needs {needed}, which is not installed:"
            f" {install_command('new')}"
        )


def render(
    template: str, answers: Mapping[str, Any], out: Path, repository: Repository | None
) -> Path:
    """Make a package.

    Args:
        template: Name of the template.
        answers: Its variables; the others have their defaults.
        out: Where to make the package's folder.
        repository: Where the template is from; with its commit known, cruft can update
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
            ]:  # pip compiles whatever ends in .py, templates too
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
    """See that nothing would be taken for a template.

    cookiecutter evaluates whatever it is given.

    Raises:
        SettingsError: A value has double braces or the like, or a character that no
            path or address has.
    """
    for name, value in answers.items():
        if isinstance(value, str) and (
            "{{" in value or "{%" in value or "{#" in value or not value.isprintable()
        ):
            raise SettingsError(
                f"{name}: {one_line(value, 80)!r} holds {{{{, {{%, {{# or a control"
                " character; do without"
            )


@contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """A folder to begin in, for nobody else.

    What is whole is then renamed, and what is left of a failure goes with it.

    It is the folder for temporary files too: cookiecutter writes its hooks there, and
    what lies beside a program that Python runs can be imported by it.
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
    """What ``cruft create`` would have written."""
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
