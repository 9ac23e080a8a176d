"""Conditions of a report that are worth a message, as one run shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework import CheckFailed, ReportingError
from reporting_framework.errors import SchemaChanged
from reporting_notify.settings import ReportSettings, Topic

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import (
        CheckOutcome,
        RunResult,
        SchemaChange,
    )

MAX_LISTED = 10
"""Most reasons, checks or columns that a message lists."""


class Condition(NamedTuple):
    """Condition of a report.

    Attributes:
        topic: Reason for the message.
        signs: What makes the condition the same as before: it is said again only if
            there are signs that were not said.
        headline: What is the matter, in a few words.
        lines: Details.
        passing: Whether it is an event that no later run can undo, such as a change of
            columns: its end is not said.
    """

    topic: Topic
    signs: tuple[str, ...]
    headline: str
    lines: tuple[str, ...] = ()
    passing: bool = False


class Judgement(NamedTuple):
    """Conditions that a run shows.

    Attributes:
        conditions: The conditions, at most one for each topic.
        judged: Topics that the run says something about; the others stay as they are.
    """

    conditions: tuple[Condition, ...]
    judged: frozenset[Topic]


def of_failure(error: BaseException, settings: ReportSettings) -> Judgement:
    """Return the conditions of a run that failed."""
    name = type(error).__name__
    lines, signs = [name], [name]
    if isinstance(error, ReportingError):  # others may hold values in their messages
        lines = [f"{name}: {error}"]
    if isinstance(error, CheckFailed):
        failed = [each for each in error.result.checks if each.failed]
        lines += _check_lines(failed)
        signs += [each.name for each in failed]
    if isinstance(error, SchemaChanged):
        lines += _change_lines(error.changes)
        signs += map(_change_sign, error.changes)
    failure = Condition("failure", tuple(signs), "run failed", tuple(lines))
    return _judgement([failure], {"failure"}, settings)


def of_result(result: RunResult, settings: ReportSettings, now: datetime) -> Judgement:
    """Return the conditions of a run that did not fail."""
    conditions: list[Condition] = []
    judged: set[Topic] = {"failure", "checks", "schema"}
    if failed := [each for each in result.checks if each.failed]:
        signs = tuple(each.name for each in failed)
        headline = f"{_number(len(failed), 'check')} failed"
        conditions.append(
            Condition("checks", signs, headline, tuple(_check_lines(failed)))
        )
    if result.records_read:
        judged.add("rejections")
        rate = result.rejected / result.records_read
        if rate > settings.max_rejection_rate:
            conditions.append(_rejections(result, rate, settings))
    newest, limit = result.last_processed_timestamp, settings.age_limit
    if newest is not None and limit is not None:
        judged.add("staleness")
        if now - newest > limit:
            line = f"newest data is from {newest:%Y-%m-%d %H:%M:%S} UTC"
            allowed = f"{settings.max_age} is allowed"
            conditions.append(
                Condition("staleness", ("stale",), "data is stale", (line, allowed))
            )
    if changes := result.schema_changes:
        signs = tuple(map(_change_sign, changes))
        lines = tuple(_change_lines(changes))
        conditions.append(
            Condition("schema", signs, "columns have changed", lines, passing=True)
        )
    return _judgement(conditions, judged, settings)


def _judgement(
    conditions: Iterable[Condition], judged: set[Topic], settings: ReportSettings
) -> Judgement:
    wanted = frozenset(settings.on)
    kept = tuple(each for each in conditions if each.topic in wanted)
    return Judgement(kept, frozenset(judged) & wanted)


def _rejections(result: RunResult, rate: float, settings: ReportSettings) -> Condition:
    reasons = result.rejections[:MAX_LISTED]
    named = [
        each.type + (f" in {each.field}" if each.field else "") for each in reasons
    ]
    lines = [
        f"{each.count:,} x {name}" for each, name in zip(reasons, named, strict=True)
    ]
    allowed = f"{settings.max_rejection_rate:.1%} is allowed"
    return Condition(
        "rejections",
        tuple(named) or ("rejected",),
        f"{rate:.1%} of the records were rejected",
        (f"{result.rejected:,} of {result.records_read:,}; {allowed}", *lines),
    )


def _check_lines(failed: Iterable[CheckOutcome]) -> list[str]:
    lines = []
    for each in list(failed)[:MAX_LISTED]:
        columns = f" of {', '.join(each.columns)}" if each.columns else ""
        lines.append(f"check {each.name} ({each.check}{columns}): {each.problem}")
    return lines


def _change_lines(changes: Iterable[SchemaChange]) -> list[str]:
    return [
        f"column {each.column}: {each.change}"
        + (f", {each.before} to {each.after}" if each.change == "retyped" else "")
        for each in list(changes)[:MAX_LISTED]
    ]


def _change_sign(change: SchemaChange) -> str:
    return f"{change.column} {change.change} {change.after or ''}".rstrip()


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
