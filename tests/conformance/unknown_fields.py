"""The values of the setting ``extra`` that a validator's suite is run with."""

import pytest

UNKNOWN_FIELDS = [
    "ignore",
    *(pytest.param(value, marks=pytest.mark.slow) for value in ("keep", "reject")),
]
