"""The state machine of the how-to page, run by ministack with a function that has the real handler."""

import json
import site
import sys
import time

import pytest

from tests.docs.playing import DOCS, blocks
from tests.support.ministack import MiniStackError, ministack, zipped
from tests.support.packages import InstallError
from tests.support.plugins import event, name_of

PAGE = blocks((DOCS / "how-to" / "run-in-step-functions.md").read_text())
[DEFINITION] = [block.text for block in PAGE if block.title]
ROLE = "arn:aws:iam::123456789012:role/any"

CODE = """
import site, sys
for folder in {folders}:
    site.addsitedir(folder)
from reporting_framework.aws_lambda.handler import handler
"""

FILE = """
[reports.orders]
source    = {{ use = "object-store-json", uri = "{folder}/" }}
validator = {{ use = "json-schema", schema = "{schema}" }}
sinks     = [{{ use = "parquet-dataset", uri = "s3://tables/orders/" }}]
"""


def test_the_definition_leads_from_state_to_state():
    machine = json.loads(DEFINITION)
    states = machine["States"]
    named = {machine["StartAt"]}
    for state in states.values():
        assert state["Type"] in ("Succeed", "Fail", "Choice") or "Next" in state
        named |= {state[key] for key in ("Next", "Default") if key in state}
        named |= {
            each["Next"]
            for each in [*state.get("Choices", ()), *state.get("Catch", ())]
        }
    assert named == set(states)


@pytest.fixture
def stack():
    try:
        with ministack(python=sys.executable) as running:
            yield running
    except (InstallError, MiniStackError) as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_the_state_machine_runs_the_report_and_sees_its_errors(stack, tmp_path):
    code = tmp_path / "code"
    code.mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name_of(1)).write_bytes(event(1))
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    (code / "app.py").write_text(CODE.format(folders=site.getsitepackages()))
    (code / "reporting.toml").write_text(
        FILE.format(folder=tmp_path / "in", schema=tmp_path / "schema.json")
    )
    stack.s3.client().create_bucket(Bucket="tables")
    functions, machines = stack.client("lambda"), stack.client("stepfunctions")
    functions.create_function(
        FunctionName="reporting-orders",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(code)},
        Timeout=60,
        Environment={
            "Variables": {
                **stack.s3.environment(),
                "REPORTING_REPORT": "orders",
                "REPORTING_ON_ERROR": "raise",
            }
        },
    )
    functions.get_waiter("function_active_v2").wait(
        FunctionName="reporting-orders", WaiterConfig={"Delay": 1}
    )
    machine = machines.create_state_machine(
        name="orders", definition=DEFINITION, roleArn=ROLE
    )["stateMachineArn"]

    def execution():
        arn = machines.start_execution(stateMachineArn=machine)["executionArn"]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = machines.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.2)
        raise AssertionError("the execution goes on")

    for accepted in (1, 0):
        done = execution()
        assert done["status"] == "SUCCEEDED", done
        output = json.loads(done["output"])
        assert output["runs"] == 1
        assert output["result"] == {
            "complete": True,
            "accepted": accepted,
            "rejected": 0,
        }
    (tmp_path / "schema.json").unlink()
    functions.update_function_configuration(
        FunctionName="reporting-orders", Timeout=59
    )  # a cold start
    failed = execution()
    assert failed["status"] == "FAILED"
    assert failed["error"] == "Runtime.HandlerError", failed  # ministack's own name
    assert "schema" in failed["cause"]
