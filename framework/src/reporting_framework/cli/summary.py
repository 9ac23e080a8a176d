"""Summary of a `RunResult` for people.

It is a ruled table on a terminal and plain lines elsewhere, with suggested commands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reporting_framework._text.commands import prefixed
from reporting_framework._text.messages import redacted, utc_text
from reporting_framework.cli.standard_streams import escape_control_chars
from reporting_framework.cli.tables import Rows, table

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import (
        CheckOutcome,
        Output,
        RunResult,
        Traffic,
    )

MAX_REASONS = 10
"""Most rejection reasons that are shown."""

MAX_OUTPUTS = 10
"""Most outputs that are shown."""

MAX_CHECKS = 20
"""Most checks that are shown."""

MAX_QUARANTINES = 2
"""Most streams whose quarantine is suggested."""


def summary(
    result: RunResult, again: Sequence[str], settings: Sequence[str] | None = None
) -> str:
    """Return the summary of a run.

    Args:
        result: Result of the run.
        again: Words of the command that started the run; empty if they must not be
            shown.
        settings: The words of `again` that are settings; `None` if they must not be
            shown.
    """
    rows = [(label, escape_control_chars(value)) for label, value in _rows(result)]
    title = (
        f"{result.report}:"
        f" {'dry run, nothing was written' if result.dry_run else result.status}"
    )
    lines = table(escape_control_chars(title), rows)
    if (
        result.response is None or result.dry_run
    ):  # records of a trigger must not be taken twice
        lines += [
            "",
            "Next:",
            *(f"  {line}" for line in next_commands(result, again, settings)),
        ]
    return "\n".join(lines)


def _upserted(result: RunResult) -> str:
    """Return an upsert's counts of inserted, updated, unchanged and deleted rows."""
    if result.inserted is None:
        return ""
    counts = ("inserted", "updated", "unchanged")
    parts = ", ".join(f"{getattr(result, name):,} {name}" for name in counts)
    return f" ({parts}); {result.deleted:,} deleted"


def _rows(result: RunResult) -> Rows:
    would = "would be " if result.dry_run else ""
    rows = [
        ("read", f"{result.records_read:,}"),
        (f"{would}accepted", f"{result.accepted:,}{_upserted(result)}"),
        (f"{would}rejected", f"{result.rejected:,}"),
        *_reasons(result),
    ]
    optional: dict[str, tuple[int, dict[str, int]]] = {
        f"{would}filtered": (result.filtered, {}),
        "duplicates": (result.duplicates, {}),
        "objects unread" if result.response is None else "not taken": (
            result.objects_unread,
            result.unread_reasons,
        ),
        "objects remaining": (result.remaining, {}),
    }
    for label, (number, reasons) in optional.items():
        rows += [(label, f"{number:,}")] if number else []
        rows += [
            ("  reason", f"{count:,} x {reason}") for reason, count in reasons.items()
        ]
    if result.objects_ignored:
        samples = (
            f" (such as {', '.join(result.ignored_samples)})"
            if result.ignored_samples
            else ""
        )
        rows.append(("objects ignored", f"{result.objects_ignored:,}{samples}"))
    if result.ignored_fields:
        rows.append(
            (
                "fields ignored",
                ", ".join(
                    f"{name} {count:,}" for name, count in result.ignored_fields.items()
                ),
            )
        )
    if result.dry_run:
        where = f" to {result.outputs[0].uri}" if len(result.outputs) == 1 else ""
        rows.append(("would be written", f"{result.accepted:,} rows{where}"))
    label = "output now" if result.dry_run else "output"
    rows += [(label, _output(output)) for output in result.outputs[:MAX_OUTPUTS]]
    if more := result.outputs[MAX_OUTPUTS:]:
        added = sum(output.new_rows for output in more)
        total = f"{sum(output.rows for output in more):,} rows (+{added:,})"
        rows.append(
            (label, f"and {len(more):,} more: {total} (--format json lists all)")
        )
    if result.quarantine:
        number = result.quarantine.rows  # without rows, there need not be a file
        where = f"{result.quarantine.uri}: {number:,} rows" if number else "0 rows"
        rows.append(("quarantine", where))
    if result.last_processed_timestamp:
        rows.append(("newest timestamp", utc_text(result.last_processed_timestamp)))
    if changes := result.schema_changes[:MAX_CHECKS]:
        from reporting_framework.execution.source_schema import (
            change_text,
        )  # `--help` does not need it

        rows += [("source column", change_text(change)) for change in changes]
    rows += check_rows(result)
    rows += [
        (f"stream {name}", _stream(stream)) for name, stream in result.streams.items()
    ]
    rows += _listed(result)
    rows += [("warning", warning) for warning in result.warnings]
    rows.append(("complete", _complete(result)))
    rows += traffic_rows(result.traffic)
    rows.append(("seconds", f"{result.seconds.total:.2f}"))
    return rows


def traffic_rows(traffic: Traffic | None) -> Rows:
    """Return the row of counted requests; no row if none were sent."""
    if traffic is None or not traffic.requests:
        return []
    parts = [f"{number:,} {kind.upper()}" for kind, number in traffic.requests.items()]
    sizes = f"{traffic.bytes_read:,} bytes read, {traffic.bytes_written:,} written"
    return [("requests", f"{', '.join(parts)}; {sizes}")]


