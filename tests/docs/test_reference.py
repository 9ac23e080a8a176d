"""The reference: it is what the code says now, on every machine, and nothing in the code keeps silent."""

from typing import get_args

import click
import pytest
from pydantic import BaseModel
from tools.docs.classes import hooks_page
from tools.docs.docstrings import Undocumented, as_markdown, text_of
from tools.docs.markdown import plain
from tools.docs.plugins import first_party
from tools.docs.reference import pages
from tools.docs.settings import settings_table, type_text
from tools.docs.sources import signature
from tools.prose.checks import HAND_WRITTEN

from reporting_framework import errors
from reporting_framework.aws_lambda.metrics import (
    CHECK_METRICS,
    FAILURE_METRICS,
    PAGE_METRICS,
    REFUSAL_METRICS,
    RUN_METRICS,
)
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.cli.commands import load_commands
from reporting_framework.cli.exit_codes import EXIT_CODES
from reporting_framework.cli.run import ReportCommands
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.registry.discovery import hook_names
from reporting_framework.registry.plugin_info import ROLES
from tests.docs.playing import DOCS

FOLDER = DOCS / "reference"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_no_page_is_missing_stale_or_left_over(made):
    there = {
        path.name: path.read_text(encoding="utf-8")
        for path in FOLDER.glob("*.md")
        if path.name not in HAND_WRITTEN
    }
    stale = [
        name for name in made.keys() | there.keys() if made.get(name) != there.get(name)
    ]
    assert stale == [], "run: hatch run docs:generate"


def test_the_machine_does_not_show(made, tmp_path, monkeypatch):
    (tmp_path / "reporting.toml").write_text(
        '[reports.mine]\nsummary = "of this machine"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("REPORTING_PLUGINS", "none")
    monkeypatch.setenv("REPORTING_EVENT_PROCESSOR__ARCHIVE", "mine")
    assert pages() == made


def test_every_hook_setting_and_plugin_is_there(made):
    assert [
        name for name in hook_names() if f"### {name}\n" not in made["hooks.md"]
    ] == []
    registry = first_party()
    for role in ROLES:
        for name in registry.names(role):
            section = (
                made["settings.md"]
                .partition(f"## {role.capitalize()} `{name}`\n")[2]
                .partition("\n## ")[0]
            )
            model = registry.find(role, name).Settings
            fields = [info.alias or field for field, info in model.model_fields.items()]
            assert [field for field in fields if f"| `{field}` |" not in section] == []
            assert f"| [`{name}`](settings.md#{role}-{name}) |" in made["plugins.md"]


def test_every_command_and_every_option_is_there(made):
    page = made["command-line.md"]
    for name, command in load_commands().items():
        section = page.partition(f"## reporting {name}\n")[2].partition("\n## ")[0]
        given = (
            command.options() if isinstance(command, ReportCommands) else command.params
        )
        options = [each.opts[0] for each in given if isinstance(each, click.Option)]
        assert [flag for flag in options if f"`{flag}" not in section] == []
    for report in ("event-log-checkpoint", "event-processor"):
        section = page.partition(f"### reporting run {report}\n")[2].partition(
            "\n### "
        )[0]
        model = first_party().find("report", report).Settings
        assert [
            field
            for field in model.model_fields
            if f"`--{field.replace('_', '-')}" not in section
            and field != "checks"  # tables are set with `--set`
        ] == []


def test_every_exit_code_error_and_metric_is_there(made):
    kinds = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.ReportingError)
    ]
    assert {kind.exit_code for kind in kinds} <= EXIT_CODES.keys()
    assert [
        code for code in EXIT_CODES if f"| `{code}` |" not in made["command-line.md"]
    ] == []
    assert [
        kind.__name__
        for kind in kinds
        if f"| `{kind.__name__}` |" not in made["errors.md"]
    ] == []
    names = {
        *RUN_METRICS,
        *CHECK_METRICS,
        *FAILURE_METRICS,
        *REFUSAL_METRICS,
        *PAGE_METRICS,
    }
    assert [name for name in names if f"`{name}`" not in made["metrics.md"]] == []


def test_the_variables_of_a_function_are_there(made):
    names = [info.alias or name for name, info in FunctionSettings.model_fields.items()]
    assert [
        name
        for name in names
        if f"`REPORTING_{name.upper()}`" not in made["settings.md"]
    ] == []


def test_the_page_on_lambda_names_each_choice_of_a_variable():
    page = (DOCS / "how-to" / "run-in-lambda.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if "| `REPO" in line}
    for name, info in FunctionSettings.model_fields.items():
        row = rows[f"REPORTING_{(info.alias or name).upper()}"]
        choices = [text for text in get_args(info.annotation) if isinstance(text, str)]
        assert [text for text in choices if f"`{text}`" not in row] == [], row


class Silent(Settings):
    setting: int = 1


class Within(BaseModel):
    inside: list[Silent]


def test_what_says_nothing_about_itself_is_refused():
    with pytest.raises(
        Undocumented, match="setting setting of Silent has no description"
    ):
        settings_table(Silent)
    with pytest.raises(
        Undocumented, match="setting inside of Within has no description"
    ):
        settings_table(Within)
    with pytest.raises(Undocumented, match="silent has no docstring"):
        text_of(lambda: None, "silent")


def test_docstrings_become_markdown():
    text = """Does ``x``.

Args:
    one: The first,
        which is long.

    two: The second.

- an item
  on two lines
- another

Example::

    code()

    more()
"""
    assert as_markdown(text).split("\n\n") == [
        "Does `x`.",
        "**Arguments**",
        "- `one`: The first, which is long.\n- `two`: The second.",
        "- an item on two lines\n- another",
        "Example:",
        "```python\ncode()",
        "more()\n```",
    ]


def test_plain_text_stays_as_it_is():
    shown = plain("such as sandbox-*, `*`, a_b, _dead and <this>; [default]")
    assert shown == r"such as sandbox-\*, `*`, a_b, \_dead and &lt;this>; \[default]"


def test_a_long_signature_has_an_argument_a_line():
    assert signature(type_text) == "def type_text(annotation: Any) -> str"
    shown = "def takes(\n    first: dict[str, tuple[int, ...]]=…,\n    *,\n"
    assert signature(takes).replace("{}", "…").startswith(shown)
    assert signature(takes).endswith("\n) -> None")


def takes(
    first: dict[str, tuple[int, ...]] = {},  # noqa: B006 - only looked at
    *,
    second_with_a_name: str = "",
    third_with_a_name: str = "",
) -> None:
    """Take."""


def test_the_page_of_hooks_shows_each_example():
    assert hooks_page().count("Example:\n\n```python\n@hookimpl\n") == len(hook_names())
