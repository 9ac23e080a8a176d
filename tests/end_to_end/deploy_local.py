"""Deploy a report to an AWS on loopback, use it, change it, and take it away: `hatch run deploy-local REPORT`.

It does what docs/how-to/deploy.md tells, with the real `reporting build` and `terraform apply`, on copies: nothing of the
repository is changed. Exit codes: 0 done, 1 failed (or Terraform or its AWS provider is missing), 2 there is no such example.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.end_to_end.deploy_examples import EXAMPLES, ROOT, Example
from tests.support import MiniStack, ministack
from tests.support.packages import find_python, python_version
from tests.support.terraform import Terraform, changes, copied, emulated, missing

LAYERS = "module.layers."


def main(report: str) -> int:
    """Deploy, use, change, destroy; return the exit code."""
    if report not in EXAMPLES:
        print(
            f"deploy-local: there is no example {report}; choose one of {', '.join(EXAMPLES)}",
            file=sys.stderr,
        )
        return 2
    if reason := missing():
        print(f"deploy-local: {reason}; nothing was deployed", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="deploy-local-") as folder,
        ministack() as aws,
    ):
        deploy(report, EXAMPLES[report], Path(folder), aws)
    return 0


def deploy(report: str, example: Example, folder: Path, aws: MiniStack) -> None:
    """All of it, in a folder that is thrown away."""
    said("build the packages")
    program = installed(folder)
    dist = folder / "dist"
    build(program, report, dist)
    options = [
        f"-var={name}={text(value)}"
        for name, value in {**example.variables, "packages_dir": dist}.items()
    ]

    said("terraform apply: everything")
    terraform = emulated(copied(folder) / report, aws.s3)
    first = apply(terraform, options)
    made = terraform.outputs()
    assert any(address.startswith(LAYERS) for address in first), (
        "the first apply publishes the layers"
    )
    print(made["summary"])

    said("plan another deployment: it reuses the layers")
    other = ["-state=other.tfstate", *options, "-var=environment=staging"]
    outputs = terraform.plan(*other)["planned_values"]["outputs"]
    assert set(outputs["layer_strategy"]["value"].values()) == {"reused"}, outputs[
        "layer_strategy"
    ]
    assert outputs["layer_arns"]["value"] == made["layer_arns"], (
        "their versions are the same"
    )
    print(", ".join(made["layer_arns"]))

    said("use it: example events, through the alias")
    print(example.use(aws, made))

    said("change one line of code, build, apply: the function only")
    name, before, after = example.line
    file = next((folder / "code" / "plugins" / report).rglob(name))
    assert before in file.read_text(), "the line to change is there"
    file.write_text(file.read_text().replace(before, after, 1))
    build(program, report, dist)
    second = apply(terraform, options)
    touched = [address for address in second if address.startswith(LAYERS)]
    assert "module.function.aws_lambda_function.this" in second, (
        "the function is updated"
    )
    assert not touched, f"no layer is touched: {touched}"
    print("layers: not in the plan")
    again = terraform.outputs()
    assert again["layer_arns"] == made["layer_arns"], "the layers are the same"
    assert int(again["function_version"]) == int(made["function_version"]) + 1, (
        "there is a new version"
    )
    assert example.changed(aws, again), "the new code runs"
    print(f"version {again['function_version']} runs, with the changed line")

    said("roll back: the alias to the version before")
    apply(terraform, [*options, f"-var=alias_version={made['function_version']}"])
    assert not example.changed(aws, made), "the old code runs"
    print(f"version {made['function_version']} runs again")

    said("terraform destroy")
    terraform(
        "destroy", "-input=false", "-no-color", "-auto-approve", "-lock=false", *options
    )
    assert not terraform("state", "list").strip(), "nothing is left in the state"
    left = leftovers(aws)
    assert not left, f"nothing is left in the account: {left}"
    print("nothing is left")


def said(what: str) -> None:
    """A heading."""
    print(f"\n== {what}", flush=True)


def text(value: Any) -> str:
    """A variable as Terraform's command line takes it."""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if not isinstance(value, Path)
        else str(value)
    )


def installed(folder: Path) -> Path:
    """The program `reporting` of an environment that has the project's packages from a copy of their sources."""
    code = folder / "code"
    for name in ("framework", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "dist")
        shutil.copytree(ROOT / name, code / name, ignore=ignored)
    python = folder / "venv" / "bin" / "python"
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    run(uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    sources = [
        f"{code / 'framework'}[aws,build]",
        *map(str, sorted((code / "plugins").iterdir())),
    ]
    editable = [word for source in sources for word in ("-e", source)]
    run(uv, "pip", "install", "--quiet", "--python", str(python), *editable)
    return python.with_name("reporting")


def build(program: Path, report: str, out: Path) -> None:
    """The report's packages for this machine's architecture."""
    python = find_python("3.12")
    version = ".".join(python_version(python).split(".")[:2])
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    path = os.pathsep.join(
        [str(Path(python).parent), os.environ.get("PATH", os.defpath)]
    )  # where uv looks for it
    print(
        run(
            str(program),
            "build",
            report,
            "--arch",
            arch,
            "--python",
            version,
            "--out",
            str(out),
            PATH=path,
        )
    )


def run(*command: str, **variables: str) -> str:
    """What a command prints; its errors are shown."""
    return subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1"} | variables,
    ).stdout


def apply(terraform: Terraform, options: list[str]) -> dict[str, str]:
    """Plan, show what will be done to which resource, and do it."""
    plan = changes(terraform.plan(*options))
    width = max(map(len, plan), default=0)
    for address, what in plan.items():
        print(f"  {address:{width}}  {what}")
    terraform("apply", "-input=false", "-no-color", "-lock=false", "plan")
    return plan


def leftovers(aws: MiniStack) -> list[str]:
    """What is still in the account."""
    functions = aws.client("lambda").list_functions()["Functions"]
    layers = aws.client("lambda").list_layers()["Layers"]
    buckets = aws.s3.client().list_buckets()["Buckets"]
    roles = aws.client("iam").list_roles()["Roles"]
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    queues = aws.client("sqs").list_queues().get("QueueUrls", [])
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    streams = aws.client("kinesis").list_streams()["StreamNames"]
    parameters = aws.client("ssm").describe_parameters()["Parameters"]
    return [
        *(each["FunctionName"] for each in functions),
        *(each["LayerName"] for each in layers),
        *(each["Name"] for each in buckets),
        *(each["RoleName"] for each in roles),
        *(each["AlarmName"] for each in alarms),
        *queues,
        *tables,
        *streams,
        *(each["Name"] for each in parameters),
    ]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["event-log-checkpoint"]))
