"""Options made from a settings model."""

import enum
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from reporting_framework.cli.options import Duration, generic_options, settings_options
from reporting_framework.config.error_messages import GENERIC_OPTIONS
from reporting_framework.plugin_api.settings import Settings


class Shade(enum.Enum):
    """A choice."""

    LIGHT = "light"
    DARK = "dark"


class Example(Settings):
    """Settings of every kind."""

    environment: ClassVar[dict[str, str]] = {"source": "SOURCE"}

    source: str = Field(description="Where from")
    max_days: int = Field(35, description="How far back")
    mode: Literal["ignore", 2] = "ignore"
    shade: Shade | None = Shade.LIGHT
    keep: bool = True
    tags: tuple[str, ...] = ("a", "b")
    shades: list[Shade] = Field(default_factory=list)
    file: Path | None = None
    wait: timedelta = timedelta(seconds=90)
    token: SecretStr = SecretStr("SECRET-VALUE")
    table: dict[str, int] = Field({})
    tables: list[dict[str, int]] = Field([])
    format: str = "own"
    odd: int = Field(0, alias="odd-name")


OPTIONS = {option.name: option for option in settings_options(Example)}


def shown(name: str) -> str:
    """The option's lines of the help."""
    record = OPTIONS[name].get_help_record(click.Context(click.Command("x")))
    assert record is not None
    return " | ".join(record)


def test_every_plain_setting_has_an_option_and_no_other():
    assert list(OPTIONS) == [
        "source",
        "max_days",
        "mode",
        "shade",
        "keep",
        "tags",
        "shades",
        "file",
        "wait",
        "token",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("source", "--source TEXT | Where from  [env: SOURCE; required]"),
        ("max_days", "--max-days INTEGER | How far back  [default: 35]"),
        ("mode", "--mode [ignore|2] | [default: ignore]"),
        ("shade", "--shade [light|dark] | [default: light]"),
        ("keep", "--keep / --no-keep | [default: on]"),
        ("tags", "--tags TEXT | [default: a, b; repeatable]"),
        ("shades", "--shades [light|dark] | [repeatable]"),
        ("file", "--file PATH | "),
        ("wait", "--wait DURATION | [default: 0:01:30]"),
        ("token", "--token SECRET | "),
    ],
)
def test_an_option_shows_its_kind_its_description_and_its_default_but_no_secret(
    name, text
):
    assert shown(name) == text


def test_the_generic_options_are_those_that_no_setting_can_have():
    mine = {option.name for option in generic_options()}
    assert mine | {"help", "version"} == GENERIC_OPTIONS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5", 1.5),
        ("10m", 600),
        ("1h30m", 5400),
        ("1H2M3S", 3723),
        (" 5 ", 5),
        ("0.5h", 1800),
    ],
)
def test_lengths_of_time(text, seconds):
    assert Duration().convert(text, None, None) == seconds


def test_a_number_is_a_length_of_time_already():
    assert Duration().convert(3, None, None) == 3.0


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "-5", "10 m", "m", "1m1h", "ten", "١", "1e3", "inf", "nan"]
)
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(
        click.BadParameter,
        match="is not a duration; give seconds, or a value such as 10m or 1h30",
    ):
        Duration().convert(text, None, None)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_hours_minutes_and_seconds_add_up(hours, minutes, seconds):
    assert (
        Duration().convert(f"{hours}h{minutes}m{seconds}s", None, None)
        == hours * 3600 + minutes * 60 + seconds
    )
