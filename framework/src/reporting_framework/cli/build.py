"""``reporting build REPORT``: packages for AWS Lambda, or a job on Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import escape_control_chars, write
from reporting_framework.cli.list import config_option, format_option

if TYPE_CHECKING:
    from reporting_framework.lambda_build.build import BuildRequest
    from reporting_framework.lambda_build.image import ImageKind
    from reporting_framework.lambda_build.manifest import Manifest
    from reporting_framework.lambda_build.target import Service

ARCHES = ("x86_64", "arm64")
PYTHONS = ("3.12", "3.13", "3.14")
SERVICES = ("lambda", "emr-serverless", "glue")
IMAGES = ("plain", "lambda")
"""The choices of `lambda_build`, whose import would slow ``--help`` down."""


@click.command("build")
@click.argument("report")
@click.option(
    "--target",
    "service",
    type=click.Choice(SERVICES),
    default=SERVICES[0],
    show_default=True,
    help="Service of AWS that runs the report.",
)
@click.option(
    "--arch",
    type=click.Choice(ARCHES),
    default=ARCHES[0],
    show_default=True,
    help="Processor architecture of the service.",
)
@click.option(
    "--python",
    type=click.Choice(("3.11", *PYTHONS)),
    help="Python version of the service.  [default: 3.12; on Spark, 3.11]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="dist",
    show_default=True,
    help="Folder that the packages are written to.",
)
@click.option(
    "--with",
    "also",
    multiple=True,
    metavar="DISTRIBUTION",
    help=(
        "Also package this installed distribution, for example a plugin that"
        " observes runs; repeatable."
    ),
)
@click.option(
    "--upgrade",
    is_flag=True,
    help="Resolve the newest versions instead of those in the folder's lock file.",
)
@click.option(
    "--image",
    type=click.Choice(IMAGES),
    help=(
        "Write the build context of a container image instead: one that runs the report"
        " (plain), or that of a Lambda function (lambda)."
    ),
)
@config_option
@format_option
@click.pass_context
def build_command(
    context: click.Context,
    report: str,
    service: Service,
    arch: str,
    python: str | None,
    out: Path,
    also: tuple[str, ...],
    upgrade: bool,
    image: ImageKind | None,
    config: str | None,
    format_: str,
) -> None:
    """Package a report for AWS Lambda, for a container, or for Spark.

    Writes function.zip, powertools-layer.zip and data-layer.zip, with manifest.json,
    pylock.toml and sbom.json. With --image, writes a Dockerfile, requirements.txt,
    pylock.toml and wheels. With --target emr-serverless or glue, writes
    environment.tar.gz and job.py, and prints the commands that start the job.
    """
    if image is not None and service != SERVICES[0]:
        raise click.UsageError(
            f"--image: only for --target {SERVICES[0]}; leave one of them out", context
        )
    from reporting_framework.lambda_build.uv import check_installed

    check_installed()
    from reporting_framework.lambda_build.build import BuildRequest, build
    from reporting_framework.lambda_build.target import target_of

    state = state_of(context)
    state.given_config = config
    target = target_of(service, arch, python)
    order = BuildRequest(report, target, out, also, upgrade)
    if image is not None:
        _build_image(context, order, image, format_)
        return
    if service != "lambda":
        _build_job(context, order, format_)
        return
    manifest, built = build(order, state.registry, state.config, _say)
    write(
        manifest.as_json().rstrip("\n")
        if format_ == "json"
        else described(manifest, out, built=built)
    )


def _say(text: str) -> None:
    click.echo(f"{text} …", err=True)


def _build_job(context: click.Context, order: BuildRequest, format_: str) -> None:
    from reporting_framework.cli.job_commands import described_job
    from reporting_framework.lambda_build.job import build_job

    state = state_of(context)
    manifest, built = build_job(order, state.registry, state.config, _say)
    write(
        manifest.as_json().rstrip("\n")
        if format_ == "json"
        else described_job(manifest, order.out, built=built)
    )


def _build_image(
    context: click.Context, order: BuildRequest, kind: ImageKind, format_: str
) -> None:
    from reporting_framework.lambda_build.image import build_image

    state = state_of(context)
    files = build_image(order, kind, state.registry, state.config, _say)
    names = [str(path) for path in files]
    if format_ == "json":
        write(json.dumps({"report": order.report, "image": kind, "files": names}))
        return
    folder = escape_control_chars(str(order.out))
    platform = (
        f"linux/{'amd64' if order.target.arch == 'x86_64' else order.target.arch}"
    )
    write(
        "\n".join(
            [
                (
                    f"{order.report} for {platform}, Python {order.target.python}, in"
                    f" {folder}:"
                ),
                *(f"  {name}" for name in names),
                "",
                "Next:",
                f"  docker build --platform {platform} --tag {order.report} {folder}",
            ]
        )
    )


def described(manifest: Manifest, out: Path, *, built: bool) -> str:
    """Return the packages' sizes, Lambda's limits and the folder as text."""
    from reporting_framework.cli.tables import listing
    from reporting_framework.lambda_build.limits import UNZIPPED, UPLOAD

    rows = [
        [
            name,
            f"{package.zipped:,}",
            f"{package.unzipped:,}",
            "through S3" if package.zipped > UPLOAD else "directly",
        ]
        for name, package in manifest.packages.items()
    ]
    zipped = sum(package.zipped for package in manifest.packages.values())
    rows.append(["together", f"{zipped:,}", f"{manifest.unzipped:,}", ""])
    rows.append(
        ["Lambda allows", f"{UPLOAD:,} a direct upload", f"{UNZIPPED:,} together", ""]
    )
    what = f"{manifest.report} for {manifest.arch}, Python {manifest.python}"
    done = "built" if built else "unchanged, nothing was built"
    lines = [
        f"{what}, in {escape_control_chars(str(out))}: {done}",
        "",
        listing(["package", "zipped", "unzipped", "upload"], rows),
    ]
    if manifest.left_out:
        lines += [
            "",
            (
                "left out, needed by the command line only:"
                f" {', '.join(manifest.left_out)}"
            ),
        ]
    return "\n".join(lines)
