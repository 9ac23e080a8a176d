"""Checks by name, made of a report's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from reporting_framework._text.messages import did_you_mean, one_line
from reporting_framework.checks.count_rules import Freshness, RowCount, RowCountChange
from reporting_framework.checks.key_rules import ForeignKey, Unique
from reporting_framework.checks.row_rules import AcceptedValues, NotNull, Range
from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.checks.base import Check
    from reporting_framework.plugin_api.report import CheckRef

CHECKS: dict[str, type[Check]] = {
    check.kind: check
    for check in (
        Unique,
        NotNull,
        Range,
        AcceptedValues,
        ForeignKey,
        RowCount,
        RowCountChange,
        Freshness,
    )
}
"""Classes of the checks, by the names that settings use."""


def checks_of(report: str, refs: Sequence[CheckRef], schema: pl.Schema) -> list[Check]:
    """Return the checks of a report.

    Args:
        report: Name of the report.
        refs: Names and settings of the checks.
        schema: Columns of the report.

    Raises:
        SettingsError: A check does not exist, its settings are wrong, or two checks
            have one name.
    """
    checks = [_check_of(report, ref, schema) for ref in refs]
    names = [check.name for check in checks]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(
                f"report {report}: two checks have the name {name}; give one of them"
                " another name"
            )
    return checks


def _check_of(report: str, ref: CheckRef, schema: pl.Schema) -> Check:
    found = CHECKS.get(ref.name)
    if found is None:
        raise SettingsError(
            f"report {report}: there is no check {one_line(ref.name, 80)}"
            f"{did_you_mean(ref.name, list(CHECKS))}; checks: {', '.join(CHECKS)}"
        )
    try:
        settings = found.Settings.model_validate(dict(ref.settings))
    except ValidationError as error:
        from reporting_framework.config.error_messages import (
            to_settings_error,
        )  # only errors need it

        problem = to_settings_error(
            f"report {report}: check {ref.name}", found.Settings, error
        )
        raise problem from None
    check = found(settings)
    for column in check.columns:
        if column not in schema:
            raise SettingsError(
                f"report {report}: check {ref.name}: there is no column"
                f" {one_line(column, 80)}{did_you_mean(column, schema.names())};"
                f" columns: {', '.join(schema)}"
            )
    try:
        check.bind(schema)
    except SettingsError as error:
        raise SettingsError(f"report {report}: {error}") from None
    return check
