"""Names of event files.

- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{visitnum}.json``
- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{YYYY-MM-DD}.json``, of the
  current producer
- ``log-{action}-{YYYYMMDD}.json``, the legacy form

An action and a project's label may contain hyphens. A name only guides the search for
new files; the content of the file defines the event.
"""

from __future__ import annotations

INCLUDE = "log-*.json"
"""Pattern of the names that are read."""

RANGE_PATTERN = (
    r"^(?P<range>(?:.*/)?log-[^/]+?-)(?P<timestamp>[0-9]{8}(?:-[0-9]{6})?)(?=[-.])"
)
"""Common start of the names of one action, and the timestamp by which they sort."""
