"""What becomes of unknown fields: the same three words mean the same to every first-party validator."""

import json

import pytest
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from reporting_event_log_checkpoint.validator import (
    VisitEventV2Validator,
    VisitEventValidator,
)
from reporting_event_processor.validator import ExperimentEventValidator
from reporting_framework import Batch, Rejection
from reporting_framework.builtin.pydantic_validator import (
    ModelValidator,
    ModelValidatorSettings,
    PydanticValidator,
)
from reporting_framework.registry.discovery import allow_list
from reporting_framework.registry.registry import load_plugins
from reporting_framework.testing import CANARY
from reporting_json_schema.validator import JsonSchemaValidator
from tests.conformance.test_event_processor import EVENT
from tests.plugins.event_log_checkpoint.strategies import FORM

GOOD = {
    PydanticValidator: {"text": "x"},
    VisitEventValidator: FORM,
    VisitEventV2Validator: FORM,
    ExperimentEventValidator: EVENT,
    JsonSchemaValidator: {"text": "x"},
}
"""A record that each takes."""

MORE = {
    "naccid": "N1",
    "deep": {"b": [1, None], "a": CANARY},
    f"{CANARY} of someone": 1,
}
"""Fields that none declares."""

every = pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.name)


def validated(kind, extra, *records):
    more = {
        PydanticValidator: {
            "model": "tests.framework.builtin.sample_models:Everything"
        },
        JsonSchemaValidator: {"schema": "tests.conformance:text.json"},
    }.get(kind, {})
    made = kind(kind.Settings.model_validate({"extra": extra, **more}))
    names = [f"{number}.json" for number in range(len(records))]
    found = made.validate(
        Batch(
            names, ["v"] * len(names), [json.dumps(each).encode() for each in records]
        )
    )
    assert found.frame.schema == made.schema
    return found


def test_no_validator_is_left_out():
    """Of those that take records; a frame has columns and no fields beside them."""
    registry = load_plugins(allow_list({}))
    kinds = [registry.find("validator", name) for name in registry.names("validator")]
    own = {
        kind.name
        for kind in kinds
        if kind.__module__.startswith("reporting_") and kind.input_format != "frames"
    }
    assert {kind.name for kind in GOOD} == own


@every
def test_ignored_fields_are_left_out_and_counted(kind):
    """By name where the name is a plain identifier."""
    found = validated(
        kind,
        "ignore",
        {**GOOD[kind], **MORE},
        {**GOOD[kind], "naccid": None},
        GOOD[kind],
    )
    assert found.frame.height == 3
    assert found.frame.drop("source_key").n_unique() == 1
    assert "extra" not in found.frame.columns
    assert found.ignored_fields == {"naccid": 2, "deep": 1, "(other)": 1}


@every
def test_records_with_unknown_fields_are_rejected(kind):
    """Without the name, which may be data."""
    found = validated(kind, "reject", {**GOOD[kind], **MORE}, GOOD[kind])
    word = "additionalProperties" if kind is JsonSchemaValidator else "extra_forbidden"
    assert found.rejections == [Rejection("0.json", "v", word, None)]
    assert (
        found.frame.height,
        "extra" in found.frame.columns,
        found.ignored_fields,
    ) == (1, False, {})


@every
def test_kept_fields_are_json_in_one_column(kind):
    """The last one before the source key, names sorted, null where there are none; nothing is counted as ignored."""
    found = validated(kind, "keep", {**GOOD[kind], **MORE}, GOOD[kind])
    assert found.frame.columns[-2:] == ["extra", "source_key"]
    kept, none = found.frame["extra"]
    assert none is None
    assert json.loads(kept) == MORE
    assert list(json.loads(kept)) == sorted(MORE)
    assert (list(found.rejections), found.ignored_fields) == ([], {})


@every
def test_a_row_is_the_same_but_for_the_column(kind):
    """So that a checkpoint can go from one mode to another."""
    rows = {
        mode: validated(kind, mode, GOOD[kind]).frame
        for mode in ("ignore", "reject", "keep")
    }
    assert rows["ignore"].equals(rows["reject"])
    assert rows["keep"].drop("extra").equals(rows["ignore"])


# -- objects within a record --------------------------------------------------------------------------------------------


class Typed(TypedDict):
    a: int


class Plain(BaseModel):
    a: int


class Allowing(Plain):
    model_config = ConfigDict(extra="allow")


class Forbidding(Plain):
    model_config = ConfigDict(extra="forbid")


@pytest.mark.parametrize(
    ("within", "extra", "kept"),
    [
        (Typed, "ignore", '{"a":1,"b":2}'),
        (Typed, "keep", '{"a":1,"b":2}'),
        (Typed, "reject", None),
        *((Plain, extra, '{"a":1}') for extra in ("ignore", "keep", "reject")),
        *((Allowing, extra, '{"a":1,"b":2}') for extra in ("ignore", "keep", "reject")),
        *((Forbidding, extra, None) for extra in ("ignore", "keep", "reject")),
    ],
)
def test_an_object_within_a_record_goes_by_its_own_rules(within, extra, kept):
    """As docs/how-to/schema-evolution.md says."""
    kind = type(
        "Within",
        (ModelValidator,),
        {"name": "within", "model": TypedDict("Outer", {"deep": within})},
    )
    found = kind(ModelValidatorSettings(extra=extra)).validate(
        Batch(["o"], ["v"], [b'{"deep": {"a": 1, "b": 2}}'])
    )
    assert found.frame["deep"].to_list() == ([] if kept is None else [kept])
    assert [each[2:] for each in found.rejections] == (
        [("extra_forbidden", "deep")] if kept is None else []
    )
    assert found.ignored_fields == {}
