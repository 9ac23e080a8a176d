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
    checks = [check_of(report, ref, schema) for ref in refs]
    for name in repeated_names(checks).values():
        raise SettingsError(repeated(report, name))
    return checks


def repeated_names(checks: Sequence[Check | None]) -> dict[int, str]:
    """Return the names that an earlier check has, by the position of the check."""
    names = [None if check is None else check.name for check in checks]
    return {
        number: name
        for number, name in enumerate(names)
        if name is not None and name in names[:number]
    }


def repeated(report: str, name: str) -> str:
    """Return the message about two checks of one name."""
    return (
        f"report {report}: two checks have the name {name}; give one of them another"
        " name"
    )


def check_of(report: str, ref: CheckRef, schema: pl.Schema | None) -> Check:
    """Return a check.

    Args:
        report: Name of the report.
        ref: Name and settings of the check.
        schema: Columns of the report; `None`: they are not known.

    Raises:
        SettingsError: There is no such check, its settings are wrong, or do not fit the
            columns. Paths of its problems begin at the check.
    """
    subject = f"report {report}: check {one_line(ref.name, 80)}"
    found = CHECKS.get(ref.name)
    if found is None:
        raise SettingsError(
            f"report {report}: there is no check {one_line(ref.name, 80)}"
            f"{did_you_mean(ref.name, list(CHECKS))}; checks: {', '.join(CHECKS)}",
            path=("check",),
        )
    try:
        settings = found.Settings.model_validate(dict(ref.settings))
    except ValidationError as error:
        from reporting_framework.config.error_messages import (
            to_settings_error,
        )  # only errors need it

        raise to_settings_error(subject, found.Settings, error) from None
    check = found(settings)
    if schema is not None:
        _bind(subject, check, schema)
    return check


def _bind(subject: str, check: Check, schema: pl.Schema) -> None:
    setting = "column" if hasattr(check.settings, "column") else "columns"
    for column in check.columns:
        if column not in schema:
            raise SettingsError(
                f"{subject}: there is no column {one_line(column, 80)}"
                f"{did_you_mean(column, schema.names())}; columns: {', '.join(schema)}",
                path=(setting,),
            )
    try:
        check.bind(schema)
    except SettingsError as error:
        report = subject.partition(": check ")[0]
        raise SettingsError(f"{report}: {error}") from None
