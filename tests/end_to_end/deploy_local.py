"""Deploy a report to an AWS on loopback, use it, change it, and take it away: `hatch run deploy-local REPORT`.

It does what docs/how-to/deploy.md tells, with the real `reporting build` and `terraform apply`, on copies: nothing of the
repository is changed. Ends with 0 and a reason where Terraform or its AWS provider is not to be had.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tests.support import MiniStack, ministack
from tests.support.packages import find_python, python_version
from tests.support.terraform import Terraform, changes, copied, emulated, missing

ROOT = Path(__file__).parents[2]
LAYERS = "module.layers."


class Example(NamedTuple):
    """What a report is tried with.

    Attributes:
        variables: Of its root configuration.
        events: Puts events where the report reads them.
        check: What the deployment made of them, in words; fails if that is not what it should be.
        line: A file of the report's plugin, a line in it, and what is to stand in its place.
        shows: What the changed line makes of the answer.
    """

    variables: Mapping[str, Any]
    events: Callable[[MiniStack], str]
    check: Callable[[MiniStack, Mapping[str, Any]], str]
    line: tuple[str, str, str]
    shows: Callable[[Mapping[str, Any]], bool]


def main(report: str) -> None:
    """Deploy, use, change, destroy."""
    if reason := missing() or (report not in EXAMPLES and f"there is no example for {report}: {', '.join(EXAMPLES)}"):
        print(f"skipped: {reason}")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deploy-local-")))
        aws = stack.enter_context(ministack())
        deploy(report, EXAMPLES[report], folder, aws)


def deploy(report: str, example: Example, folder: Path, aws: MiniStack) -> None:
    """All of it, in a folder that is thrown away."""
    said("build the packages")
    program = installed(folder)
    dist = folder / "dist"
    build(program, report, dist)
    options = [f"-var={name}={text(value)}" for name, value in {**example.variables, "packages_dir": dist}.items()]

    said("terraform apply: everything")
    terraform = emulated(copied(folder) / report, aws.s3)
    first = apply(terraform, options)
    made = terraform.outputs()
    assert any(address.startswith(LAYERS) for address in first), "the first apply publishes the layers"
    print(made["summary"])

    said("plan another deployment: it reuses the layers")
    other = ["-state=other.tfstate", *options, "-var=environment=staging"]
    outputs = terraform.plan(*other)["planned_values"]["outputs"]
    assert set(outputs["layer_strategy"]["value"].values()) == {"reused"}, outputs["layer_strategy"]
    assert outputs["layer_arns"]["value"] == made["layer_arns"], "their versions are the same"
    print(", ".join(made["layer_arns"]))

    said("put example events, invoke through the alias")
    print(example.events(aws))
    answer = invoke(aws, made)
    print(example.check(aws, answer))

    said("change one line of code, build, apply: the function only")
    name, before, after = example.line
    file = next((folder / "code" / "plugins" / report).rglob(name))
    assert before in file.read_text(), "the line to change is there"
    file.write_text(file.read_text().replace(before, after, 1))
    build(program, report, dist)
    second = apply(terraform, options)
    touched = [address for address in second if address.startswith(LAYERS)]
    assert "module.function.aws_lambda_function.this" in second, "the function is updated"
    assert not touched, f"no layer is touched: {touched}"
    print("layers: not in the plan")
    again = terraform.outputs()
    assert again["layer_arns"] == made["layer_arns"], "the layers are the same"
    assert int(again["function_version"]) == int(made["function_version"]) + 1, "there is a new version"
    answer = invoke(aws, again)
    assert example.shows(answer), f"the new code runs: {sorted(answer)}"
    print(f"version {again['function_version']} answers, with the changed line")

    said("roll back: the alias to the version before")
    apply(terraform, [*options, f"-var=alias_version={made['function_version']}"])
    assert not example.shows(invoke(aws, made)), "the old code runs"
    print(f"version {made['function_version']} answers again")

    said("terraform destroy")
    terraform("destroy", "-input=false", "-no-color", "-auto-approve", "-lock=false", *options)
    assert not terraform("state", "list").strip(), "nothing is left in the state"
    left = leftovers(aws)
    assert not left, f"nothing is left in the account: {left}"
    print("nothing is left")


def said(what: str) -> None:
    """A heading."""
    print(f"\n== {what}", flush=True)


def text(value: Any) -> str:
    """A variable as Terraform's command line takes it."""
    return value if isinstance(value, str) else json.dumps(value) if not isinstance(value, Path) else str(value)


