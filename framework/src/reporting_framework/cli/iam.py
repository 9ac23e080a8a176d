"""``reporting iam REPORT``: the IAM policy that a report needs."""

from __future__ import annotations

import json
from typing import Any

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import DONE, write
from reporting_framework.cli.options import settings_sources
from reporting_framework.cli.run import ReportCommands


def policy_options() -> list[click.Parameter]:
    """The options that every report has here."""
    return [
        click.Option(
            ["--partition"],
            default="aws",
            show_default=True,
            help="The part of AWS, such as aws-us-gov.",
        ),
        click.Option(
            ["--region"],
            default="*",
            help="Region of what is not in S3.  [default: any]",
        ),
        click.Option(
            ["--account"],
            default="*",
            help="Account number of what is not in S3.  [default: any]",
        ),
        *settings_sources(),
    ]


def print_policy(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print what the report must be allowed to do.

    This is for the settings that a run would have now.
    """
    from reporting_framework.operations.iam import permissions_of, policy_of

    state = state_of(context)
    composition = state.pipeline_spec(name, given, generic["set"])
    permissions = permissions_of(name, composition, state.registry)
    if not permissions:
        click.echo("nothing of AWS is used under these settings", err=True)
    place = {key: generic[key] for key in ("partition", "region", "account")}
    write(json.dumps(policy_of(permissions, **place), indent=2))
    return DONE


iam_command = ReportCommands(
    "iam",
    help="""Print the IAM policy that a report needs.

    It is made of what the report's plugins declare for the settings that a run would
    have.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_policy,
    options=policy_options,
)
