"""What a settings field looks like from outside, and how text becomes a value for it."""

import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, SecretBytes, SecretStr
from typing_extensions import TypeAliasType

from reporting_framework.config.fields import (
    annotation_at,
    choices_of,
    fields_of,
    from_set,
    from_text,
    holds_secret,
    item_of,
    kind_of,
    metavar_of,
)


class Color(enum.Enum):
    """A choice."""

    RED = "red"
    TWO = 2


class Inner(BaseModel):
    """A table."""

    key: SecretStr | None = None
    level: int = 0


class Outer(BaseModel):
    """A table of tables, and of itself."""

    inner: Inner = Inner()
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}
    plain: dict = {}
    text: str = ""
    again: "Outer | None" = None
    renamed: int = Field(0, alias="from")


Text = TypeAliasType("Text", str)


@pytest.mark.parametrize(
    ("annotation", "kind", "metavar"),
    [
        (str, "text", "TEXT"),
        (str | None, "text", "TEXT"),
        (Optional[str], "text", "TEXT"),  # noqa: UP045 - both spellings are met
        (Annotated[str, "note"], "text", "TEXT"),
        (Text, "text", "TEXT"),
        (str | Path, "text", "TEXT"),
        (Path, "text", "PATH"),
        (SecretStr, "secret", "SECRET"),
        (SecretBytes | None, "secret", "SECRET"),
        (bool, "boolean", "BOOLEAN"),
        (int, "integer", "INTEGER"),
        (float, "number", "NUMBER"),
        (Decimal, "number", "NUMBER"),
        (int | str, "other", "VALUE"),
        (int | float, "other", "VALUE"),
        (Literal["a", 1], "choice", "CHOICE"),
        (Color, "choice", "CHOICE"),
        (list[int], "list", "VALUE"),
        (tuple[str, ...] | None, "list", "VALUE"),
        (Sequence[str], "list", "VALUE"),
        (frozenset[str], "list", "VALUE"),
        (dict[str, int], "table", "TABLE"),
        (Mapping[str, int], "table", "TABLE"),
        (Inner, "table", "TABLE"),
        (datetime, "other", "TIMESTAMP"),
        (date | None, "other", "DATE"),
        (timedelta, "other", "DURATION"),
        (AnyUrl, "other", "VALUE"),
        (Any, "other", "VALUE"),
    ],
)
def test_kinds_and_what_stands_for_them(annotation, kind, metavar):
    assert kind_of(annotation) == kind
    assert metavar_of(annotation) == metavar


def test_choices_are_found_by_what_is_typed():
    assert choices_of(Literal["a", 1] | None) == {"a": "a", "1": 1}
    assert choices_of(Color) == {"red": "red", "2": 2}


def test_items_of_lists():
    assert item_of(list[int]) is int
    assert item_of(tuple[str, ...] | None) is str
    assert item_of(list) is Any


def test_fields_are_known_by_the_name_that_sets_them():
    assert list(fields_of(Outer)) == [
        "inner",
        "many",
        "by_name",
        "plain",
        "text",
        "again",
        "from",
    ]


class Token(BaseModel):
    type: Literal["token"]
    value: SecretStr


class Name(BaseModel):
    type: Literal["name"]
    value: str
    shown: bool = True


class Either(BaseModel):
    auth: Annotated[Token | Name, Field(discriminator="type")] | None = None


def test_a_path_leads_into_each_member_of_a_union():
    """A value may be a secret if one member has it as one."""
    assert annotation_at(Either, ("auth", "type")) == Literal["token"] | Literal["name"]
    assert annotation_at(Either, ("auth", "shown")) is bool
    assert annotation_at(Either, ("auth", "nothing")) is None
    secrets = [
        name
        for name in ("type", "value", "shown")
        if holds_secret(annotation_at(Either, ("auth", name)))
    ]
    assert secrets == ["value"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("text",), str),
        (("from",), int),
        (("inner", "level"), int),
        (("many", "0", "level"), int),
        (("by_name", "any", "level"), int),
        (("again", "inner", "level"), int),
        (("nothing",), None),
        (("text", "deeper"), None),
        (("many", "x"), None),
        (("plain", "x"), None),
        (("plain", "x", "y"), None),
    ],
)
def test_a_path_leads_to_an_annotation(path, found):
    assert annotation_at(Outer, path) is found


@pytest.mark.parametrize(
    ("annotation", "secret"),
    [
        (str, False),
        (SecretStr | None, True),
        (list[SecretStr], True),
        (dict[str, Inner], True),
        (Inner, True),
        (Outer, True),
        (int | str, False),
        (Any, False),
    ],
)
def test_secrets_are_found_wherever_they_hide(annotation, secret):
    assert holds_secret(annotation) is secret


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "[1]", "[1]"),
        (str, "", ""),
        (int, "12", "12"),
        (list[str], "a, b,,c ", ["a", "b", "c"]),
        (list[str], '["a,b"]', ["a,b"]),
        (list[str], "", []),
        (list[Color], "red,2", ["red", 2]),
        (Literal[1, 2], "1", 1),
        (Literal[1, 2], "3", "3"),
        (dict[str, int], ' {"a": 1}', {"a": 1}),
        (dict[str, int], "a", "a"),
        (None, '{"a": 1}', {"a": 1}),
        (None, "{broken", "{broken"),
        (None, "plain", "plain"),
    ],
)
def test_text_of_the_environment(annotation, text, value):
    assert from_text(annotation, text) == value


@pytest.mark.parametrize("annotation", [list[str], dict[str, int]])
def test_what_begins_like_json_must_be_json(annotation):
    with pytest.raises(ValueError, match="Expecting"):
        from_text(annotation, "[1, ")


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "5", 5),
        (bool, "true", True),
        (bool, "yes", "yes"),
        (str, "5", "5"),
        (str, "2024-01-02", "2024-01-02"),
        (str, '"5"', "5"),
        (SecretStr, "true", "true"),
        (date, "2024-01-02", date(2024, 1, 2)),
        (list[str], '["a", "b"]', ["a", "b"]),
        (list[str], "a,b", ["a", "b"]),
        (Literal[1, "a"], "1", 1),
        (Literal["1"], '"1"', "1"),
        (None, "{a = 1}", {"a": 1}),
        (None, "s3://bucket/key", "s3://bucket/key"),
        (None, "1#2", "1#2"),
        (None, "1, w = 2", "1, w = 2"),
        (None, "1}\nw = {v = 2", "1}\nw = {v = 2"),
        (None, "", ""),
        (None, "[" * 5000, "[" * 5000),
    ],
)
def test_text_of_set(annotation, text, value):
    assert from_set(annotation, text) == value
    assert type(from_set(annotation, text)) is type(value)


@given(st.text())
def test_whatever_is_given_to_set_a_text_is_that_text_or_its_toml_string(text):
    value = from_set(str, text)
    assert value == text or text.strip()[:1] in ("'", '"')


@given(st.text(alphabet="[]{}\"'=,.#0123456789-truefalsinv \n"))
def test_set_never_raises_and_evaluates_nothing_but_toml(text):
    assert (
        isinstance(
            from_set(None, text),
            str | int | float | bool | list | dict | date | datetime,
        )
        or True
    )
