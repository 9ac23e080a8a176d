"""``reporting new``: a new package for a report or a plugin."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import escape_control_chars, note
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.list import config_option

if TYPE_CHECKING:
    from reporting_framework.scaffolding.origins import Repository

SOURCES = ("object-store-json", "kinesis", "sqs", "own")
VALIDATORS = ("model", "own")
SINKS = ("parquet-checkpoint", "ndjson-archive", "dynamodb-counters", "own")
ROLES = (
    "object-source",
    "table-source",
    "record-source",
    "push-source",
    "source",
    "validator",
    "transform",
    "sink",
    "table-sink",
    "engine",
    "observer",
)
"""Base classes of plugins: the last word is the role."""

PUSHED = ("kinesis", "sqs")
"""Sources that receive their records by a trigger, so that no schedule is needed."""

HOURLY = "rate(1 hour)"

out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default="here",
    help="Folder in which the package's folder is created.",
)
framework_option = click.option(
    "--framework",
    metavar="PATH_OR_REQUIREMENT",
    help=(
        "A folder of wheels, a folder with the framework's sources, or a"
        " requirement.  [default: the place it was installed from, or the installed"
        " version]"
    ),
)
no_input_option = click.option(
    "--no-input",
    is_flag=True,
    help="Ask no questions; use defaults for missing options.",
)


@click.group("new", cls=CommandGroup)
def new_command() -> None:
    """Create a package.

    The package holds a report with settings, model and tests, ready for AWS Lambda, or
    a plugin of one role.
    """


@new_command.command("lambda")
@click.argument("name")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    help=(
        f"Source of the records; own: a class in the package.  [default: {SOURCES[0]}]"
    ),
)
@click.option(
    "--validator",
    type=click.Choice(VALIDATORS),
    help=(
        "Validator of the records: a pydantic model, or a class of the package."
        f"  [default: {VALIDATORS[0]}]"
    ),
)
@click.option(
    "--sink",
    type=click.Choice(SINKS),
    help=f"Sink of the rows; own: a class in the package.  [default: {SINKS[0]}]",
)
@click.option(
    "--schedule",
    metavar="EXPRESSION",
    help=(
        "Schedule: rate(1 hour), cron(0 6 * * ? *) or none.  "
        f"[default: {HOURLY}; none with {' and '.join(PUSHED)}]"
    ),
)
@click.option(
    "--terraform/--no-terraform",
    default=None,
    help=(
        "Add a Terraform configuration.  [default: add it if the modules' place is"
        " known]"
    ),
)
@click.option(
    "--modules",
    metavar="PLACE",
    help=(
        "Place of the Terraform modules, with {module} for a module's name."
        "  [default: the clone or repository that the framework was installed from]"
    ),
)
@framework_option
@out_option
@no_input_option
@config_option
@click.pass_context
def lambda_command(
    context: click.Context,
    /,
    name: str,
    out: Path,
    framework: str | None,
    no_input: bool,
    config: str | None,
    **given: Any,
) -> None:
    """Create a package for a report that runs locally and in AWS Lambda.

    NAME becomes the name of the report, the distribution and the folder. On a terminal,
    the command asks for missing options.
    """
    from reporting_framework.scaffolding.names import check_free
    from reporting_framework.scaffolding.origins import repository
    from reporting_framework.scaffolding.rendering import LAMBDA

    _check(name, out)
    ask, origin = _may_prompt(no_input), repository()
    answers: dict[str, Any] = {
        "name": name,
        "source": _ask_choice("source", given["source"], SOURCES, ask=ask),
        "validator": _ask_choice("validator", given["validator"], VALIDATORS, ask=ask),
        "sink": _ask_choice("sink", given["sink"], SINKS, ask=ask),
    }
    answers["schedule"] = _schedule(given["schedule"], answers["source"], ask=ask)
    answers["terraform"], answers["modules"] = _terraform(
        given["terraform"], given["modules"], origin, ask=ask
    )
    state = state_of(context)
    state.given_config = config
    own = [role for role in ("source", "validator", "sink") if answers[role] == "own"]
    check_free(name, ["report", *own], state.registry.listing)
    _make(LAMBDA, answers, _needed(answers), framework, out, origin)


@new_command.command("plugin")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    help=(
        "Role or base class of the plugin. A base class (of objects, of a table, of an"
        " API, of a queue) needs the fewest methods of your own.  [default:"
        f" {ROLES[0]}]"
    ),
)
@framework_option
@out_option
@no_input_option
@click.pass_context
def plugin_command(
    context: click.Context,
    /,
    name: str,
    role: str | None,
    framework: str | None,
    out: Path,
    no_input: bool,
) -> None:
    """Create a package for a plugin, with the smallest working one of its role.

    NAME becomes the name of the plugin, the distribution and the folder.
    """
    from reporting_framework.scaffolding.names import check_free
    from reporting_framework.scaffolding.origins import repository
    from reporting_framework.scaffolding.rendering import PLUGIN

    _check(name, out)
    role = _ask_choice("role", role, ROLES, ask=_may_prompt(no_input))
    check_free(name, {role.rpartition("-")[2]}, state_of(context).plugins.listing)
    _make(
        PLUGIN,
        {"name": name, "role": role},
        ("framework_path",),
        framework,
        out,
        repository(),
    )


def _check(name: str, out: Path) -> None:
    """Check everything that depends on the name alone, before asking questions."""
    from reporting_framework.scaffolding.names import check_folder, check_name
    from reporting_framework.scaffolding.rendering import check_installed

    check_installed()
    check_name(name)
    check_folder(out / name)


def _may_prompt(no_input: bool) -> bool:
    """Return true if a person can be asked."""
    return not no_input and sys.stdin is not None and sys.stdin.isatty()


def _ask_choice(
    what: str, given: str | None, choices: Sequence[str], *, ask: bool
) -> str:
    if given is None and ask:
        given = str(
            click.prompt(what, choices[0], type=click.Choice(choices), err=True)
        )
    return given or choices[0]


def _schedule(given: str | None, source: str, *, ask: bool) -> str:
    """Return the checked schedule."""
    from reporting_framework.scaffolding.schedules import NONE, check_schedule

    if source in PUSHED:
        if given not in (None, NONE):
            raise click.UsageError(
                f"--schedule: {source} starts the report itself; leave the option out"
            )
        return NONE
    if given is None:
        given = str(click.prompt("schedule", HOURLY, err=True)) if ask else HOURLY
    check_schedule(given)
    return given


def _terraform(
    wanted: bool | None, modules: str | None, origin: Repository | None, *, ask: bool
) -> tuple[bool, str]:
    """Return true if Terraform is added, and the place of its modules."""
    if modules is not None and wanted is False:
        raise click.UsageError(
            "--modules: only for packages with Terraform; drop --no-terraform"
        )
    known = modules or (origin.modules if origin else "")
    if wanted is None:
        wanted = (
            click.confirm("terraform", bool(known), err=True) if ask else bool(known)
        )
    if wanted and not known and ask:
        known = click.prompt(
            "modules (a git URL or a folder, with {module} for a module's name)",
            err=True,
        )
    if wanted and "{module}" not in known:
        raise click.UsageError(
            "--modules: the place of the Terraform modules is not known; give it with"
            " {module} for a module's name, such as"
            " git::https://HOST/REPOSITORY.git//terraform/modules/{module}?ref=TAG, or"
            " leave Terraform out (--no-terraform)"
        )
    if wanted and any(character in known for character in '"\\$\n'):
        raise click.UsageError(
            '--modules: ", \\, $ and line breaks cannot be written into the'
            " configuration; use a place without them"
        )
    return wanted, known


def _needed(answers: Mapping[str, Any]) -> list[str]:
    """Return the template variables with the paths of the packages that are needed.

    The template has the same conditions.
    """
    source, sink = answers["source"], answers["sink"]
    stored = source == "object-store-json" or sink in (
        "parquet-checkpoint",
        "ndjson-archive",
    )
    aws = source in PUSHED or sink == "dynamodb-counters"
    return [
        "framework_path",
        *(["object_store_path"] if stored else []),
        *(["aws_path"] if aws else []),
    ]


def _make(
    template: str,
    answers: dict[str, Any],
    variables: Collection[str],
    framework: str | None,
    out: Path,
    origin: Repository | None,
) -> None:
    import reporting_framework
    from reporting_framework.scaffolding.places import framework_variables
    from reporting_framework.scaffolding.rendering import CRUFT, render

    answers |= framework_variables(
        framework, reporting_framework.__version__, tuple(variables)
    )
    folder = render(template, answers, out, origin)
    lines = [
        f"{escape_control_chars(str(out / folder.name))} was created. In it, run:",
        "",
        "  pip install hatch",
        "  hatch run test",
    ]
    note("\n".join([*lines, "  hatch run example"]))
    if framework is None and not answers["framework_path"]:
        click.echo(
            f"{folder.name} takes reporting-framework{answers['framework']} from the"
            " package index; if the index does not have it, because the framework was"
            " installed from wheels or a repository, create the package again with"
            " --framework FOLDER (of the wheels, or of a clone)",
            err=True,
        )
    if not (folder / CRUFT).exists():
        click.echo(
            "no .cruft.json was written: the template's commit is not known (see:"
            " cruft link)",
            err=True,
        )
