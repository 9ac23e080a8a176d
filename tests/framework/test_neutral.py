"""The core knows no service: what a stream or a table needed is there in general form."""

import re
from pathlib import Path

import pytest

import reporting_framework

FOLDER = Path(reporting_framework.__file__).parent


@pytest.mark.parametrize("package", ["plugin_api", "execution"])
def test_interfaces_and_runner_name_no_service(package):
    texts = [
        path.read_text()
        for path in (FOLDER / package).glob("*.py")
        if path.stem != "triggers"
    ]
    assert len(texts) > 5
    assert (
        re.findall(r"kinesis|dynamo|sqs|event.processor", "".join(texts), re.IGNORECASE)
        == []
    )
