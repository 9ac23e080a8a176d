"""Pages of the first-party plugins: the catalogue, and all settings."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reporting_framework.aws_lambda.settings import PREFIX, FunctionSettings
from reporting_framework.checks.catalog import CHECKS
from reporting_framework.config.layers import variable
from reporting_framework.config.toml_report_settings import ComposedSettings
from reporting_framework.plugin_api.markers import PROJECT
from reporting_framework.registry.plugin_info import ROLES, PluginInfo, plural
from reporting_framework.registry.registry import Registry, load_plugins
from tools.docs.docstrings import Undocumented, as_markdown, literal, summary, text_of
from tools.docs.markdown import code, page, slug, table
from tools.docs.settings import settings_table

if TYPE_CHECKING:
    from pydantic import BaseModel

PLUGINS = Path(__file__).parents[2] / "plugins"

PLACES = {
    "source": "SOURCE",
    "validator": "VALIDATOR",
    "transform": "TRANSFORMS__0",
    "sink": "SINKS__0",
    "engine": "ENGINE",
}
"""Places of plugins' settings in a report that is composed in `reporting.toml`."""

FRAMEWORK_VARIABLES = {
    "REPORTING_CONFIG": (
        "the configuration file, unless `--config` names one; else `reporting.toml`, if"
        " there is one"
    ),
    "REPORTING_PLUGINS": (
        "distributions whose plugins are loaded, separated by commas; unset: all;"
        " empty: only those of the framework itself"
    ),
    "REPORTING_<REPORT>__<SETTING>": (
        "a setting of a report, in upper case, with `_` for each character that is not"
        " a letter or digit"
    ),
    "NO_COLOR": "disables colored output",
    "TMPDIR": "folder for staged rows until the commit",
    "AWS_…": (
        "credentials, region and profile, as boto3 finds them; `AWS_ENDPOINT_URL` and"
        " `AWS_ENDPOINT_URL_S3` reach another server"
    ),
    "LOG_LEVEL": "in AWS Lambda: the level of the framework's and the plugins' logs",
}


def distributions() -> dict[str, str]:
    """Return the first-party distributions, each with its description."""
    return {
        str(project["name"]): str(project["description"]) for project in _projects()
    }


def _plugins() -> list[str]:
    """Return the distributions with plugins; the others are libraries for plugins."""
    return [
        str(project["name"])
        for project in _projects()
        if PROJECT in project.get("entry-points", {})
    ]


def _projects() -> Iterator[dict[str, Any]]:
    for path in sorted(
        [PLUGINS.parent / "framework/pyproject.toml", *PLUGINS.glob("*/pyproject.toml")]
    ):
        yield tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def first_party() -> Registry:
    """Return a registry of the first-party plugins.

    Raises:
        RuntimeError: A first-party plugin is not installed, or cannot be loaded.
    """
    names = _plugins()
    registry = load_plugins(names)
    registry.commands()
    wrong = [
        f"{row.name}: {row.reason}"
        for row in _rows(registry, names)
        if row.status != "registered"
    ]
    if wrong or (absent := set(names) - {row.distribution for row in registry.listing}):
        raise RuntimeError(
            "the reference needs all first-party plugins:"
            f" {', '.join(wrong or sorted(absent))}"
        )
    return registry


def _rows(registry: Registry, names: list[str]) -> list[PluginInfo]:
    return [row for row in registry.listing if row.distribution in names]


def catalogue_page(registry: Registry) -> str:
    """Render every plugin: name, role, distribution, summary."""
    known = distributions()
    rows = _rows(registry, list(known))
    commands = {
        command.name: command.get_short_help_str(200) for command in registry.commands()
    }
    parts = [
        table(
            ["distribution", ""], [[code(name), text] for name, text in known.items()]
        )
    ]
    for role in (*ROLES, "command", "observer"):
        rows_of_role = [row for row in rows if row.role == role]
        if rows_of_role:
            listed = [
                _entry(row, commands.get(row.name, row.summary), registry)
                for row in rows_of_role
            ]
            parts += [
                f"## {plural(role).capitalize()}",
                table([role, "", "distribution"], listed),
            ]
    return page(
        "Plugin catalogue",
        "All first-party plugins. `reporting plugins` lists the plugins that are"
        " installed, third-party ones too. A name links to the plugin's settings.",
        *parts,
    )


