"""Properties that are tried on more examples in the slow run than with all tests."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

EXAMPLES = 100
FEW = 20  # of a property that takes seconds; the slow run tries a hundred


Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def given_more(most: int, *strategies: Any, **named: Any) -> Decorator:
    """Return `hypothesis.given` for a test: `EXAMPLES` with all tests, `most` in the slow run."""
    return _given((EXAMPLES, most), strategies, named)


def given_few(*strategies: Any, **named: Any) -> Decorator:
    """Return `hypothesis.given` for a test that takes long: `FEW` with all tests, `EXAMPLES` in the slow run."""
    return _given((FEW, EXAMPLES), strategies, named)


def _given(
    numbers: tuple[int, int], strategies: tuple[Any, ...], named: dict[str, Any]
) -> Decorator:
    """Return a decorator; parameters that have no strategy are fixtures."""

    def decorate(holds: Callable[..., None]) -> Callable[..., None]:
        decorator: Any = given(*strategies, **named)

        def test(examples: int, **fixtures: Any) -> None:
            # Hypothesis takes settings once, so each number has a property of its own.
            settings(
                max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
            )(decorator(holds))(**fixtures)

        fixtures = inspect.signature(decorator(holds)).parameters.values()
        number = inspect.Parameter("examples", inspect.Parameter.KEYWORD_ONLY)
        made: Any = test
        made.__signature__ = inspect.Signature(
            [number, *(each.replace(kind=number.kind) for each in fixtures)]
        )
        made.__name__, made.__doc__ = holds.__name__, holds.__doc__
        made.__module__ = holds.__module__
        several = [numbers[0], pytest.param(numbers[1], marks=pytest.mark.slow)]
        decorated: Callable[..., None] = pytest.mark.parametrize("examples", several)(
            test
        )
        return decorated

    return decorate
