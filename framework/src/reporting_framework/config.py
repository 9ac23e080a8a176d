"""`reporting.toml`, and a report's settings from all the places that may set them.

Lowest to highest: the model's defaults, ``reporting.toml``, environment variables, the trigger, the command line. Light
to import: pydantic comes with the first settings that are resolved.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import did_you_mean
from reporting_framework.errors import ReportingError, SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.composed import ComposedReport
    from reporting_framework.plugin_api.report import Composition

DEFAULT_NAME = "reporting.toml"


class Config(NamedTuple):
    """What a configuration file says.

    Attributes:
        path: The file, or None when there is none.
        settings: Settings of installed reports: the tables ``[settings.<report>]``.
        tables: Reports composed in the file: the tables ``[reports.<name>]``.
    """

    path: Path | None = None
    settings: Mapping[str, Mapping[str, Any]] = {}
    tables: Mapping[str, Mapping[str, Any]] = {}

    @property
    def name(self) -> str:
        """The file's name, as it is shown to people."""
        return str(self.path) if self.path else DEFAULT_NAME

    @property
    def composed(self) -> dict[str, ComposedReport]:
        """The reports composed in the file, by name; their tables are checked when one is used."""
        from reporting_framework.composed import ComposedReport

        return {name: ComposedReport(name, str(table.get("summary", ""))) for name, table in self.tables.items()}

    @property
    def reports(self) -> dict[str, Composition]:
        """What the reports composed in the file are made of, as the file alone says it.

        Raises:
            SettingsError: A table is not a report.
        """
        return {
            name: report.compose(resolve_settings(name, report.Settings, config=self))
            for name, report in self.composed.items()
        }

    def table_of(self, report: str) -> tuple[str, Mapping[str, Any]]:
        """A report's table, and how to call it in a message."""
        kind, tables = ("reports", self.tables) if report in self.tables else ("settings", self.settings)
        return f"[{kind}.{report}] in {self.name}", tables.get(report, {})


def find_config(given: str | None, environment: Mapping[str, str], directory: Path | None = None) -> Path | None:
    """The configuration file: `given`, else ``REPORTING_CONFIG``, else ``reporting.toml`` where it exists.

    Args:
        given: What ``--config`` says.
        environment: The environment.
        directory: Where to look for ``reporting.toml``; the working directory unless given.

    Raises:
        SettingsError: A file that was asked for is not there.
    """
    for text, asker in ((given, "--config"), (environment.get("REPORTING_CONFIG"), "REPORTING_CONFIG")):
        if text:
            if not os.path.isfile(text):
                raise SettingsError(f"{asker} names {text}, which is not a file")
            return Path(text)
    default = (directory or Path()) / DEFAULT_NAME
    return default if default.is_file() else None


def read_config(path: Path | None) -> Config:
    """Read a configuration file; None gives an empty configuration.

    Raises:
        SettingsError: It cannot be read, is not TOML, or has tables that are not known.
    """
    if path is None:
        return Config()
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: byte {error.start}") from None
    except ValueError:
        raise SettingsError(f"{path} holds a number that is too long") from None
    except (OSError, RecursionError) as error:
        raise SettingsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'nested too deep'}") from None
    settings = _tables(path, document.pop("settings", {}), "settings")
    tables = _tables(path, document.pop("reports", {}), "reports")
    if document:
        name = next(iter(document))
        near = did_you_mean(name, ["settings", "reports"])
        raise SettingsError(f"{path}: there is no table {name}{near}; tables: settings, reports")
    for name in settings.keys() & tables.keys():
        raise SettingsError(f"{path}: [settings.{name}] and [reports.{name}]: put the settings into [reports.{name}]")
    return Config(path, settings, tables)


def _tables(path: Path, value: Any, kind: str) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise SettingsError(f"{path}: {kind} holds one table for each report, as in [{kind}.<report>]")
    return value


def misspelt(config: Config, environment: Mapping[str, str], reports: Sequence[str]) -> list[str]:
    """What is set for a report that there is not and whose name is near that of one there is; in words.

    A name near no other may be that of a report which is not installed here.
    """
    from reporting_framework.layers import variable

    variables = {variable(name, ()): name for name in reports}
    given = {name.partition("__")[0]: name for name in environment if name.startswith("REPORTING_") and "__" in name}
    said = [
        (f"[settings.{name}] in {config.name}", did_you_mean(name, reports))
        for name in config.settings
        if name not in reports
    ]
    said += [
        (f"environment variable {name}", did_you_mean(prefix, list(variables)))
        for prefix, name in given.items()
        if prefix not in variables
    ]
    return [f"{place} is of no report{near}" for place, near in said if near]


def resolve_settings(
    report_name: str,
    model: type[BaseModel],
    *,
    config: Config | None = None,
    environment: Mapping[str, str] | None = None,
    trigger: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
) -> BaseModel:
    """A report's settings, from all the places that may set them.

    Args:
        report_name: The report.
        model: Its settings model. Its class variables `environment` and `alternatives` are minded.
        config: What the configuration file says.
        environment: The environment.
        trigger: What started the run, as far as it is settings.
        options: The command line's options that were given, by setting.
        sets: What ``--set`` was given, each ``path=value``; later than `options` on the same level.

    Raises:
        SettingsError: A setting is missing, unknown, contradictory or of the wrong form.
    """
    from pydantic import ValidationError

    from reporting_framework import layers

    table, values = (config or Config()).table_of(report_name)
    on_command_line = layers.from_options(report_name, model, options or {})
    on_command_line += layers.from_sets(report_name, model, sets)
    said = [
        layers.Layer(f"under {table}", layers.from_mapping(table, values)),
        layers.Layer("in the environment", layers.from_environment(report_name, model, environment or {})),
        layers.Layer(f"in {layers.TRIGGER}", layers.from_mapping(layers.TRIGGER, trigger or {})),
        layers.Layer("on the command line", on_command_line),
    ]
    merged = layers.merge(report_name, said, getattr(model, "alternatives", {}))
    try:
        return model.model_validate(merged.values)
    except ValidationError as error:
        from reporting_framework.explain import explained  # only errors need it

        problem = explained(report_name, model, error, merged, table)
    except ReportingError:
        raise
    except Exception as error:  # of an author's own check, which took a value to be of another type
        problem = SettingsError(
            f"{report_name}: checking the settings raised {type(error).__name__}; give each a value of its own type"
        )
    raise problem
