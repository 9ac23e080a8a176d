"""Names of event files.

- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{visitnum}.json``
- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{YYYY-MM-DD}.json``, the current producer's
- ``log-{action}-{YYYYMMDD}.json``, the legacy form

An action and a project's label may contain hyphens. A name only guides the search for new files; what an event says
is in the file.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INCLUDE = "log-*.json"
"""Names that are read."""

RANGE_PATTERN = r"^(?P<range>(?:.*/)?log-[^/]+?-)(?P<timestamp>[0-9]{8}(?:-[0-9]{6})?)(?=[-.])"
"""What is the same in the names of one action, and the timestamp that grows in them."""

_NAME = re.compile(
    r"log-(?P<action>.+?)-(?P<date>[0-9]{8})"
    r"(?:-(?P<time>[0-9]{6})-(?P<adcid>[0-9]+)-(?P<project>.+?)-(?P<ptid>[!-,.-~]{1,10})"
    r"-(?P<visit>[0-9]{4}-[0-9]{2}-[0-9]{2}|[^-]+))?\.json\Z"
)


class EventName(NamedTuple):
    """What a file's name says; only `action` and `timestamp` are in every form.

    Attributes:
        action: The action.
        timestamp: YYYYMMDD or YYYYMMDD-HHMMSS.
        adcid: The centre's number.
        project: The project's label.
        ptid: The participant's id.
        visit: The visit's number, or its day as YYYY-MM-DD.
    """

    action: str
    timestamp: str
    adcid: str | None = None
    project: str | None = None
    ptid: str | None = None
    visit: str | None = None


def parse_name(name: str) -> EventName | None:
    """What the last part of a key says, or None when it is of no known form."""
    found = _NAME.match(name)
    if found is None:
        return None
    timestamp = "-".join(part for part in (found["date"], found["time"]) if part)
    return EventName(found["action"], timestamp, found["adcid"], found["project"], found["ptid"], found["visit"])
