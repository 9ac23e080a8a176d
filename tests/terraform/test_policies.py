"""A policy checker finds nothing in what is deployed but what terraform/.checkov.yaml explains."""

import json
import os
import subprocess

import pytest

from tests.support.packages import environment
from tests.support.terraform import ROOT

pytestmark = pytest.mark.slow

CHECKOV = "checkov>=3.3,<4"


def checked(plan, folder, *options):
    """What it says of a plan. It cannot be told not to ask its maker for news; it does without."""
    (folder / "plan.json").write_text(json.dumps(plan))
    program = environment(CHECKOV).with_name("checkov")
    command = [
        str(program),
        "--file",
        str(folder / "plan.json"),
        "--output",
        "json",
        "--quiet",
        "--compact",
        *options,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"LOG_LEVEL": "CRITICAL"},
    )
    found = json.loads(done.stdout)
    return found["summary"]["passed"], {
        each["check_id"] for each in found["results"]["failed_checks"]
    }


@pytest.mark.parametrize("report", ["event-log-checkpoint", "event-processor"])
def test_nothing_is_found_that_is_not_explained(plan, tmp_path, report):
    packages = "packages" if report == "event-log-checkpoint" else f"{report}-packages"
    made = plan(
        report,
        "-var-file=examples/prod.tfvars",
        f"-var=packages_dir=../tests/{packages}",
    )
    passed, failed = checked(
        made, tmp_path, "--config-file", str(ROOT / ".checkov.yaml")
    )
    assert passed > 50
    assert failed == set()


def test_every_exception_is_needed(plan, tmp_path):
    made = plan("event-log-checkpoint", "-var-file=examples/prod.tfvars")
    _, failed = checked(made, tmp_path, "--framework", "terraform_plan")
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    assert failed == {
        line.split()[-1] for line in lines if line.strip().startswith("- CKV")
    }
