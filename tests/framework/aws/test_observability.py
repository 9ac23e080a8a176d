"""What is logged of an error."""

import json
import logging
import sys

from reporting_framework.aws.observability import _Formatter
from reporting_framework.errors import FatalError


def test_no_message_and_no_note_of_a_foreign_error_is_logged():
    error = FatalError("bad row")
    error.add_note("SECRET")
    error.__cause__ = ValueError("SECRET")
    try:
        raise error
    except FatalError:
        record = logging.LogRecord("x", logging.ERROR, "file", 1, "failed", (), sys.exc_info())
    line = json.loads(_Formatter(serialize_stacktrace=False).format(record))
    assert line["exception_name"] == "FatalError"
    assert "bad row" in line["exception"]
    assert "SECRET" not in json.dumps(line)