def _entry(row: PluginInfo, text: str, registry: Registry) -> list[str]:
    if not text:
        raise Undocumented(f"{row.role} {row.name} has no summary")
    where = "command-line.md" if row.role == "command" else "settings.md"
    anchor = (
        slug(f"reporting {row.name}") if row.role == "command" else slug(_heading(row))
    )
    name = (
        code(row.name)
        if row.role == "observer"
        else f"[`{row.name}`]({where}#{anchor})"
    )
    return [name, literal(text), code(row.distribution)]


def _heading(row: PluginInfo) -> str:
    return f"{row.role.capitalize()} {code(row.name)}"


def settings_page(registry: Registry) -> str:
    """Render all settings of all plugins, and of the framework itself."""
    return page(
        "Settings",
        "A later place replaces an earlier one: the default, `reporting.toml`,"
        " environment variables, the trigger, command-line options. An unknown setting"
        " is refused. [Configure a report](../how-to/configure-a-report.md) explains"
        " it with examples.",
        "## The framework",
        table(
            ["environment", "meaning"],
            [[code(name), text] for name, text in FRAMEWORK_VARIABLES.items()],
        ),
        "## A function in AWS Lambda",
        settings_table(FunctionSettings, lambda name: f"{PREFIX}{name.upper()}"),
        "## A report composed in `reporting.toml`",
        'The table `[reports.<name>]`. A plugin is `{ use = "its name", … }`, with'
        " its settings after `use`. If the source has streams, `{stream}` in a text of"
        " validator, transforms, sinks and checks is the name of the stream, and"
        " `<name>/<stream>` is a report of that stream alone.",
        settings_table(
            ComposedSettings, lambda name: f"REPORTING_<REPORT>__{name.upper()}"
        ),
        "In the environment, a plugin's setting is `<PLACE>__<SETTING>` after the"
        " report's name, as in `REPORTING_ORDERS__SOURCE__URI`. `__` separates further"
        " levels too, as in `…__LOOKUPS__0__TABLE`.",
        table(
            ["plugin", "environment"],
            [
                [role, code(f"REPORTING_<REPORT>__{place}__<SETTING>")]
                for role, place in PLACES.items()
            ],
        ),
        "## Checks",
        'A check of a report is `{ check = "its name", … }` in the setting `checks`.'
        " See [Check a table](../how-to/check-a-table.md).",
        *(
            part
            for name, check in CHECKS.items()
            for part in (f"### Check {code(name)}", settings_table(check.Settings))
        ),
        *_sections(registry),
    )


def _sections(registry: Registry) -> Iterator[str]:
    for role in ("report", *(role for role in ROLES if role != "report")):
        for row in registry.listing:
            if row.role == role and row.distribution in distributions():
                plugin = registry.find(role, row.name)
                yield f"## {_heading(row)}"
                yield (
                    f"{summary(plugin, row.name)} Brought by {code(row.distribution)}."
                )
                if role in ("query", "page"):
                    yield as_markdown(text_of(plugin, row.name).partition("\n\n")[2])
                if role == "report":
                    yield settings_table(
                        plugin.Settings, _variables(row.name, plugin.Settings)
                    )
                else:
                    yield settings_table(plugin.Settings)


def _variables(report: str, model: type[BaseModel]) -> Callable[[str], str]:
    """Return a function from a field to its environment variable.

    It is the published name, if there is one; the variable with the report's name works
    too.
    """
    published: dict[str, str] = getattr(model, "environment", {})
    return lambda name: published.get(name) or variable(report, name.split("."))
