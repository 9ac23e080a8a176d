"""The validator ``experiment-event``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from reporting_event_processor.fast_parser import quick_events
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
    def parse_fast(self, payloads: Sequence[bytes]) -> Iterable[dict[str, Any] | None]:
        return quick_events(payloads)
