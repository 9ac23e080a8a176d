"""Names of event files.

- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{visitnum}.json``
- ``log-{action}-{YYYYMMDD-HHMMSS}-{adcid}-{project}-{ptid}-{YYYY-MM-DD}.json``, the
  current producer's
- ``log-{action}-{YYYYMMDD}.json``, the legacy form

An action and a project's label may contain hyphens. A name only guides the search for
new files; what an event says is in the file.
"""

from __future__ import annotations

INCLUDE = "log-*.json"
"""Names that are read."""

RANGE_PATTERN = (
    r"^(?P<range>(?:.*/)?log-[^/]+?-)(?P<timestamp>[0-9]{8}(?:-[0-9]{6})?)(?=[-.])"
)
"""What is the same in the names of one action, and the timestamp that grows in them."""
