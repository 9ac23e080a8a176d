"""``reporting iam REPORT``: the IAM policy that a report needs."""

from __future__ import annotations

import json
from typing import Any

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import write
from reporting_framework.cli.options import settings_sources
from reporting_framework.cli.run import ReportCommands


def policy_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--partition"],
            default="aws",
            show_default=True,
            help="AWS partition, such as aws-us-gov.",
        ),
        click.Option(
            ["--region"],
            default="*",
            help="AWS region of resources outside S3.  [default: any]",
        ),
        click.Option(
            ["--account"],
            default="*",
            help="AWS account of resources outside S3.  [default: any]",
        ),
        *settings_sources(),
    ]


def print_policy(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the permissions that the report needs under its current settings."""
    from reporting_framework.operations.iam import permissions_of, policy_of

    state = state_of(context)
    composition = state.pipeline_spec(name, given, generic["set"])
    permissions = permissions_of(name, composition, state.registry)
    if not permissions:
        click.echo("no AWS permission is needed under these settings", err=True)
    place = {key: generic[key] for key in ("partition", "region", "account")}
    write(json.dumps(policy_of(permissions, **place), indent=2))
    return DONE


iam_command = ReportCommands(
    "iam",
    help="""Print the IAM policy that a report needs.

    It holds the permissions that the report's plugins declare for the settings of the
    next run.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_policy,
    options=policy_options,
)
