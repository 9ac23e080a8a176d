"""Text of a message: what is the matter with a report, in plain lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult
    from reporting_notify.memory import News
    from reporting_notify.settings import Topic

MAX_LINE = 500
"""Most characters of a line."""

MAX_TITLE = 100
"""Most characters of a title: SNS takes no more."""

Kind = Literal["failure", "warning", "success"]

_AGAIN: Mapping[Topic, str] = {
    "failure": "the report runs again",
    "checks": "all checks pass again",
    "rejections": "the share of rejected records is within its limit again",
    "staleness": "the data is fresh again",
}


class Message(NamedTuple):
    """Message about a run.

    Attributes:
        kind: ``failure``, ``warning``, or ``success`` if the report has only recovered.
        title: One line.
        body: Lines of plain text.
    """

    kind: Kind
    title: str
    body: str


def message_of(
    report: str, run_id: str, said: News, result: RunResult | None = None
) -> Message:
    """Return the message about a run.

    Args:
        report: Name of the report.
        run_id: Id of the run.
        said: What is to be said.
        result: Result of the run, unless it failed.
    """
    headlines = [condition.headline for condition in said.conditions]
    lines: list[str] = []
    for condition in said.conditions:
        lines += [f"{condition.headline}:", *(f"- {line}" for line in condition.lines)]
    for topic, since in said.recovered:
        again = _AGAIN.get(topic, "all is well again")
        began = since[:19].replace("T", " ")
        lines.append(f"{again}; the trouble began at {began} UTC")
    if result is not None:
        lines.append(
            f"read {result.records_read:,}, accepted {result.accepted:,}, rejected"
            f" {result.rejected:,}, objects unread {result.objects_unread:,}"
        )
    lines.append(f"run {run_id}")
    topics = {condition.topic for condition in said.conditions}
    kind: Kind = (
        "failure" if "failure" in topics else "warning" if topics else "success"
    )
    title = _line(f"{report}: {'; '.join(headlines) or 'recovered'}", MAX_TITLE)
    return Message(kind, title, "\n".join(_line(line, MAX_LINE) for line in lines))


def _line(text: str, limit: int) -> str:
    """Return a text as one line without control characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
