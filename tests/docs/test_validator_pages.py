"""The pages on validators: what they show is accepted, and does what they say."""

import re
import sys
import tomllib
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from reporting_dataframely.validator import DataframelyValidator
from reporting_framework import SOURCE_KEY, Batch
from reporting_framework.builtin.column_rule import ColumnRule
from reporting_framework.builtin.frame_validator import FrameValidator
from tests.docs.playing import DOCS, Player, blocks

FRAMES = (DOCS / "how-to" / "validate-frames.md").read_text()
JSON_SCHEMA = (DOCS / "how-to" / "validate-with-json-schema.md").read_text()


def shown(name):
    """Settings of a validator in each place where the page shows it."""
    settings = [
        tomllib.loads(block.text)["validator"]
        for block in blocks(FRAMES)
        if block.language == "toml"
    ]
    return [
        {key: value for key, value in each.items() if key != "use"}
        for each in settings
        if each["use"] == name
    ]


def kept(validator, frame):
    keys = [str(number) for number in range(frame.height)]
    validator.bind(frame.schema)
    result = validator.validate(Batch(keys, [None] * len(keys), frame=frame))
    reasons = [(each.error_type, each.field) for each in result.rejections]
    return result.frame, reasons


def test_rules_are_kept_as_the_page_says():
    without, ruled, declared = (
        FrameValidator(FrameValidator.Settings.model_validate(settings))
        for settings in shown("frame")
    )
    day = date(2026, 1, 1)
    frame = pl.DataFrame(
        {
            "sku": ["ABC1234", "ABC1234", "abc", "ABC1235"],
            "price": [Decimal("1.00"), Decimal("1.00"), Decimal("1.00"), Decimal("-1.00")],
            "day": [day] * 4,
            "other": [1] * 4,
        },
        schema_overrides={"price": pl.Decimal(10, 2)},
    )  # fmt: skip
    assert kept(without, frame)[1] == []
    table, reasons = kept(ruled, frame)
    assert table.columns == ["sku", "price", "day", "other", SOURCE_KEY]
    assert reasons == [
        ("duplicate_key", None),
        ("string_pattern_mismatch", "sku"),
        ("greater_than_equal", "price"),
    ]
    table, reasons = kept(declared, frame)
    assert table.columns == ["sku", "day", "price", SOURCE_KEY]
    assert reasons == [("greater_than_equal", "price")]


def test_each_rule_is_on_the_page_with_its_type_of_error():
    table = FRAMES.partition("| rule |")[2].partition("\n\n")[0]
    names = set(re.findall(r"`(\w+) = ", table))
    assert names == ColumnRule.model_fields.keys() - {"description"}
    for name, value, error_type in [
        ("not_null", True, "missing"),
        ("ge", 5, "greater_than_equal"),
        ("gt", 5, "greater_than"),
        ("le", 1, "less_than_equal"),
        ("lt", 1, "less_than"),
        ("values", [9], "literal_error"),
        ("pattern", "x", "string_pattern_mismatch"),
        ("min_length", 9, "string_too_short"),
        ("max_length", 0, "string_too_long"),
        ("type", "date", "wrong_type"),
    ]:
        text = name in ("pattern", "min_length", "max_length", "type")
        column = [None] if name == "not_null" else ["a"] if text else [3]
        rules = {"x": {name: value}}
        validator = FrameValidator(FrameValidator.Settings(rules=rules))
        reasons = kept(validator, pl.DataFrame({"x": column}))[1]
        assert reasons == [(error_type, "x")]
        (row,) = [line for line in table.splitlines() if f"`{name} = " in line]
        assert f"`{error_type}`" in row


def test_the_schema_class_of_the_page_is_used_as_it_says(tmp_path, monkeypatch):
    (code,) = [block for block in blocks(FRAMES) if block.title == "shop/schemas.py"]
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "schemas.py").write_text(code.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    frame = pl.DataFrame(
        [
            (1, "new", "2.00", "1.00"),
            (0, "new", "2.00", None),
            (1, "old", "2.00", None),
            (1, "new", "2.00", "3.00"),
        ],
        schema=["number", "status", "price", "paid"],
        orient="row",
    ).with_columns(pl.col("price", "paid").cast(pl.Decimal(10, 2)))
    try:
        for settings in shown("dataframely"):
            validator = DataframelyValidator(
                DataframelyValidator.Settings.model_validate(settings)
            )
            table, reasons = kept(validator, frame)
            assert table[SOURCE_KEY].to_list() == ["0"]
            assert reasons == [
                ("min", "number"),
                ("check", "status"),
                ("paid_at_most_the_price", None),
            ]
        assert validator.column_facts()["paid"].description == "What was paid so far"
    finally:
        for name in ("shop", "shop.schemas"):
            sys.modules.pop(name, None)


@pytest.mark.slow
def test_orders_are_validated_as_the_page_shows(tmp_path):
    assert len(Player(tmp_path).play(blocks(JSON_SCHEMA))) == 2