def installed(folder: Path) -> Path:
    """The program `reporting` of an environment that has the project's packages from a copy of their sources."""
    code = folder / "code"
    for name in ("framework", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "dist")
        shutil.copytree(ROOT / name, code / name, ignore=ignored)
    python = folder / "venv" / "bin" / "python"
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    run(uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    sources = [f"{code / 'framework'}[aws,build]", *map(str, sorted((code / "plugins").iterdir()))]
    editable = [word for source in sources for word in ("-e", source)]
    run(uv, "pip", "install", "--quiet", "--python", str(python), *editable)
    return python.with_name("reporting")


def build(program: Path, report: str, out: Path) -> None:
    """The report's packages for this machine's architecture."""
    python = find_python("3.12")
    version = ".".join(python_version(python).split(".")[:2])
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])  # where uv looks for it
    print(run(str(program), "build", report, "--arch", arch, "--python", version, "--out", str(out), PATH=path))


def run(*command: str, **variables: str) -> str:
    """What a command prints; its errors are shown."""
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"NO_COLOR": "1"} | variables
    ).stdout


def apply(terraform: Terraform, options: list[str]) -> dict[str, str]:
    """Plan, show what will be done to which resource, and do it."""
    plan = changes(terraform.plan(*options))
    width = max(map(len, plan), default=0)
    for address, what in plan.items():
        print(f"  {address:{width}}  {what}")
    terraform("apply", "-input=false", "-no-color", "-lock=false", "plan")
    return plan


def invoke(aws: MiniStack, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The function's answer, through its alias."""
    done = aws.client("lambda", read_timeout=120).invoke(FunctionName=outputs["alias_arn"], Payload=b"{}")
    answer: dict[str, Any] = json.load(done["Payload"])
    lines = "\n".join(aws.logs(outputs["function_name"])[-20:])
    assert "FunctionError" not in done, f"{answer}\n{lines}"
    assert answer["statusCode"] == 200, f"{answer}\n{lines}"
    return answer


def leftovers(aws: MiniStack) -> list[str]:
    """What is still in the account."""
    functions = aws.client("lambda").list_functions()["Functions"]
    layers = aws.client("lambda").list_layers()["Layers"]
    buckets = aws.s3.client().list_buckets()["Buckets"]
    roles = aws.client("iam").list_roles()["Roles"]
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    queues = aws.client("sqs").list_queues().get("QueueUrls", [])
    parameters = aws.client("ssm").describe_parameters()["Parameters"]
    return [
        *(each["FunctionName"] for each in functions),
        *(each["LayerName"] for each in layers),
        *(each["Name"] for each in buckets),
        *(each["RoleName"] for each in roles),
        *(each["AlarmName"] for each in alarms),
        *queues,
        *(each["Name"] for each in parameters),
    ]


# -- event-log-checkpoint ---------------------------------------------------------------------------------------------

VISITS = ROOT / "examples" / "visit-events"


def put_visits(aws: MiniStack) -> str:
    """The example's files, into the source's bucket."""
    client, paths = aws.s3.client(), sorted(VISITS.iterdir())
    for path in paths:
        client.put_object(Bucket="visit-events", Key=f"prod/{path.name}", Body=path.read_bytes())
    return f"{len(paths)} objects in s3://visit-events/prod/"


def check_visits(aws: MiniStack, answer: Mapping[str, Any]) -> str:
    """The checkpoint holds what the answer says."""
    body = aws.s3.client().get_object(Bucket="visit-checkpoints", Key="visits/events.parquet")["Body"].read()
    rows = pl.read_parquet(io.BytesIO(body)).height
    # The queue of new objects may have started a run before this one: each event is taken by one of them.
    assert rows == answer["total_events"] == 290, answer
    return f"the checkpoint has {rows} rows; {answer['quarantine']['rows']} records are in quarantine"


EXAMPLES = {
    "event-log-checkpoint": Example(
        variables={
            "environment": "dev",
            "region": "us-east-1",
            "source_bucket": "visit-events",
            "prefix": "prod/",
            "checkpoint_bucket": "visit-checkpoints",
            "checkpoint_key": "visits/events.parquet",
            "create_source_bucket": True,
            "create_checkpoint_bucket": True,
            "force_destroy": True,
            "retain_layer_versions": False,
            "notifications": True,
        },
        events=put_visits,
        check=check_visits,
        line=("report.py", '"events_failed": result.rejected,', '"events_failed": result.rejected, "changed": True,'),
        shows=lambda answer: answer.get("changed") is True,
    )
}

if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "event-log-checkpoint")
