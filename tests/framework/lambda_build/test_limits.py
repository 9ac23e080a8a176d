"""Lambda's limits."""

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.limits import UNZIPPED, check_size


def test_as_much_as_lambda_allows():
    check_size({"a.zip": UNZIPPED - 1, "b.zip": 1})


def test_one_byte_more_is_an_error_that_says_what_takes_the_room():
    with pytest.raises(BuildError) as raised:
        check_size({"a.zip": 1, "b.zip": UNZIPPED})
    assert str(raised.value) == (
        "the packages have 262,144,001 bytes unzipped, 1 more than the 262,144,000 that Lambda allows a function with "
        "its layers (b.zip 262,144,000, a.zip 1); nothing was written"
    )
    assert raised.value.exit_code == 1
