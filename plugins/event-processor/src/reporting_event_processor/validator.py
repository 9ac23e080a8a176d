"""The validator ``experiment-event``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_event_processor.fast_parser import parse_events
from reporting_event_processor.models import ExperimentEvent
from reporting_framework.builtin.pydantic_validator import ModelValidator


class ExperimentEventValidator(ModelValidator):
    """Validator of experiments' events.

    Nested objects stay the text that they are in the payload.
    """

    name: ClassVar[str] = "experiment-event"
    model = ExperimentEvent
    raw_json_fields: ClassVar[frozenset[str]] = frozenset({"properties", "metadata"})

    @override
    def parse_fast(self, payloads: Sequence[bytes]) -> tuple[pl.DataFrame, pl.Series]:
        return parse_events(payloads)
