"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """Return the validator."""
    return [
        LazyPlugin(
            "dataframely",
            "reporting_dataframely.validator:DataframelyValidator",
            "a dataframely schema class, by its import path; frames",
        )
    ]
