"""Short ways to run a validator over payloads, and the settings of property tests."""

import json
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings

from reporting_framework import Batch, Rejection, Validated
from reporting_framework.builtin.pydantic_validator import (
    ModelValidator,
    ModelValidatorSettings,
    PydanticValidator,
    PydanticValidatorSettings,
)

MODELS = "tests.framework.builtin.sample_models"

properties = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
"""For every property: at least 100 examples, and no deadline, since machines are of different speed."""


@cache
def validator(model: str, extra: Any = "ignore") -> PydanticValidator:
    """The generic validator with one of the sample models."""
    return PydanticValidator(
        PydanticValidatorSettings(model=f"{MODELS}:{model}", extra=extra)
    )


@cache
def made(kind: type[ModelValidator], extra: Any = "ignore") -> ModelValidator:
    """Make a validator of this class, once: it has no state, and compiling its model takes longer than an example."""
    return kind(ModelValidatorSettings(extra=extra))


def batch(*payloads: Any) -> Batch:
    """Payloads as a batch, from source keys o0, o1, … in versions v0, v1, …; what is not bytes is made JSON."""
    raw = [
        payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        for payload in payloads
    ]
    numbers = range(len(raw))
    return Batch([f"o{n}" for n in numbers], [f"v{n}" for n in numbers], raw)


def run(checker: ModelValidator, *payloads: Any) -> Validated:
    """What the validator makes of payloads; every record is accounted for once, in the declared schema."""
    given = batch(*payloads)
    validated = checker.validate(given)
    source_keys = validated.frame["source_key"].to_list()
    rejected = [rejection.source_key for rejection in validated.rejections]
    assert sorted([*source_keys, *rejected]) == sorted(given.source_keys)
    assert source_keys == [
        source_key for source_key in given.source_keys if source_key not in rejected
    ]
    versions = dict(zip(given.source_keys, given.versions, strict=True))
    assert all(
        rejection.version == versions[rejection.source_key]
        for rejection in validated.rejections
    )
    assert validated.frame.schema == checker.schema
    return validated


def row(validated: Validated) -> dict[str, Any]:
    """The only row, without its source key."""
    assert not validated.rejections, validated.rejections
    (only,) = validated.frame.drop("source_key").to_dicts()
    return only


def reason(validated: Validated) -> tuple[str, str | None]:
    """Type and field of the only rejection."""
    assert not validated.frame.height
    (only,) = validated.rejections
    return only.error_type, only.field


def reasons(validated: Validated) -> list[Rejection]:
    """Rejections in the order of the records."""
    return sorted(
        validated.rejections, key=lambda rejection: int(rejection.source_key[1:])
    )
