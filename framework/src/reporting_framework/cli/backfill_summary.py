"""Estimate and result of a backfill for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_framework.cli.standard_streams import escape_control_chars
from reporting_framework.cli.summary import traffic_rows
from reporting_framework.cli.tables import Rows, table

if TYPE_CHECKING:
    from reporting_framework.operations.backfill_estimate import Estimate
    from reporting_framework.operations.backfill_result import BackfillResult

MAX_OUTPUTS = 10
"""Most outputs that are shown."""


def estimate_text(result: BackfillResult) -> str:
    """Return the estimate of a backfill as a table."""
    planned = result.estimate
    title = f"{result.report}: backfill of {result.first} to {result.last}, estimate"
    rows = _row_estimate if planned.unit == "rows" else _object_estimate
    return "\n".join(table(escape_control_chars(title), rows(planned)))


def _row_estimate(planned: Estimate) -> Rows:
    """Return what is known of rows: no price and no speed were measured with them."""
    return [
        ("rows to read", f"{planned.objects:,} (size not known)"),
        ("already taken", f"{planned.already_taken:,}"),
        ("without a date", "not known (not part of a backfill)"),
        ("chunks", f"{planned.chunks:,}, each with one commit"),
        ("queries", f"{planned.list_requests:,}, made for this estimate"),
        ("time and cost", "not known, as they depend on the database"),
    ]


def _object_estimate(planned: Estimate) -> Rows:
    unknown = (
        f", {planned.size_unknown:,} of unknown size" if planned.size_unknown else ""
    )
    money = planned.currency
    cost = (planned.request_cost or 0) + (planned.lambda_cost or 0)
    return [
        ("objects to read", f"{planned.objects:,} ({planned.bytes:,} bytes{unknown})"),
        ("already taken", f"{planned.already_taken:,}"),
        ("without a date", f"{planned.without_date:,} (not part of a backfill)"),
        ("chunks", f"{planned.chunks:,}, each with one commit"),
        ("requests", _requests(planned)),
        ("time", f"{_duration(planned.seconds or 0)} on two processors"),
        (
            "in Lambda",
            f"{planned.gb_seconds:,.1f} GB-seconds: {planned.lambda_cost:,.4f} {money}",
        ),
        (
            "cost",
            f"{cost:,.4f} {money} (prices of {planned.prices_of}, {planned.region};"
            " writing not included)",
        ),
    ]


def _requests(planned: Estimate) -> str:
    """Describe the requests to the source, with their price."""
    if not planned.list_requests:
        return "none, the source is local"
    return (
        f"{planned.get_requests:,} GET; {planned.list_requests:,} LIST, made for this"
        f" estimate: {planned.request_cost:,.4f} {planned.currency}"
    )


def _duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = round(seconds)
    if whole < 1:
        return "less than 1 s"
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def result_text(result: BackfillResult) -> str:
    """Return the result of a backfill as a table."""
    status = "ok" if result.complete and not result.objects_unread else "partial"
    chunks = f"{result.chunks_done:,} of {result.estimate.chunks:,}"
    counts = ("inserted", "updated", "unchanged", "deleted")
    changes = [
        f"{number:,} {name}"
        for name in counts
        if (number := getattr(result, name)) is not None
    ]
    rows: Rows = [
        ("chunks", chunks),
        ("read", f"{result.records_read:,}"),
        ("accepted", f"{result.accepted:,}"),
        ("rejected", f"{result.rejected:,}"),
        *(
            (label, f"{number:,}")
            for label, number in (
                ("filtered", result.filtered),
                ("duplicates", result.duplicates),
                (f"{result.estimate.unit} unread", result.objects_unread),
            )
            if number
        ),
        *([("changes", ", ".join(changes))] if changes else []),
        *(
            ("output", f"{output.uri}: {output.rows:,} rows")
            for output in result.outputs[:MAX_OUTPUTS]
        ),
        *traffic_rows(result.traffic),
        ("time", _duration(result.seconds)),
    ]
    clean = [(label, escape_control_chars(value)) for label, value in rows]
    return "\n".join(table(escape_control_chars(f"{result.report}: {status}"), clean))


def from_text(result: BackfillResult) -> str:
    """Return the option that spares a further command the finished chunks."""
    day = result.continue_from
    return f", with --from {day}" if day else ""


def left_text(done: int, chunks: int, seconds: float) -> str:
    """Return the expected rest of the time, from the time of the chunks so far."""
    left = chunks - done
    return f"; {_duration(seconds / done * left)} left" if left and done else ""
