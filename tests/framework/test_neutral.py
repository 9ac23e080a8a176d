"""The core knows no service: what a stream or a table needed is there in general form."""

import re
from pathlib import Path

import pytest

import reporting_framework

FOLDER = Path(reporting_framework.__file__).parent


@pytest.mark.parametrize(
    "name",
    [
        "hookspecs.py",
        "interfaces.py",
        "capabilities.py",
        "records.py",
        "runner.py",
        "process.py",
        "tally.py",
        "ledger.py",
        "assembly.py",
    ],
)
def test_hooks_roles_and_runner_name_no_service(name):
    assert re.findall(r"kinesis|dynamo|sqs|event.processor", (FOLDER / name).read_text(), re.IGNORECASE) == []
