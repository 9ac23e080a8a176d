"""Properties that are tried on more examples in the slow run than with all tests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

EXAMPLES = 100


def given_more(
    most: int, *strategies: Any, **named: Any
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Return `hypothesis.given` for a test without fixtures: `EXAMPLES` with all tests, `most` in the slow run."""

    def decorate(holds: Callable[..., None]) -> Callable[[int], None]:
        def test(examples: int) -> None:
            # Hypothesis takes settings once, so each number has a property of its own.
            decorator: Any = given(*strategies, **named)
            settings(max_examples=examples)(decorator(holds))()

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        several = [EXAMPLES, pytest.param(most, marks=pytest.mark.slow)]
        return pytest.mark.parametrize("examples", several)(test)

    return decorate
