"""Attempts of a conditional write: bounded, with pauses between them."""

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.storage import attempts
from reporting_framework.storage.attempts import (
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    commit_attempts,
)


def test_the_first_attempt_waits_for_nothing_and_pauses_grow_to_a_limit(monkeypatch):
    pauses, limits = [], []
    monkeypatch.setattr(attempts.time, "sleep", pauses.append)
    monkeypatch.setattr(
        attempts.random, "uniform", lambda least, most: limits.append(most) or most
    )
    found = commit_attempts("x")
    numbers = [next(found) for _ in range(MAX_ATTEMPTS)]
    with pytest.raises(
        CommitConflict, match="^x: other runs were faster 20 times in a row; run again$"
    ):
        next(found)
    assert (numbers, len(pauses)) == (list(range(MAX_ATTEMPTS)), MAX_ATTEMPTS - 1)
    assert limits[:3] == [0.02, 0.04, 0.08]
    assert (limits == sorted(limits), limits[-1], len(limits)) == (
        True,
        LONGEST_PAUSE,
        MAX_ATTEMPTS - 1,
    )
