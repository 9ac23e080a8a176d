"""The state machine of the module distributed-map, applied by Terraform and run by ministack with the real handler.

Children fail at first, run twice, or lose their answers, and so does the commit.
"""

import json
import shutil
import site
import sys
import time

import pytest

from reporting_framework import run_report
from tests.end_to_end.conftest import EXAMPLE, fill
from tests.support.ministack import MiniStackError, ministack, zipped
from tests.support.packages import InstallError
from tests.support.terraform import Terraform, copied, emulated, missing

pytestmark = pytest.mark.slow

REPORT = "event-log-checkpoint"
FUNCTION, ROLE = "visits", "visits-function"
BUCKET, KEY = "visits", "out/e.parquet"

CODE = """
import site
from pathlib import Path
for folder in {folders}:
    site.addsitedir(folder)
from reporting_framework.aws_lambda.handler import handler as real

CALLS = Path({calls!r})


def handler(event, context):
    marker = event["reporting_map"]
    name = marker["step"] + (f"-{{marker['item']['number']}}" if "item" in marker else "")
    with (CALLS / name).open("a") as file:
        file.write("x")
    attempt = (CALLS / name).stat().st_size
    if (CALLS / f"{{name}}.never").exists() or (name == "read-1" and attempt <= 2):
        raise RuntimeError("it fails")
    answer = real(event, context)
    if name == "read-2":
        real(event, context)
    if name in ("read-3", "commit") and attempt == 1:
        raise RuntimeError("the answer is lost")
    return answer
"""

MAIN = """
module "map" {{
  source = "../terraform/modules/distributed-map"

  name               = "visits"
  function_alias_arn = "{alias}"
  function_role_name = "{role}"
  work_bucket        = "{bucket}"
  work_prefix        = "out/_work"
  max_splits         = 6
  max_concurrency    = 4
}}

output "state_machine_arn" {{
  value = module.map.state_machine_arn
}}

output "definition" {{
  value = module.map.definition
}}
"""


@pytest.fixture
def stack():
    if reason := missing():
        pytest.skip(reason)
    try:
        with ministack(python=sys.executable) as running:
            yield running
    except (InstallError, MiniStackError) as error:
        pytest.skip(str(error))


@pytest.fixture
def calls(tmp_path):
    """A file for each step and split that the function was asked for, with a byte for each attempt."""
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


@pytest.fixture
def alias(stack, tmp_path, calls):
    """The function, whose splits have 32 objects; ARN of its alias."""
    code = tmp_path / "code"
    code.mkdir()
    text = CODE.format(folders=site.getsitepackages(), calls=str(calls))
    (code / "app.py").write_text(text)
    role = stack.client("iam").create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": []})
    )["Role"]["Arn"]
    functions = stack.client("lambda")
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": zipped(code)},
        Timeout=60,
        Publish=True,
        Environment={
            "Variables": {
                **stack.s3.environment(),
                "REPORTING_REPORT": REPORT,
                "SOURCE_BUCKET": BUCKET,
                "PREFIX": "events/",
                "CHECKPOINT_BUCKET": BUCKET,
                "CHECKPOINT_KEY": KEY,
                "REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT": "4",
            }
        },
    )
    functions.get_waiter("function_active_v2").wait(
        FunctionName=FUNCTION, WaiterConfig={"Delay": 1}
    )
    made = functions.create_alias(
        FunctionName=FUNCTION, Name="dev", FunctionVersion="1"
    )
    return made["AliasArn"]


@pytest.fixture
def terraform(stack, tmp_path, alias):
    """The module, applied."""
    stack.s3.client().create_bucket(Bucket=BUCKET)
    copied(tmp_path)
    folder = tmp_path / "main"
    folder.mkdir()
    text = MAIN.format(alias=alias, role=ROLE, bucket=BUCKET)
    (folder / "main.tf").write_text(text)
    made = emulated(folder, stack.s3)
    made("apply", "-input=false", "-no-color", "-auto-approve", "-lock=false")
    return made


@pytest.fixture
def execute(stack, terraform: Terraform):
    """Runs the state machine to its end."""
    machines, machine = (
        stack.client("stepfunctions"),
        terraform.outputs()["state_machine_arn"],
    )

    def run():
        arn = machines.start_execution(stateMachineArn=machine)["executionArn"]
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            found = machines.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.2)
        raise AssertionError("the execution goes on")

    return run


def keys(stack, prefix):
    found = stack.s3.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", [])]


def attempts(calls):
    return {path.name: path.stat().st_size for path in calls.iterdir()}


def test_failing_and_repeated_steps_make_the_bytes_of_a_local_run(
    stack, execute, calls, tmp_path
):
    local = tmp_path / "local" / "e.parquet"
    shutil.copytree(EXAMPLE, tmp_path / "events")
    expected = run_report(
        REPORT, {"source": f"{tmp_path}/events", "checkpoint": str(local)}
    )
    fill(stack.s3, BUCKET)

    done = execute()
    assert done["status"] == "SUCCEEDED", (done, stack.logs(FUNCTION)[-20:])
    output = json.loads(done["output"])
    assert output["rounds"] == 2  # of six splits at most
    assert output["result"]["complete"] is True
    found = stack.s3.client().get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    assert found == local.read_bytes()
    assert expected.accepted > 0
    assert keys(stack, "out/_work") == []
    made = attempts(calls)
    assert (made["plan"], made["commit"], made["remove"]) == (2, 3, 2)
    assert (made["read-0"], made["read-1"], made["read-3"]) == (2, 4, 3)

    again = json.loads(execute()["output"])
    assert (again["rounds"], again["result"]["accepted"]) == (1, 0)
    now = stack.s3.client().get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    assert now == found


def test_a_child_that_fails_for_good_commits_nothing_and_loses_nothing(
    stack, execute, calls, tmp_path
):
    fill(stack.s3, BUCKET)
    (calls / "read-4.never").touch()
    failed = execute()
    assert failed["status"] == "FAILED"
    assert failed["error"] == "States.ExceedToleratedFailureThreshold", failed
    assert (keys(stack, KEY), keys(stack, "out/_work")) == ([], [])
    assert "commit" not in attempts(calls)

    (calls / "read-4.never").unlink()
    done = execute()
    assert done["status"] == "SUCCEEDED", done
    local = tmp_path / "local" / "e.parquet"
    shutil.copytree(EXAMPLE, tmp_path / "events")
    run_report(REPORT, {"source": f"{tmp_path}/events", "checkpoint": str(local)})
    found = stack.s3.client().get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    assert found == local.read_bytes()
