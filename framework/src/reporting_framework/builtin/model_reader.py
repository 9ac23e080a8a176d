"""Parser of payloads to the fields of records.

A pydantic model or a TypedDict is compiled once for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from typing_extensions import is_typeddict

from reporting_framework.builtin.model_fields import fields_of, with_config

Extra = Literal["ignore", "reject", "keep"]

_CONFIG: dict[Extra, Literal["allow", "forbid"]] = {
    "ignore": "allow",
    "reject": "forbid",
    "keep": "allow",
}


class RecordParser:
    """Parser of payloads with one model.

    If unknown fields are counted, the model accepts them, at almost no cost.

    Args:
        model: A pydantic model or a TypedDict. Its own configuration of unknown fields
            is ignored.
        extra: Treatment of unknown fields.

    Raises:
        Exception: pydantic cannot make a validator of the model.

    Attributes:
        parse: Function that parses a payload to a dictionary or a model, or raises a
            `ValidationError`. It is the compiled function itself: the method of
            `TypeAdapter` around it takes a tenth longer.
        open: Function that returns the fields of a parsed model (possibly with unknown
            fields) and the unknown fields; `None` if `parse` returns a dictionary.
        names: Names of the declared fields.
        schema: Core schema of the model.
    """

    def __init__(self, model: Any, extra: Extra) -> None:
        config = ConfigDict(extra=_CONFIG[extra], allow_inf_nan=False)
        self.names = frozenset(fields_of(model))
        self.open: (
            Callable[[Any], tuple[dict[str, Any], Mapping[str, Any] | None]] | None
        ) = None
        checked_model = (
            with_config(model, config)
            if is_typeddict(model)
            else _configured(model, config)
        )
        if not is_typeddict(model):
            self.open = _opened
        adapter = TypeAdapter(checked_model)
        self.parse: Callable[[bytes], Any] = adapter.validator.validate_json
        self.schema: Mapping[str, Any] = adapter.core_schema


def _configured(model: Any, config: ConfigDict) -> Any:
    """Return the model with another configuration."""
    return type(
        model.__name__,
        (model,),
        {"model_config": config, "__module__": model.__module__},
    )


def _opened(record: BaseModel) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    return record.__dict__, record.__pydantic_extra__
