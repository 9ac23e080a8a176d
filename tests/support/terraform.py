"""Terraform, where it is to be had: the program, the AWS provider, and one folder's commands.

`TERRAFORM_PROVIDERS` names a folder of providers (a filesystem mirror), for machines that cannot reach the registry.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from reporting_framework.testing.s3 import S3Server
from tests.support.s3server import LAUNCHER

ROOT = Path(__file__).parents[2] / "terraform"
MODULES = sorted(path for path in (ROOT / "modules").iterdir() if path.is_dir())
CONFIGURATIONS = sorted(path.parent for path in ROOT.glob("*/terraform.tfvars.example"))


GOGC = "400"
"""Growth in percent after which Go collects garbage: a quarter less processor time than by default, for 40 MB."""


class TerraformError(RuntimeError):
    """A command failed; the message ends with what it said."""


@cache
def missing() -> str:
    """Why Terraform cannot be used here; empty if it can."""
    if not shutil.which("terraform"):
        return "there is no terraform on PATH"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(MODULES[0] / "versions.tf", folder)
        try:
            Terraform(Path(folder)).init()
        except TerraformError:
            return "the AWS provider is not to be had: no registry is reached, and TERRAFORM_PROVIDERS names no mirror"
    return ""


@dataclass(frozen=True)
class Terraform:
    """Commands in one folder, which is not the repository's: they leave files behind.

    Attributes:
        folder: A configuration.
        variables: Environment variables beside `PATH` and `HOME`, such as an emulator's address.
        provider: The provider that runs already, for all commands but `init`, which still looks for one that fits.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""

    def __call__(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        """What the command prints.

        Raises:
            TerraformError: Its exit code is not one of `ok`.
        """
        shared = bool(self.provider) and arguments[0] != "init"
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=_environment()
            | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
            | ({"TF_REATTACH_PROVIDERS": self.provider} if shared else {})
            | dict(self.variables),
            capture_output=True,
            text=True,
        )
        if done.returncode not in ok:
            said = (done.stdout + done.stderr).strip()
            raise TerraformError(
                f"terraform {' '.join(arguments)} in {self.folder.name}: {said[-6000:]}"
            )
        return done.stdout

    def init(self) -> None:
        """Make the folder ready: the provider from the mirror if there is one."""
        mirror = os.environ.get("TERRAFORM_PROVIDERS")
        self(
            "init",
            "-input=false",
            "-no-color",
            "-backend=false",
            *([f"-plugin-dir={mirror}"] if mirror else []),
        )

    def plan(self, *options: str) -> dict[str, Any]:
        """The plan as JSON; it is kept in the file ``plan``, ready to be applied."""
        self("plan", "-input=false", "-no-color", "-lock=false", "-out=plan", *options)
        found: dict[str, Any] = json.loads(self("show", "-json", "plan"))
        return found

    def outputs(self) -> dict[str, Any]:
        """The configuration's outputs."""
        return {
            name: each["value"]
            for name, each in json.loads(self("output", "-json")).items()
        }


def _environment() -> dict[str, str]:
    names = [name for name in ("PATH", "HOME", "TMPDIR") if name in os.environ]
    return {name: os.environ[name] for name in names} | {"GOGC": GOGC}


@contextmanager
def shared_provider(folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The provider of a folder that is ready, as a server for many commands: half of the time of one is its start.

    Args:
        folder: A configuration after `Terraform.init`.
        variables: Environment variables that lead to an emulator; those of the commands do not count.
    """
    [program] = folder.glob(
        ".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws_*"
    )
    log = folder / "provider.log"  # a pipe that is not read would stop it
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(program), "-debug"],
            env=_environment() | dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _address(process, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """What a provider says, once it runs, that Terraform needs to reach it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search("TF_REATTACH_PROVIDERS='(.*)'", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise TerraformError(f"the provider did not start: {log.read_text()[-6000:]}")


def copied(folder: Path) -> Path:
    """All of the project's Terraform in `folder`, with room for what Terraform leaves behind."""
    return Path(
        shutil.copytree(
            ROOT,
            folder / "terraform",
            ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"),
        )
    )


def variables_of(server: S3Server) -> dict[str, str]:
    """Environment variables that lead to an AWS on loopback."""
    return {**server.environment(), "AWS_ENDPOINT_URL": server.endpoint}


def emulated(folder: Path, server: S3Server, provider: str = "") -> Terraform:
    """A root configuration made ready for an AWS on loopback, which answers at one address whatever the bucket."""
    (folder / "local_override.tf").write_text(
        'provider "aws" {\n  s3_use_path_style = true\n}\n'
    )
    terraform = Terraform(folder, variables_of(server), provider)
    terraform.init()
    return terraform


def planned(plan: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The planned values of all resources of a kind, by address."""
    found: dict[str, Any] = {}
    modules = [plan["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        found |= {
            each["address"]: each["values"]
            for each in module.get("resources", [])
            if each["type"] == kind
        }
    return found


def changes(plan: Mapping[str, Any]) -> dict[str, str]:
    """What a plan does to each resource that it does not leave as it is, as in ``update (tags)``, by address."""
    found = {}
    for each in plan.get("resource_changes", []):
        change = each["change"]
        if change["actions"] not in (["no-op"], ["read"]):
            before, after, unknown = (
                change["before"] or {},
                change["after"] or {},
                change["after_unknown"] or {},
            )
            names = {
                name
                for name in {*before, *after, *unknown}
                if before.get(name) != after.get(name)
            }
            which = (
                f" ({', '.join(sorted(names))})"
                if change["actions"] == ["update"]
                else ""
            )
            found[each["address"]] = f"{', '.join(change['actions'])}{which}"
    return found
