"""Errors of a tap, which name the tap and never show a value of a record."""

from __future__ import annotations

from reporting_framework.errors import StorageUnavailable


class TapFailed(StorageUnavailable):
    """The tap ended early, or broke the protocol: it cannot be read any further."""
