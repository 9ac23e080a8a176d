"""Memory of what was said about a report: notes in its metadata store.

The notes hold one entry for each topic with an open condition: the signs that were
said, since when, and whether a target has taken the message. A message is claimed by a
conditional write before it is sent, so of two runs at once one speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reporting_framework import CommitConflict, Notes
from reporting_notify.conditions import Condition, Judgement
from reporting_notify.settings import TOPICS, Topic

MAX_ATTEMPTS = 5
"""Conditional writes before another run is left to speak."""

CLAIM = timedelta(minutes=10)
"""Time after which a message that was claimed and not sent may be sent by others."""

Entries = dict[str, dict[str, Any]]


class News(NamedTuple):
    """Content of a message.

    Attributes:
        conditions: Conditions that are new, or have signs that were not said.
        recovered: Topics whose condition has ended, with the time it began.
    """

    conditions: tuple[Condition, ...] = ()
    recovered: tuple[tuple[Topic, str], ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to be said."""
        return bool(self.conditions or self.recovered)


def news(
    before: Mapping[str, Any], judgement: Judgement, now: datetime
) -> tuple[News, Entries]:
    """Compare the conditions of a run with what was said.

    Args:
        before: The notes.
        judgement: Conditions of the run.
        now: Time of the run (UTC).

    Returns:
        What is to be said, and the notes that claim it.
    """
    entries, claims = _entries(before), {"claimed": now.isoformat(), "sent": False}
    found = {condition.topic: condition for condition in judgement.conditions}
    conditions, recovered = [], []
    for topic in TOPICS:
        entry = entries.get(topic)
        if topic in found:
            condition = found[topic]
            said = set(entry["signs"]) if entry and entry.get("open") else set()
            if entry and _is_claimed(entry, now):
                continue  # another run speaks
            if said >= set(condition.signs) and entry and entry["sent"]:
                continue
            signs = said | set(condition.signs)
            since = entry["since"] if entry and said else now.isoformat()
            entries[topic] = {
                "open": True,
                "passing": condition.passing,
                "signs": sorted(signs),
                "since": since,
                **claims,
            }
            conditions.append(condition)
        elif entry and topic in judgement.judged and not _is_claimed(entry, now):
            if entry["passing"] or (entry["open"] and not entry["sent"]):
                del entries[topic]  # nobody has heard of it, or it has no end
                continue
            entries[topic] = {**entry, "open": False, **claims}
            recovered.append((topic, str(entry["since"])))
    return News(tuple(conditions), tuple(recovered)), entries


def settled(before: Mapping[str, Any], said: News, *, sent: bool) -> Entries:
    """Return the notes after a message was sent, or could not be sent.

    A message that no target has taken stays open, and the next run sends it.
    """
    entries = _entries(before)
    for condition in said.conditions:
        if condition.topic in entries:
            entries[condition.topic] |= {"sent": sent, "claimed": None}
    for topic, _ in said.recovered:
        if sent:
            entries.pop(topic, None)
        elif topic in entries:
            entries[topic] |= {"claimed": None}
    return entries


class Memory:
    """Notes about a report, changed by conditional writes.

    Args:
        notes: The notes; `None`: nothing is remembered.
    """

    def __init__(self, notes: Notes | None) -> None:
        self._notes = notes

    def claim(self, judgement: Judgement, now: datetime) -> News:
        """Return what is to be said, and note that this run says it.

        Raises:
            ReportingError: The notes could not be read or written.
        """
        said = News()

        def change(before: Mapping[str, Any]) -> Entries:
            nonlocal said
            said, entries = news(before, judgement, now)
            return entries

        return said if self._change(change) else News()

    def settle(self, said: News, *, sent: bool) -> None:
        """Note whether a message was sent.

        Raises:
            ReportingError: The notes could not be read or written.
        """
        self._change(lambda before: settled(before, said, sent=sent))

    def _change(self, change: Callable[[Mapping[str, Any]], Entries]) -> bool:
        """Change the notes; return False if other runs always came first."""
        if self._notes is None:
            change({})
            return True
        for _ in range(MAX_ATTEMPTS):
            before, version = self._notes.load()
            after = change(before)
            if after == before:
                return True
            try:
                self._notes.save(after, if_version=version)
            except CommitConflict:
                continue
            return True
        return False


def _entries(notes: Mapping[str, Any]) -> Entries:
    """Return the valid entries of notes, which may be of another version."""
    return {
        topic: dict(entry)
        for topic, entry in notes.items()
        if topic in TOPICS
        and isinstance(entry, dict)
        and isinstance(entry.get("signs"), list)
        and {"open", "passing", "since", "sent"} <= entry.keys()
    }


def _is_claimed(entry: Mapping[str, Any], now: datetime) -> bool:
    """Return whether another run is about to say what the entry is about."""
    if not entry.get("claimed") or entry["sent"]:
        return False
    try:
        age = now - datetime.fromisoformat(entry["claimed"])
    except (TypeError, ValueError):
        return False
    return timedelta(0) <= age < CLAIM
