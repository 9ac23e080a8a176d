"""Results of runs as small tables in HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

MAX_LISTED = 20
"""Most rows of each table but the first."""

_COUNTS = (
    "records_read",
    "accepted",
    "rejected",
    "filtered",
    "duplicates",
    "inserted",
    "updated",
    "unchanged",
    "deleted",
    "objects_unread",
    "objects_ignored",
    "remaining",
)
_ALWAYS = ("records_read", "accepted", "rejected")

Row = Sequence[object]


def result_html(result: RunResult) -> str:
    """Return a result as HTML: plain tables, every text escaped, no script or style."""
    dry_run = ", dry run" if result.dry_run else ""
    complete = "" if result.complete else ", not complete"
    title = f"{result.report}: {result.status}{dry_run}{complete}"
    counts = [
        (name.replace("_", " "), count)
        for name in _COUNTS
        if (count := getattr(result, name)) or (name in _ALWAYS)
    ]
    newest = result.last_processed_timestamp
    more: list[Row] = [("newest timestamp", newest.isoformat(" "))] if newest else []
    if result.quarantine is not None:
        more.append(("quarantine", result.quarantine.uri))
    more.append(("seconds", f"{result.seconds.total:.2f}"))
    parts = [
        f"<b>{escape(title)}</b>",
        _table((), [*counts, *more]),
        _table(
            ("output", "rows", "new rows", "bytes"),
            [
                (each.uri, each.rows, each.new_rows, each.bytes)
                for each in result.outputs
            ],
        ),
        _table(
            ("rejected because", "field", "records"),
            [(each.type, each.field or "", each.count) for each in result.rejections],
        ),
        _table(
            ("check", "severity", "outcome"),
            [
                (each.name, each.severity, each.problem or "passed")
                for each in result.checks
            ],
        ),
        _table(
            ("column", "change", "before", "after"),
            [
                (each.column, each.change, each.before or "", each.after or "")
                for each in result.schema_changes
            ],
        ),
        _table(
            ("stream", "status", "read", "accepted", "rejected"),
            [
                (name, each.status, each.records_read, each.accepted, each.rejected)
                for name, each in result.streams.items()
            ],
        ),
        _table(("warning",), [(text,) for text in result.warnings]),
    ]
    return "\n".join(filter(None, parts))


def _table(head: Row, rows: Sequence[Row]) -> str:
    """Return a table; empty if it has no rows."""
    if not rows:
        return ""
    lines = [_row("th", head)] if head else []
    shown = rows[:MAX_LISTED] if head else rows
    lines += [_row("td", row) for row in shown]
    if len(rows) > len(shown):
        lines.append(_row("td", (f"and {len(rows) - len(shown):,} more",)))
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Iterable[object]) -> str:
    shown = (f"{each:,}" if type(each) is int else escape(str(each)) for each in cells)
    return f"<tr>{''.join(f'<{tag}>{each}</{tag}>' for each in shown)}</tr>"
