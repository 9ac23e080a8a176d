"""Resolution of a report's settings from all places that may set them.

Lowest to highest: the model's defaults, ``reporting.toml``, environment variables, the
trigger, the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import did_you_mean
from reporting_framework.config.file import Config
from reporting_framework.errors import ReportingError, SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel


def unknown_report_settings(
    config: Config, environment: Mapping[str, str], reports: Sequence[str]
) -> list[str]:
    """Describe settings for a report that does not exist but resembles one that does.

    A name that resembles no report may belong to a report that is not installed here.
    """
    from reporting_framework.config.layers import variable

    variables = {variable(name, ()): name for name in reports}
    given = {
        name.partition("__")[0]: name
        for name in environment
        if name.startswith("REPORTING_") and "__" in name
    }
    problems = [
        (f"[settings.{name}] in {config.name}", did_you_mean(name, reports))
        for name in config.settings
        if name not in reports
    ]
    problems += [
        (f"environment variable {name}", did_you_mean(prefix, list(variables)))
        for prefix, name in given.items()
        if prefix not in variables
    ]
    return [f"{place}: no such report{near}" for place, near in problems if near]


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
    """Resolve a report's settings from all places that may set them.

    Args:
        report_name: The report.
        model: Its settings model, with its class variables `environment` and
            `alternatives`.
        config: The configuration file.
        environment: The environment variables.
        trigger: Settings in the trigger.
        options: Options given on the command line, by setting.
        sets: Values of ``--set``, each ``path=value``; they override `options`.

    Raises:
        SettingsError: A setting is missing, unknown, contradictory or of the wrong
            form.
    """
    from pydantic import ValidationError

    from reporting_framework.config import layers

    report_name, _, _ = report_name.partition("/")  # its streams have its settings
    table, values = (config or Config()).table_of(report_name)
    on_command_line = layers.from_options(report_name, model, options or {})
    on_command_line += layers.from_sets(report_name, model, sets)
    all_layers = [
        layers.Layer(f"under {table}", layers.from_mapping(table, values)),
        layers.Layer(
            "in the environment",
            layers.from_environment(report_name, model, environment or {}),
        ),
        layers.Layer(
            f"in {layers.TRIGGER}", layers.from_mapping(layers.TRIGGER, trigger or {})
        ),
        layers.Layer("on the command line", on_command_line),
    ]
    if any(
        assignment.path[0] == "engine"
        for layer in all_layers
        for assignment in layer.assignments
    ):
        from reporting_framework.config.engine_setting import (
            as_tables,
            with_engine,
        )  # most runs leave the engine to the report

        model = with_engine(model)
        all_layers = as_tables(all_layers, model)
    merged = layers.merge(report_name, all_layers, getattr(model, "alternatives", {}))
    try:
        return model.model_validate(merged.values)
    except ValidationError as error:
        from reporting_framework.config.error_messages import (
            to_settings_error,
        )  # imported late: only errors need it

        problem = to_settings_error(report_name, model, error, merged, table)
    except ReportingError:
        raise
    except (
        Exception
    ) as error:  # from the report's own validator, which expected another type
        problem = SettingsError(
            f"{report_name}: checking the settings raised {type(error).__name__}; give"
            " each setting a value of its type"
        )
    raise problem