def check_lines(result: RunResult) -> str:
    """Return the checks of a run that failed, for people."""
    rows = [(label, escape_control_chars(value)) for label, value in check_rows(result)]
    title = escape_control_chars(f"{result.report}: {result.status}")
    return "\n".join(table(title, rows))


def check_rows(result: RunResult) -> Rows:
    """Return a row for each check, those that failed first."""
    ordered = sorted(result.checks, key=lambda outcome: not outcome.failed)
    rows = [(f"check {_named(each)}", _verdict(each)) for each in ordered[:MAX_CHECKS]]
    if more := ordered[MAX_CHECKS:]:
        passed = sum(outcome.passed is True for outcome in more)
        rows.append(
            ("checks", f"and {len(more)} more, {passed} passed (--format json)")
        )
    return rows


def _named(outcome: CheckOutcome) -> str:
    return f"{outcome.stream}: {outcome.name}" if outcome.stream else outcome.name


def _verdict(outcome: CheckOutcome) -> str:
    if outcome.passed:
        return "passed"
    word = "not judged" if outcome.passed is None else "failed"
    warns = " (warn)" if outcome.failed and outcome.severity == "warn" else ""
    return f"{word}{warns}: {outcome.problem}"


def _complete(result: RunResult) -> str:
    """Say whether all was handled, and if not, why."""
    if result.complete:
        listed_all = result.listing in (None, "full")
        return "yes" if listed_all else "yes, of what was listed"
    if not result.dry_run:
        return "no: run again for the rest"
    return "no: not all pages read" if result.cut_short else "no: a sample was read"


def _stream(result: RunResult) -> str:
    """Say what the run of a stream did."""
    if result.status == "failed":
        return "failed"
    aside = result.rejected + result.filtered
    counts = f"{result.records_read:,} read, {result.accepted:,} accepted"
    return f"{result.status}: {counts}" + (f", {aside:,} not kept" if aside else "")


def _listed(result: RunResult) -> Rows:
    """Return the row on what was listed and when the next full scan is due."""
    if result.listing is None:
        return []
    what = {"full": "everything", "named": "named objects only"}.get(result.listing)
    if what is None:
        what = (
            f"names dated {result.listed_from:%Y-%m-%d} or later"
            if result.listed_from
            else "names that may be new"
        )
    due = (
        f"; full scan due at {result.full_scan_due:%Y-%m-%d %H:%M} UTC"
        if result.full_scan_due
        else ""
    )
    return [("listed", f"{what}{due}")]


def _reasons(result: RunResult) -> Rows:
    rows = [
        (
            "  reason",
            (
                f"{rejection.count:,} x {rejection.type}"
                f"{f' in {rejection.field}' if rejection.field else ''}"
            ),
        )
        for rejection in result.rejections[:MAX_REASONS]
    ]
    if len(result.rejections) > MAX_REASONS:
        rows.append(
            (
                "  reason",
                (
                    f"and {len(result.rejections) - MAX_REASONS} more (--format json"
                    " lists all)"
                ),
            )
        )
    return rows


def _output(output: Output) -> str:
    deleted = f", {output.deleted_rows:,} deleted" if output.deleted_rows else ""
    size = f", {output.bytes:,} bytes" if output.bytes else ""  # 0: not known
    return f"{output.uri}: {output.rows:,} rows (+{output.new_rows:,}){deleted}{size}"


def next_commands(
    result: RunResult, again: Sequence[str], settings: Sequence[str] | None = None
) -> list[str]:
    """Return commands that may be useful after this run."""
    words = list(again)
    if result.dry_run:
        first = (
            shlex.join(_without_dry_run(words))
            if words
            else "the same without --dry-run and --limit"
        )
    else:
        first = (
            shlex.join([*words, "--format", "json"])
            if words
            else "the same with --format json"
        )
    commands = [prefixed(first)] if words else [first]
    uris = [output.uri for output in result.outputs if output.rows]
    aside = [
        each.report
        for each in (result, *result.streams.values())
        if each.quarantine is not None and each.quarantine.rows
    ]
    commands += [
        prefixed(read_command(uri))
        for uri in uris[: 1 if aside else 2]
        if uri.endswith(".parquet")
    ]
    for report in aside[:MAX_QUARANTINES]:
        words = [
            "reporting",
            "quarantine",
            escape_control_chars(report),
            *(settings or ()),
        ]
        commands.append(
            prefixed(shlex.join(words)) + (" …" if settings is None else "")
        )
    return [redacted(command) for command in commands]


def read_command(uri: str) -> str:
    """Return a shell command that prints a parquet file."""
    code = f"import polars as pl; print(pl.read_parquet({escape_control_chars(uri)!r}))"
    quoted = (
        f'"{code}"'
        if re.fullmatch(r"[\w./:=@%+,{} -]+", uri, re.ASCII)
        else shlex.quote(code)
    )
    return f"python -c {quoted}"


def _without_dry_run(words: Iterable[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if (
            not skip
            and word not in ("--dry-run", "--limit")
            and not word.startswith("--limit=")
        ):
            kept.append(word)
        skip = word == "--limit"
    return kept
