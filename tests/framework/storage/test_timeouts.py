"""A call that may never return: its result, its error, or an end of waiting."""

import threading

import pytest

from reporting_framework.storage.timeouts import call_within


def test_the_result_and_the_error_are_those_of_the_call():
    assert call_within(10, lambda: None, "test") is None
    with pytest.raises(KeyError, match="'x'"):
        call_within(10, lambda: {}["x"], "test")


def test_a_call_that_does_not_return_is_given_up():
    release = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
            call_within(0.05, lambda: release.wait(30), "test")
    finally:
        release.set()
