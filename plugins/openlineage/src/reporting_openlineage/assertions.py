"""Assertions about data: reasons for rejection, and outcomes of checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from openlineage.client.facet_v2 import data_quality_assertions_dataset

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

MAX_LISTED = 100
"""Most outputs, reasons for rejection and checks in an event, written outputs first."""

Assertion = data_quality_assertions_dataset.Assertion


def rejection_assertions(result: RunResult) -> list[Assertion]:
    """Return a failed assertion for each reason for rejection."""
    return [
        Assertion(
            assertion=rejection.type,
            success=False,
            column=rejection.field,
            actual=str(rejection.count),
        )
        for rejection in result.rejections[:MAX_LISTED]
    ]


def check_assertions(result: RunResult) -> list[Assertion]:
    """Return an assertion for each check that was judged, with its numbers."""
    return [
        Assertion(
            assertion=outcome.check,
            success=bool(outcome.passed),
            column=outcome.columns[0] if len(outcome.columns) == 1 else None,
            severity="error" if outcome.severity == "fail" else "warn",
            name=outcome.name,
            actual=json.dumps(outcome.measured),
            params={"over": outcome.over, "columns": outcome.columns},
        )
        for outcome in result.checks[:MAX_LISTED]
        if outcome.passed is not None
    ]
