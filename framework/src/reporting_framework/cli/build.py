"""``reporting build REPORT``: packages for AWS Lambda."""

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

ARCHES = ("x86_64", "arm64")
PYTHONS = ("3.12", "3.13", "3.14")
IMAGES = ("plain", "lambda")
"""The choices of `lambda_build`, whose import would slow ``--help`` down."""


@click.command("build")
@click.argument("report")
@click.option(
    "--arch",
    type=click.Choice(ARCHES),
    default=ARCHES[0],
    show_default=True,
    help="Processor architecture of the Lambda function.",
)
@click.option(
    "--python",
    type=click.Choice(PYTHONS),
    default=PYTHONS[0],
    show_default=True,
    help="Python version of the Lambda function.",
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
    arch: str,
    python: str,
    out: Path,
    also: tuple[str, ...],
    upgrade: bool,
    image: ImageKind | None,
    config: str | None,
    format_: str,
) -> None:
    """Package a report for AWS Lambda, or for a container.

    Writes function.zip, powertools-layer.zip and data-layer.zip, with manifest.json,
    pylock.toml and sbom.json. With --image, writes a Dockerfile, requirements.txt,
    pylock.toml and wheels.
    """
    from reporting_framework.lambda_build.uv import check_installed

    check_installed()
    from reporting_framework.lambda_build.build import BuildRequest, build
    from reporting_framework.lambda_build.target import Target

    state = state_of(context)
    state.given_config = config
    order = BuildRequest(report, Target(arch, python), out, also, upgrade)
    if image is not None:
        _build_image(context, order, image, format_)
        return
    manifest, built = build(order, state.registry, state.config, _say)
    write(
        manifest.as_json().rstrip("\n")
        if format_ == "json"
        else described(manifest, out, built=built)
    )


def _say(text: str) -> None:
    click.echo(f"{text} …", err=True)


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
