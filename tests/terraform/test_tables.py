"""The published tables of variables and outputs are what the root configurations have."""

import re

import pytest

from tests.support.terraform import CONFIGURATIONS, ROOT

BLOCK = re.compile(r'^(variable|output) "(\w+)" \{(.*?)^\}', re.MULTILINE | re.DOTALL)
PUBLISHED = {
    "environment": '"dev"',
    "checkpoint_key": '"checkpoints/events.parquet"',
    "log_level": '"INFO"',
    "lambda_timeout": "900",
    "lambda_memory_size": "3008",
    "log_retention_days": "30",
    "alarm_sns_topic_arn": '""',
    "reuse_existing_layers": "true",
    "use_external_layer_arns": "false",
    "force_layer_update": "false",
    "external_layer_arns": "[]",
    "source_bucket": "required",
    "checkpoint_bucket": "required",
}
"""What the specification says of the variables of event-log-checkpoint."""


def value(body, name):
    """An argument of a block, as it is written; None if there is none."""
    found = re.search(rf"^  {name} += (.*)$", body, re.MULTILINE)
    return found[1] if found else None


def text(body):
    """A description as a cell of a table."""
    return value(body, "description").strip('"').replace('\\"', '"').replace("|", "\\|")


def tables(folder):
    """Both tables, made of the configuration's files."""
    variables, outputs = (
        BLOCK.findall((folder / f"{name}.tf").read_text())
        for name in ("variables", "outputs")
    )
    rows = [
        f"| `{name}` | `{value(body, 'default') or 'required'}` | {text(body)} |"
        for _, name, body in variables
    ]
    rows = [row.replace("`required`", "required") for row in rows]
    results = [f"| `{name}` | {text(body)} |" for _, name, body in outputs]
    return [
        "\n".join(["| variable | default | |", "|---|---|---|", *rows]),
        "\n".join(["| output | |", "|---|---|", *results]),
    ]


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=lambda path: path.name)
def test_the_tables_are_what_the_configuration_has(folder):
    page = (folder / "README.md").read_text()
    for table in tables(folder):
        assert f"\n{table}\n" in page, f"{folder.name}/README.md must have:\n{table}"


@pytest.mark.parametrize(("name", "default"), PUBLISHED.items())
def test_a_published_variable_has_its_published_default(name, default):
    page = (ROOT / "event-log-checkpoint" / "README.md").read_text()
    assert re.search(
        rf"^\| `{name}` \| `?{re.escape(default)}`? \|", page, re.MULTILINE
    )


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=lambda path: path.name)
def test_outputs_have_the_roles_name_and_the_environment(folder):
    names = {name for _, name, _ in BLOCK.findall((folder / "outputs.tf").read_text())}
    assert {"role_arn", "role_name", "environment_variables"} <= names
